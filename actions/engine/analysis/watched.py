"""What a canary has shown so far: all that the analysis remembers, small enough to be stored at every tick.

Times are absolute, so minute 3 of 5 is minute 3 for whichever bot reads it back. Time in which no bot was there for so
long that users were back on stable is no time of a stage.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from actions.engine.analysis.counters import Counters, Counts, Scrape
from actions.engine.analysis.limits import MOST_HICCUPS


@dataclass(frozen=True, slots=True)
class Tally:
    """What the users of one stage got, and the faults of the canary's worst ticks, the most first."""

    canary: Counts = field(default_factory=Counts)
    stable: Counts = field(default_factory=Counts)
    failed_worst: tuple[int, ...] = ()
    slow_worst: tuple[int, ...] = ()

    def plus(self, canary: Counts, stable: Counts) -> Tally:
        """With one more tick."""
        return Tally(
            self.canary + canary,
            self.stable + stable,
            _worst(self.failed_worst, canary.failed),
            _worst(self.slow_worst, canary.slow),
        )


def _worst(known: tuple[int, ...], faults: int) -> tuple[int, ...]:
    return tuple(sorted((*known, faults), reverse=True)[:MOST_HICCUPS]) if faults else known


Spans = tuple[tuple[float, float], ...]
"""(From when, until when), in order and apart from each other."""


def _apart(spans: Iterable[tuple[float, float]]) -> Spans:
    found = list[tuple[float, float]]()
    for began, ended in sorted(spans):
        if found and began <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ended)
        elif began < ended:
            found.append((began, ended))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Watched:
    """A canary between its first user and its end."""

    hosts: tuple[str, ...]
    planned: int
    """How many stages there are."""
    since: float
    """When the stage that runs began, Unix time in seconds."""
    tallies: tuple[Tally, ...] = (Tally(),)
    """One a stage begun, the last one of the stage that runs."""
    extended: int = 0
    """How often the stage that runs was extended."""
    held: float | None = None
    """Since when a person is asked, None where nobody is."""
    counters: Counters = field(default_factory=Counters)
    lapses: Spans = ()
    """When the users of some server were all on stable since no bot was there, in Unix time (s), of all stages."""

    def read(self, scrapes: Iterable[Scrape]) -> Watched:
        """After the scrapes of one tick.

        A server's first one has to be of this canary's time: an older one lacks the last requests of the canary before
        it, which would be counted as this one's; and where Prometheus was away, it may be minutes old.
        """
        mine = [one for one in scrapes if one.host in self.hosts]
        known = self.counters.lasts
        counters, canary, stable = self.counters.read(one for one in mine if one.host in known or one.at >= self.since)
        return replace(self, counters=counters, tallies=(*self.tallies[:-1], self.tallies[-1].plus(canary, stable)))

    @property
    def fresh(self) -> float:
        """Up to when everything is known: the newest scrape of the server that was heard of least lately."""
        oldest = self.counters.oldest
        known = oldest is not None and len(self.counters.lasts) == len(self.hosts)
        return oldest if known and oldest is not None else min(self.since, oldest or self.since)

    def ends(self, stage: float) -> float:
        """When the stage that runs is over, Unix time in seconds; `stage` is how long each is."""
        return self.since + self.missed(self.since) + stage * (1 + self.extended)

    def missed(self, since: float) -> float:
        """How many seconds after `since` users were on stable: the longest gap, where servers had theirs at once."""
        return math.fsum(max(0.0, ended - max(since, began)) for began, ended in self.lapses)

    def lapsed(self, gaps: Iterable[tuple[float, float]]) -> Watched:
        """With these gaps of any of its servers. What is known already changes nothing."""
        return replace(self, lapses=_apart((*self.lapses, *gaps)))

    def promoted(self, now: float) -> Watched:
        """At the begin of the next stage."""
        return replace(self, since=now, tallies=(*self.tallies, Tally()), extended=0, held=None)

    def extending(self) -> Watched:
        """With the stage once more as long."""
        return replace(self, extended=self.extended + 1)

    def holding(self, now: float) -> Watched:
        """Waiting for a person from now on."""
        return replace(self, held=now)
