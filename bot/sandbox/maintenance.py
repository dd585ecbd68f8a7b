"""Laravel's maintenance mode in the shop: what PreventRequestsDuringMaintenance and its bypass cookie do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import time
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, unquote

COOKIE = "laravel_maintenance"
_HELD_S = 12 * 3600
"""Seconds for which a cookie is good: MaintenanceModeBypassCookie::create."""


def away(release: Path, path: str, cookies: str) -> tuple[int, dict[str, str]] | None:
    """(status, headers) of the answer where users are told to come back; None where the page is served.

    As Laravel: the secret as path sets the cookie and sends to "/", a good cookie is served.
    """
    down = release / "storage/framework/down"
    if not os.access(down, os.F_OK):
        return None
    try:
        said = cast("dict[str, Any]", json.loads(down.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return None
    if time.time() >= said.get("chom_until", float("inf")):  # what maintenance.php does before Laravel begins
        down.unlink(missing_ok=True)
        return None
    secret = str(said.get("secret") or "")
    if secret and path == f"/{secret}":
        return 302, {"Location": "/", "Set-Cookie": f"{COOKIE}={quote(_cookie(secret))}; path=/; httponly"}
    if secret and _is_good(cookies, secret):
        return None
    retry = said.get("retry")
    return int(said.get("status") or 503), {"Retry-After": str(retry)} if retry else {}


def _cookie(secret: str) -> str:
    expires = int(time.time()) + _HELD_S
    return base64.b64encode(json.dumps({"expires_at": expires, "mac": _mac(secret, expires)}).encode()).decode()


def _mac(secret: str, expires: int) -> str:
    return hmac.new(secret.encode(), str(expires).encode(), hashlib.sha256).hexdigest()


def _is_good(cookies: str, secret: str) -> bool:
    try:
        value = SimpleCookie(cookies)[COOKIE].value
        told = cast("dict[str, Any]", json.loads(base64.b64decode(unquote(value), validate=True)))
        expires = int(told["expires_at"])
    except (CookieError, KeyError, TypeError, ValueError, binascii.Error):
        return False
    return hmac.compare_digest(str(told.get("mac", "")), _mac(secret, expires)) and expires >= time.time()
