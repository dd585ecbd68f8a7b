"""Whether a release works, asked of PHP-FPM before anybody is sent to it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import cast

from ..arguments import RELEASE, text
from ..base import Failed, Json
from ..fastcgi import fastcgi
from ..server import version_of, whole_release
from ..work import Verb, Work
from .maintenance import bypass

PATH = text(r"/[A-Za-z0-9._~/?&=%:@+,;-]{0,255}", "a path that begins with “/”")


def health(work: Work, release: str, path: str) -> str:
    return answered(work, release, path, work.settings.fpm_socket, whole_release(work, release))


def answered(work: Work, release: str, path: str, socket: str, root: Path) -> str:
    """Asks the PHP-FPM at that socket for the release below `root`. Raises Failed where it is not well."""
    public = Path(os.path.realpath(root / "public"))
    name, _, query = path.partition("?")
    status, page = fastcgi(
        socket,
        {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_SOFTWARE": "chom-host",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": "GET",
            "REQUEST_URI": path,
            "QUERY_STRING": query,
            "DOCUMENT_URI": name,
            "SCRIPT_NAME": "/index.php",
            "SCRIPT_FILENAME": str(public / "index.php"),
            "DOCUMENT_ROOT": str(public),
            "HTTP_HOST": work.settings.health_host,
            "HTTP_ACCEPT": "*/*",
            "HTTP_COOKIE": bypass(work.settings),
            "HTTP_USER_AGENT": "chom-host",
            "HTTPS": "on",
            "REQUEST_SCHEME": "https",
            "SERVER_NAME": work.settings.health_host,
            "SERVER_PORT": "443",
            "SERVER_ADDR": "127.0.0.1",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "0",
            "REDIRECT_STATUS": "200",
        },
    )
    version = version_of(work.settings, release)
    said = [line.strip()[:500] for line in page.splitlines() if line.strip()][:5]
    for line in said:
        work.say(line)
    if not 200 <= status < 300:
        why = f": {reason_in(page) or said[0][:200]}" if said else ""
        raise Failed(f"{path} of {version} answers HTTP {status}{why}")
    return f"{path} of {version} answers HTTP {status}"


def reason_in(page: str) -> str:
    """What a JSON answer says under "error" or "message", as many health checks do; "" where there is none."""
    try:
        body: object = json.loads(page)
    except (ValueError, RecursionError):
        return ""
    said = cast(Json, body) if isinstance(body, dict) else {}
    told: object = said.get("error") or said.get("message")
    return " ".join(told.split())[:200] if isinstance(told, str) else ""


VERBS = {"health": Verb({"release": RELEASE, "path": PATH}, health)}
