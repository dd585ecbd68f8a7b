"""The two PHP-FPM masters of a server: whether the canary's runs, what it serves, and whether there is room for it."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Optional

from .base import Failed, Json
from .fastcgi import connected
from .leases import lapsed_since, lease, leased
from .settings import Settings

_ANSWER = 2.0
"""Seconds for the canary's socket."""
_FILES = Path("/proc")


def look(settings: Settings) -> Optional[Json]:
    """What `survey` says of the pools; None for a server that has but one."""
    if not settings.canary:
        return None
    now = time.time()
    return {
        "canary": in_canary(settings),
        "running": runs(settings),
        "weight": leased(settings, now),
        "lapsed": lapsed_since(settings, now),
        "memory": memory_free(),
        "needed": needed(settings),
    }


def canary_link(settings: Settings) -> Path:
    """The link to the release that the canary serves."""
    return Path(settings.www, settings.canary)


def in_canary(settings: Settings) -> str:
    """The id of the release that the canary serves, or would, "" for none."""
    link = canary_link(settings)
    return link.readlink().name if settings.canary and link.is_symlink() else ""


def runs(settings: Settings) -> bool:
    """Whether the canary's master takes requests."""
    try:
        connected(settings.canary_socket, _ANSWER).close()
    except OSError:
        return False
    return True


def memory_free() -> int:
    """Bytes that programs can still have without swapping (MemAvailable)."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", (_FILES / "meminfo").read_text(encoding="ascii"), re.M)
    return int(found[1]) * 1024 if found else 0


def needed(settings: Settings) -> int:
    """Bytes that the canary takes with all its workers: as many as stable may have, each as large as stable's are.

    0 where no worker of stable can be seen, or a file of the pool cannot be read.
    """
    try:
        text = "\n".join(Path(path).read_text(encoding="utf-8") for path in settings.fpm_files)
    except OSError:
        return 0
    found = re.findall(r"^\s*pm\.max_children\s*=\s*(\d+)", text, re.M)
    sizes = _workers(settings.fpm_pool)
    return int(found[-1]) * sum(sizes) // len(sizes) if found and sizes else 0


def _workers(pool: str) -> list[int]:
    """The resident bytes that are its own of each PHP-FPM worker of that pool: what is shared is there once anyhow."""
    sizes: list[int] = []
    title = f"php-fpm: pool {pool}".encode()
    for entry in os.scandir(_FILES):
        if entry.name.isdecimal():
            try:
                if (_FILES / entry.name / "cmdline").read_bytes().rstrip(b"\0 ") == title:
                    _, resident, shared = (_FILES / entry.name / "statm").read_text().split()[:3]
                    sizes.append((int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE"))
            except (OSError, ValueError):
                continue  # it has just ended
    return sizes


def route(settings: Settings, percent: int) -> Json:
    """From now on so many per cent of the clients have the canary, see `lease`. The caller holds the lock.

    Called again before the lease is over, it goes on. Raises Failed for more than nobody where the canary is not there.
    """
    if percent and settings.canary and not canary_link(settings).is_symlink():
        raise Failed("the canary serves no release yet, so no client can have it")
    if percent and settings.canary and not runs(settings):
        raise Failed(f"{settings.canary_service} does not run, so no client can have it")
    return lease(settings, percent)


def pins(settings: Settings) -> Json:
    """What a probe says in the header X-Chom-Pin to be sent to a pool, by pool. Raises Failed."""
    try:
        text = Path(settings.pins).read_text(encoding="ascii")
    except OSError as fault:
        raise Failed(f"{settings.pins} cannot be read ({fault.strerror}); run `chom-bot host install`") from None
    return {pool: pin for pin, pool in re.findall(r'^"([0-9a-z-]+)" (canary|stable);$', text, re.M)}
