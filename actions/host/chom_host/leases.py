"""Which share of the clients has the canary: a lease of the server's own minute, which ends whoever is dead by then.

nginx asks at each request whether lease/<minute>/<bucket> is there (actions/host/pools). A weight of n % is a directory
with the files 1 to n, made once; a lease of it is a link from this minute and one from the next, each put in place by
one rename. The directory lies in memory, so after a reboot there is no lease. nginx may be late by a moment, so a lease
of a minute that has just begun is one of the minute before as well.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Optional

from .base import Failed, Json
from .files import read_json, write_whole
from .settings import Settings

LASTS = 120
"""Seconds after its last renewal in which a lease is over, at most."""
_LATE = 1.0
"""Seconds by which nginx's time may be behind: it reads the clock once for many requests."""
_MINUTE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}[+-][0-9]{2}:[0-9]{2}")


def minute(at: float) -> str:
    """The minute of a Unix time (s) as nginx's $time_iso8601 has it, "2026-11-26T15:20+01:00".

    With its offset from UTC, so that the hour that comes twice in autumn does not wake a lease.
    """
    here = time.localtime(at)
    offset = abs(here.tm_gmtoff) // 60
    sign = "-" if here.tm_gmtoff < 0 else "+"
    return f"{time.strftime('%Y-%m-%dT%H:%M', here)}{sign}{offset // 60:02}:{offset % 60:02}"


def leased(settings: Settings, at: float) -> int:
    """Per cent of the clients that have the canary in that minute."""
    try:
        said = (Path(settings.leases, "lease") / minute(at)).readlink().name
    except OSError:
        return 0
    return int(said) if said.isdecimal() else 0


def lease(settings: Settings, percent: int, now: Optional[float] = None) -> Json:
    """From now on so many per cent have the canary, until the end of the next minute. The caller holds the lock.

    Answers `percent`, `until` (Unix time in s) and `lapsed`: since when an earlier lease was over without having been
    taken back, None where that is not so. Raises Failed where there are no pools on this server.
    """
    if not settings.canary:
        raise Failed(
            "this server has no canary pool; give it one with `chom-bot host install`, see [hosts.NAME.canary]"
        )
    at = time.time() if now is None else now
    lapsed = lapsed_since(settings, at)
    place = Path(settings.leases, "lease")
    place.mkdir(mode=0o755, parents=True, exist_ok=True)
    minutes = {minute(at - _LATE), minute(at), minute(at + 60)} if percent else set[str]()
    for name in minutes:
        _point(place / name, _weight(settings, percent))
    for path in place.iterdir():
        if path.name not in minutes:
            path.unlink()
    until = (int(at) // 60 + 2) * 60 if percent else 0
    write_whole(_record(settings), b'{"percent": %d, "until": %d}\n' % (percent, until))
    return {"percent": percent, "until": until, "lapsed": lapsed}


def lapsed_since(settings: Settings, at: float) -> Optional[int]:
    """Since when (Unix time, s) the last lease is over, where nobody took it back; None where nothing lapsed."""
    said = read_json(_record(settings))
    if not said or not said["percent"] or leased(settings, at):
        return None
    return int(min(said["until"], at))


def _record(settings: Settings) -> Path:
    return Path(settings.state, "weight.json")


def _weight(settings: Settings, percent: int) -> Path:
    """The directory with the files 1 to `percent`; it appears whole."""
    made = Path(settings.leases, "weights", str(percent))
    if not made.is_dir():
        part = made.with_name(f".{percent}")
        part.mkdir(mode=0o755, parents=True, exist_ok=True)
        for bucket in range(1, percent + 1):
            (part / str(bucket)).touch(mode=0o644)
        part.rename(made)
    return made


def _point(link: Path, target: Path) -> None:
    fresh = link.with_name(f".{link.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(Path("..") / "weights" / target.name)
    fresh.replace(link)
