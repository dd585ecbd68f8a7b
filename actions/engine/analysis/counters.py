"""From raw counters to counts: differences between scrapes, whatever restarts, is born, repeated or missing.

`increase()` reads 0 for a series that is born inside its window, and guesses at its edges; these do neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests of users, and how many of them failed (5xx) and how many were slow; one may be both."""

    requests: int = 0
    failed: int = 0
    slow: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.requests + other.requests, self.failed + other.failed, self.slow + other.slow)


@dataclass(frozen=True, slots=True)
class Totals:
    """One pool's counters as a scrape read them, since whenever they began; NaN where there was no value."""

    requests: float = 0.0
    failed: float = 0.0
    slow: float = 0.0

    @property
    def readable(self) -> bool:
        """Whether every value is one that a counter can have."""
        return 0 <= self.requests < math.inf and 0 <= self.failed < math.inf and 0 <= self.slow < math.inf

    def since(self, before: Totals) -> Counts:
        """What was counted after `before`. A value that fell says that all were reset: then all of it is new."""
        if self.requests < before.requests or self.failed < before.failed or self.slow < before.slow:
            before = Totals()
        return Counts(
            round(self.requests) - round(before.requests),
            round(self.failed) - round(before.failed),
            round(self.slow) - round(before.slow),
        )


@dataclass(frozen=True, slots=True)
class Scrape:
    """What one server's exporter said at one moment.

    A pool whose series the exporter does not have yet has counted nothing: its Totals are zeros. Where the exporter
    could not be read there is no Scrape.
    """

    host: str
    at: float
    """When it was scraped, Unix time in seconds: Prometheus' time of the sample, not of the query."""
    canary: Totals = field(default_factory=Totals)
    stable: Totals = field(default_factory=Totals)
    busy: int = 0
    """PHP-FPM workers of the canary that are at work for users."""

    @property
    def readable(self) -> bool:
        """Whether both pools can be counted."""
        return self.canary.readable and self.stable.readable and math.isfinite(self.at)


@dataclass(frozen=True, slots=True)
class Last:
    """The newest scrape of one server, and since when its canary is busy and completes nothing."""

    scrape: Scrape
    stuck: float | None = None

    def then(self, scrape: Scrape, canary: Counts) -> Last:
        """After a newer scrape, in which the canary had completed so much."""
        if not scrape.busy or canary.requests:
            return Last(scrape, scrape.at if scrape.busy else None)
        return Last(scrape, self.stuck if self.stuck is not None else scrape.at)


@dataclass(frozen=True, slots=True)
class Counters:
    """The newest scrape of each server that is counted; what is before the first one is not ours."""

    lasts: Mapping[str, Last] = field(default_factory=dict[str, Last])

    @property
    def oldest(self) -> float | None:
        """The time of the newest scrape of the server that was heard of least lately; None without servers."""
        return min((last.scrape.at for last in self.lasts.values()), default=None)

    @property
    def stuck(self) -> tuple[str, float] | None:
        """The server whose canary completes nothing for longest, and for how many seconds as it says itself."""
        found = [(last.scrape.at - last.stuck, host) for host, last in self.lasts.items() if last.stuck is not None]
        return max(((host, since) for since, host in found), key=lambda one: one[1], default=None)

    def read(self, scrapes: Iterable[Scrape]) -> tuple[Counters, Counts, Counts]:
        """The counters after these scrapes, and what the canary and stable have served since the last ones.

        A scrape that has come before, is older than what is known, or has a value that is none (NaN, below 0)
        changes nothing: what it would have said is in the next one, since counters only grow. The order in which
        servers are listed does not matter.
        """
        lasts, canary, stable = dict(self.lasts), Counts(), Counts()
        for scrape in sorted((one for one in scrapes if one.readable), key=lambda one: one.at):
            before = lasts.get(scrape.host)
            if before is None:
                lasts[scrape.host] = Last(scrape, scrape.at if scrape.busy else None)
            elif scrape.at > before.scrape.at:
                mine = scrape.canary.since(before.scrape.canary)
                canary, stable = canary + mine, stable + scrape.stable.since(before.scrape.stable)
                lasts[scrape.host] = before.then(scrape, mine)
        return replace(self, lasts=lasts), canary, stable
