"""Which pool a client is sent to: what actions/host/pools/nginx-http.conf and nginx-site.conf make nginx do."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

STABLE, CANARY = "stable", "canary"
_BUCKET = 0xFFFFFFFF // 100
"""One per cent of the hashes, as split_clients counts them."""
_PIN = re.compile(r'^"([^"]+)" (canary|stable);$', re.M)


def murmur2(data: bytes) -> int:
    """MurmurHash2 of 32 bits with seed 0 (Austin Appleby, public domain), as nginx's split_clients has it."""
    mix, mask = 0x5BD1E995, 0xFFFFFFFF
    found, whole = len(data), len(data) & ~3
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * mix & mask
        found = (found * mix & mask) ^ ((word ^ word >> 24) * mix & mask)
    if rest := data[whole:]:
        found = (found ^ int.from_bytes(rest, "little")) * mix & mask
    found = (found ^ found >> 13) * mix & mask
    return found ^ found >> 15


@lru_cache(maxsize=8192)
def bucket(client: str) -> int:
    """1 to 100, the same for the same client: 99 buckets of one per cent each, and the rest."""
    return min(murmur2(client.encode()) // _BUCKET + 1, 100)


def minute(at: float) -> str:
    """The minute and the zone of nginx's $time_iso8601 at a Unix time (s): 2026-11-26T15:20+01:00."""
    said = time.strftime("%Y-%m-%dT%H:%M%z", time.localtime(at))
    return f"{said[:-2]}:{said[-2:]}"


@dataclass(slots=True)
class Routing:
    """One server's: `leases` is where chom-host puts them, `pins` the file of secrets with which a pool is named."""

    leases: Path
    pins: Path
    now: Callable[[], float] = time.time
    """Unix time (s), which the lease is asked for by."""
    _minute: tuple[int, str] = field(default=(0, ""))
    _pins: tuple[int, dict[str, str]] = field(default_factory=lambda: (0, dict[str, str]()))

    def pool(self, client: str, pin: str = "") -> tuple[str, bool]:
        """The pool, and whether it was named by a pin: then it is no user, and is not counted."""
        if pin and (named := self._pinned().get(pin)):
            return named, True
        leased = os.access(f"{self.leases}/lease/{self._this_minute()}/{bucket(client)}", os.F_OK)
        return (CANARY if leased else STABLE), False

    def weight(self) -> int:
        """Per cent of the buckets that the lease of this minute names."""
        try:
            return int((self.leases / "lease" / self._this_minute()).readlink().name)
        except (OSError, ValueError):
            return 0

    def _this_minute(self) -> str:
        now = int(self.now())
        if now != self._minute[0]:
            self._minute = now, minute(now)
        return self._minute[1]

    def _pinned(self) -> dict[str, str]:
        """Read when nginx would have been started or reloaded; here, when the file has changed."""
        changed = self.pins.stat().st_mtime_ns if self.pins.exists() else 0
        if changed != self._pins[0]:
            self._pins = changed, dict(_PIN.findall(self.pins.read_text(encoding="ascii")))
        return self._pins[1]
