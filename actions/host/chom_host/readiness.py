"""What this server lacks for a deploy, looked at before the first one; nothing is changed and nothing is started."""

from __future__ import annotations

import getpass
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .base import GZIP, Failed, Json
from .config import env_path, why_not_replaced
from .disk import free_bytes
from .dotenv import database
from .fastcgi import connected
from .pinned import why_not_routed
from .server import why_no_switch
from .settings import Settings

ANSWER = 5.0
"""Seconds for PHP-FPM and for sudo."""


def check(settings: Settings) -> Json:
    """`faults` are sentences with what to do; `backup` is one where no backup can be made, `config` where shared/.env
    cannot be changed, else "" there."""
    return {
        "faults": [
            *_places(settings),
            *_programs(settings),
            *_fpm(settings),
            *_canary(settings),
            *_sudo(settings),
        ],
        "backup": "; ".join(_backups(settings)),
        "config": why_not_replaced(settings) if env_path(settings).exists() else "",
        "services": list(settings.services),
        "disk_free": free_bytes(settings.releases if settings.releases.is_dir() else Path(settings.www)),
    }


def _places(settings: Settings) -> Iterator[str]:
    for path in (Path(settings.www), settings.releases, settings.jobs, settings.incoming, Path(settings.logs)):
        if why := _unwritable(path):
            yield f"{path} {why}"
    for name in settings.shared:
        path = settings.shared_dir / name
        if not path.exists():
            yield f"{path} is missing; put it there, readable for {_me()} and PHP-FPM"
        elif not os.access(path, os.R_OK):
            yield f"{path} cannot be read by {_me()}; let its group, or {_me()}, read it"
        elif name == "storage" and (why := _unwritable(path)):
            yield f"{path} {why}"
    if why := why_no_switch(settings):
        yield why


def _unwritable(path: Path) -> str:
    """Why one cannot write there, "" where one can; what is missing is made by whoever can write above it."""
    if path.is_dir():
        return (
            "" if os.access(path, os.W_OK | os.X_OK) else f"cannot be written by {_me()}; run `chom-bot host install`"
        )
    if path.exists():
        return "is no directory; move it away"
    above = next((one for one in path.parents if one.exists()), path)
    made = above.is_dir() and os.access(above, os.W_OK | os.X_OK)
    return "" if made else f"is missing, and {_me()} cannot make it; run `chom-bot host install`"


def _programs(settings: Settings) -> Iterator[str]:
    if not os.access(settings.php, os.X_OK):
        yield f"{settings.php} cannot be run; install PHP, or name it as php in /etc/chom/host.json"


def _fpm(settings: Settings) -> Iterator[str]:
    try:
        connected(settings.fpm_socket, ANSWER).close()
    except OSError as fault:
        why = fault.strerror or str(fault) or "no answer"
        yield (
            f"PHP-FPM does not answer at {settings.fpm_socket} ({why}); is it running, and may {_me()} speak to it? "
            "Else name its address as fpm_socket in /etc/chom/host.json"
        )


def _canary(settings: Settings) -> Iterator[str]:
    if not settings.canary:
        return
    if why := _unwritable(Path(settings.leases)):
        yield f"{settings.leases} {why}"
    if not os.access(settings.pins, os.R_OK):
        yield f"{settings.pins} cannot be read by {_me()}; run `chom-bot host install`"
    elif why := why_not_routed(settings):
        yield why
    for path in (path for path in settings.fpm_files if not os.access(path, os.R_OK)):
        yield f"{path} cannot be read; name the files of the site's pool as files in [hosts.NAME.canary]"
    for other in _other_files(settings):
        yield f"{other} says more of the pool {settings.fpm_pool}; name it among the files in [hosts.NAME.canary]"


def _other_files(settings: Settings) -> Iterator[Path]:
    """Files that PHP-FPM reads for this pool too, and the canary's does not."""
    section = re.compile(rf"^\s*\[{re.escape(settings.fpm_pool)}\]", re.M)
    for directory in sorted({Path(path).parent for path in settings.fpm_files}):
        for path in sorted(directory.glob("*.conf")):
            if str(path) not in settings.fpm_files and section.search(path.read_text("utf-8", "replace")):
                yield path


def _sudo(settings: Settings) -> Iterator[str]:
    """Asks whether the very command would be allowed; `-l` runs nothing."""
    wanted = [("reload", service) for service in settings.services]
    if settings.canary:
        wanted += [("start", settings.canary_service), ("stop", settings.canary_service)]
    for what, service in wanted:
        argv = [settings.sudo, "-n", "-l", settings.systemctl, what, service]
        try:
            asked = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER, check=False)
            allowed = asked.returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            allowed = False
        if not allowed:
            command = f"{settings.systemctl} {what} {service}"
            yield f"sudo does not let {_me()} run “{command}”; run `chom-bot host install`, or take the service away"


def _backups(settings: Settings) -> Iterator[str]:
    if why := _unwritable(Path(settings.backups)):
        yield f"{settings.backups} {why}"
    if not (settings.shared_dir / ".env").exists():
        return  # said among the faults; without it nobody knows what to back up
    try:
        needed = [] if database(settings).sqlite else [settings.dump, GZIP]
    except Failed as failed:
        yield str(failed)
        return
    if not os.access(settings.dump, os.X_OK) and settings.dump in needed:
        yield f"{settings.dump} cannot be run; install mariadb-client, or name it as dump in /etc/chom/host.json"
    if GZIP in needed and not os.access(GZIP, os.X_OK):
        yield f"{GZIP} cannot be run; install gzip"


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
