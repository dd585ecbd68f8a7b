"""Canaries that are simulated: users come, the build fails a share of them, an analysis looks every five seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TICK = 5.0
"""Seconds between two scrapes."""
HOUR = 3600.0
"""How long each run is followed. Users whom a promoted build fails after it was promoted count as well."""
WEIGHTS = (10, 25, 50, 75, 100)
STAGE = 300.0
STABLE = 0.01
"""The share of requests that stable fails."""
OUTAGE = 5.0
"""How long a burst lasts on average, in seconds: everything fails."""
_TICKS = int(HOUR / TICK)
Counted = tuple[int, int]
"""Requests, and how many of them failed."""


class Outcome(Enum):
    """What became of a canary; where its hour ended before that, HOLD: it waits."""

    PROMOTED = "promoted"
    BACK = "back"
    HOLD = "hold"


class Analysis(Protocol):
    """One way to decide."""

    stage: int
    """Which of WEIGHTS users have now."""
    asked: bool
    """Whether it has ever asked a person."""

    def tick(self, now: float, canary: Counted, stable: Counted) -> Outcome | None:
        """After a tick that ended at `now`: what became of the canary, None while it goes on."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """How one run ended, after how many seconds, and how many requests of users the new build failed."""

    outcome: Outcome
    seconds: float
    bad: int


Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What each weight's canary and stable would be asked, and fail, in each tick: arrays of (weights, ticks)."""

    canary: Counts
    failed: Counts
    stable: Counts
    stable_failed: Counts

    def columns(self) -> Sequence[Sequence[tuple[int, int, int, int]]]:
        """The same, by weight and tick."""
        arrays = (self.canary, self.failed, self.stable, self.stable_failed)
        return np.stack(arrays, axis=-1).tolist()


def traffic(random: np.random.Generator, rate: float, share: float, bursts: bool) -> Traffic:
    """An hour of `rate` requests a second, of which the new build fails `share`, one by one or in outages."""
    expected = rate * TICK * np.array(WEIGHTS)[:, None] / 100
    failing = _outages(random, share) if bursts else np.full(_TICKS, share)
    canary = random.poisson(np.broadcast_to(expected, (len(WEIGHTS), _TICKS)))
    stable = random.poisson(np.broadcast_to(rate * TICK - expected, (len(WEIGHTS), _TICKS)))
    return Traffic(canary, random.binomial(canary, failing), stable, random.binomial(stable, STABLE))


def _outages(random: np.random.Generator, share: float) -> NDArray[np.float64]:
    """The part of each tick in which everything fails: two states, second by second."""
    if share == 1:
        return np.ones(_TICKS)
    leave, enter = 1 / OUTAGE, share / (1 - share) / OUTAGE
    draws, down = random.random(int(HOUR)), bool(random.random() < share)
    states = np.empty(int(HOUR))
    for second, draw in enumerate(draws.tolist()):
        down = draw >= leave if down else draw < enter
        states[second] = down
    return states.reshape(_TICKS, -1).mean(axis=1)


def run(analysis: Analysis, columns: Sequence[Sequence[tuple[int, int, int, int]]]) -> Result:
    """One canary to its end."""
    bad = 0
    for tick in range(_TICKS):
        requests, failed, stable, stable_failed = columns[analysis.stage][tick]
        bad += failed
        now = (tick + 1) * TICK
        outcome = analysis.tick(now, (requests, failed), (stable, stable_failed))
        if outcome is Outcome.PROMOTED:
            return Result(outcome, now, bad + sum(column[1] for column in columns[-1][tick + 1 :]))
        if outcome is not None:
            return Result(Outcome.HOLD if analysis.asked else outcome, now, bad)
    return Result(Outcome.HOLD, HOUR, bad)


@dataclass(frozen=True, slots=True)
class Cell:
    """What came of many runs of one analysis: shares of the runs, mean bad requests, median seconds."""

    back: float
    hold: float
    bad: float
    seconds: float


def cell(make: Callable[[], Analysis], runs: Sequence[Sequence[Sequence[tuple[int, int, int, int]]]]) -> Cell:
    """The same traffic for every analysis."""
    results = [run(make(), columns) for columns in runs]
    outcomes = [result.outcome for result in results]
    return Cell(
        outcomes.count(Outcome.BACK) / len(results),
        outcomes.count(Outcome.HOLD) / len(results),
        sum(result.bad for result in results) / len(results),
        float(np.median([result.seconds for result in results])),
    )
