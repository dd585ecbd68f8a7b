"""Maintenance mode, Laravel's own, that ends by itself: when its time is over, whoever is dead by then.

It is a file in storage, which all releases share. Two look at the time that is written in it: a process that is left
behind here, and the page that Laravel's public/index.php asks first (which also ends it after the server was down).
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
import signal
import time
from pathlib import Path
from typing import Optional
from urllib.parse import quote

from ..arguments import number
from ..base import Failed, Json
from ..files import read_json, write_whole
from ..logs import log_line
from ..settings import Settings
from ..work import Verb, Work

_OURS = "chom_until"
"""The key by which our file is known from one of `php artisan down`: the Unix time (s) at which it ends."""
_RETRY_S = 30
"""What a browser or a crawler is told to wait, in seconds."""
_LOOK_S = 1.0
"""Seconds between two looks of the process that is left behind."""
_GATE = b"""<?php
// Put here by chom-host, which takes it away again: maintenance mode that ends at the time written in `down`.
$down = __DIR__.'/down';
$said = is_file($down) ? json_decode((string) @file_get_contents($down), true) : null;
if (isset($said['chom_until']) && time() >= $said['chom_until']) {
    @unlink($down);
}
"""


def down(work: Work, seconds: int) -> str:
    framework = _framework(work.settings)
    there = told(work.settings)
    if there is not None and _OURS not in there:
        raise Failed("somebody put this server into maintenance mode by hand; end that first, with php artisan up")
    framework.mkdir(mode=0o2775, parents=True, exist_ok=True)
    until = int(time.time()) + seconds
    said: Json = {"except": [], "redirect": None, "retry": _RETRY_S, "refresh": None, "status": 503, "template": None}
    said["secret"] = there["secret"] if there else secrets.token_hex(16)
    said[_OURS] = until
    write_whole(framework / "maintenance.php", _GATE, 0o640)
    write_whole(framework / "down", json.dumps(said).encode(), 0o660)
    _leave_behind(work.settings, until)
    work.note(f"whoever opens /SECRET sees the site; the secret is in {framework / 'down'}")
    return f"users are told to come back; it ends by itself after {seconds} s"


def up(work: Work) -> str:
    there = told(work.settings)
    if there is None:
        (_framework(work.settings) / "maintenance.php").unlink(missing_ok=True)
        return "it was not in maintenance mode"
    if _OURS not in there:
        return "it was left in the maintenance mode that somebody put it into by hand"
    _lift(work.settings)
    return "users are served again"


def told(settings: Settings) -> Optional[Json]:
    """What the file of maintenance mode says, {} for one that nobody can read; None where users are served."""
    try:
        said = read_json(_framework(settings) / "down")
    except ValueError:
        return {}
    return said if said is None or isinstance(said.get("secret"), str) else {**said, "secret": ""}


def _framework(settings: Settings) -> Path:
    if "storage" not in settings.shared:
        raise Failed("maintenance mode needs a storage that all releases share; this server's releases have their own")
    return settings.shared_dir / "storage/framework"


def _lift(settings: Settings) -> None:
    """The file that closes goes first: without it the other one lets everybody through."""
    for name in ("down", "maintenance.php"):
        (_framework(settings) / name).unlink(missing_ok=True)


def _leave_behind(settings: Settings, until: int) -> None:
    """A process of its own session, with nothing of ours open, that ends the mode at its time.

    It is no part of the job: the job ends while this goes on, and nobody who asks for the job waits for it.
    """
    ready, gone = os.pipe()
    if os.fork() == 0:
        try:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.closerange(3, 4096)
            _end_at(settings, until)
        finally:
            os._exit(0)
    os.close(gone)
    os.read(ready, 1)  # closed by the child in its own session: the end of the job's session does not reach it
    os.close(ready)


def _end_at(settings: Settings, until: int) -> None:
    while (said := told(settings)) is not None and said.get(_OURS) == until:
        if time.time() >= until:
            _lift(settings)
            log_line(settings, "chom-host", "maintenance mode was at its time limit and was ended")
            return
        time.sleep(_LOOK_S)


def bypass(settings: Settings) -> str:
    """The Cookie header with which Laravel serves a request in maintenance mode; "" where there is none to get past.

    As Illuminate\\Foundation\\Http\\MaintenanceModeBypassCookie makes it (Laravel 8 to 12).
    """
    said = told(settings) if "storage" in settings.shared else None
    if not said or not said["secret"]:
        return ""
    expires = str(int(time.time()) + 600)
    mac = hmac.new(str(said["secret"]).encode(), expires.encode(), "sha256").hexdigest()
    value = base64.b64encode(json.dumps({"expires_at": int(expires), "mac": mac}).encode()).decode()
    return f"laravel_maintenance={quote(value)}"


VERBS = {"down": Verb({"seconds": number(1, 7200)}, down), "up": Verb({}, up)}
