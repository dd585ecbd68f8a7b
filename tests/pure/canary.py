"""Canaries for the tests of the analysis: told in requests, failures and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from actions.engine.analysis import Limits, Scrape, Totals, Watched

BEGAN = 1_790_000_000.0
"""Unix time (s) at which the first user is sent to the canary."""
LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Tick:
    """What was served since the tick before."""

    requests: int = 0
    failed: int = 0
    slow: int = 0
    stable: int = 0
    stable_failed: int = 0
    stable_slow: int = 0
    busy: int = 0


def begun(*hosts: str, planned: int = 5) -> Watched:
    """A canary whose servers were scraped as it began, with counters that are hours old."""
    names = hosts or ("app1",)
    watched = Watched(names, planned, BEGAN)
    return watched.read([Scrape(host, BEGAN, Totals(40, 7, 7), Totals(9000, 90, 90)) for host in names])


def scrapes(ticks: Sequence[Tick], start: float, every: float, host: str = "app1") -> list[Scrape]:
    """The counters of one server after each tick, `every` seconds apart."""
    requests, failed, slow, stable, stable_failed, stable_slow = 40, 7, 7, 9000, 90, 90
    found: list[Scrape] = []
    for number, tick in enumerate(ticks, 1):
        requests, failed, slow = requests + tick.requests, failed + tick.failed, slow + tick.slow
        stable, stable_failed = stable + tick.stable, stable_failed + tick.stable_failed
        stable_slow += tick.stable_slow
        mine, other = Totals(requests, failed, slow), Totals(stable, stable_failed, stable_slow)
        found.append(Scrape(host, start + number * every, mine, other, tick.busy))
    return found


def after(*ticks: Tick, every: float = 5.0, watched: Watched | None = None) -> Watched:
    """The canary after these ticks."""
    now = watched or begun()
    for scrape in scrapes(ticks, BEGAN, every):
        now = now.read([scrape])
    return now
