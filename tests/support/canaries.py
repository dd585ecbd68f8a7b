"""The journal of a canary's shift, with as many requests, failures and slow ones as one says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from actions.engine.analysis import Tally, Watched
from actions.engine.analysis.counters import Counts
from actions.engine.journal import Done, Entry, Failed, Measured, Started, TurnedBack, Way, Weighed

BAD = "26 of 114 requests failed; stable: 2 of 336. The limit is 5 %, and this is 23 %."


def shift(
    began: datetime,
    weights: tuple[int, ...] = (10, 50, 100),
    *,
    ticks: int = 4,
    every: float = 15.0,
    requests: int = 200,
    failed: float = 0.0,
    slow: float = 0.0,
    back: int = 0,
    by: str = "",
) -> list[Entry]:
    """`requests` come in each of a stage's `ticks`; these shares of the canary's fail or are slow.

    It goes back at tick number `back` of the last weight, by itself or `by` a person; else it becomes what is served.
    """
    watched, at = Watched(("app1",), len(weights), began.timestamp()), began
    told: list[Entry] = [
        Started(at, "shift", "", Way.FORWARD),
        Weighed(at, "shift", weights[0], "The first users are sent there.", watched),
    ]
    for weight in weights:
        last = weight == weights[-1]
        for tick in range(1, ticks + 1):
            at += timedelta(seconds=every)
            mine = requests * weight // 100
            canary = Counts(mine, round(mine * failed), round(mine * slow))
            tally: Tally = watched.tallies[-1].plus(canary, Counts(requests - mine, 0, 0))
            watched = replace(watched, tallies=(*watched.tallies[:-1], tally))
            if tick < ticks or last:
                told.append(Measured(at, "shift", f"{tick} looks.", watched))
            if last and tick == back:
                return [*told, TurnedBack(at, "stopped", by) if by else Failed(at, "shift", "", Way.FORWARD, BAD)]
        if not last:
            watched = watched.promoted(at.timestamp())
            told.append(Weighed(at, "shift", weights[weights.index(weight) + 1], "It kept its limits.", watched))
    return [*told, Done(at, "shift", "", Way.FORWARD, "It kept its limits.")]
