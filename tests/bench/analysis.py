"""How our canary analysis decides beside others, on the same simulated traffic: every cell is printed, lost ones too.

A cell is one analysis at one rate of requests (of the whole site), one true share of failures and one kind of them.
Where the build is good (1 and 2 %, while stable fails 1 %), sending it back is false. Where it is bad, what counts is
how many requests of users it fails within the hour. One analysis beats another in a cell where it sends back no more
good builds of 2 % (same rate, same kind) and fails fewer requests. The seed is fixed, so the table is always the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from actions.engine.analysis import Limits
from tests.bench.analyses import AtGate, AtTick, Flagger, Ours, Wilson
from tests.bench.canaries import Analysis, Cell, cell, traffic
from tests.bench.ratio import Limit

SEED = 6
RATES = (0.5, 1.0, 2.0, 10.0, 50.0)
GOOD, BAD = (0.01, 0.02), (0.07, 0.1, 0.2, 0.5, 1.0)
WORST_GOOD = 0.02
GOAL = 1.0
"""Per cent of good builds that are sent back at most, with independent failures."""
MAKE: Mapping[str, Callable[[], Analysis]] = {
    "ours": partial(Ours, Limits()),
    "at the gate": AtGate,
    "at every tick": AtTick,
    "Wilson 99 %": Wilson,
    "as Flagger": Flagger,
}


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """One line of the table."""

    bursts: bool
    rate: float
    share: float

    @property
    def runs(self) -> int:
        """How many: most where a goal of 1 % has to be told from 0.5 %."""
        if self.share in BAD:
            return 60
        return 100 if self.bursts else 600 if self.share == WORST_GOOD else 200


def measured(where: Where) -> dict[str, Cell]:
    """All analyses on the same runs."""
    random = np.random.default_rng([SEED, int(where.rate * 10), int(where.share * 1000), where.bursts])
    runs = [traffic(random, where.rate, where.share, where.bursts).columns() for _ in range(where.runs)]
    return {name: cell(make, runs) for name, make in MAKE.items()}


def _lines(cells: Mapping[Where, Mapping[str, Cell]]) -> Iterator[str]:
    head = f"{'back':>6} {'asked':>6} {'bad':>7} {'min':>5}"
    yield "Of each: % sent back, % where a person was asked (nobody answers), requests failed in the hour, minutes."
    yield f"{'':<26}" + "".join(f"| {name:<27}" for name in MAKE)
    yield f"{'requests/s, true share':<26}" + f"| {head} " * len(MAKE)
    for where, found in cells.items():
        kind = "bursts" if where.bursts else "single"
        lead = f"{kind:<8}{where.rate:>5g}/s {where.share:>9.0%}  "
        yield lead + "".join(
            f"| {one.back:>6.1%} {one.hold:>6.1%} {one.bad:>7.1f} {one.seconds / 60:>5.1f} " for one in found.values()
        )


def _beaten(cells: Mapping[Where, Mapping[str, Cell]]) -> list[str]:
    """Where ours is not on the front, and by whom."""
    said: list[str] = []
    for where, found in cells.items():
        if where.share not in BAD:
            continue
        false = {name: one.back for name, one in cells[Where(where.bursts, where.rate, WORST_GOOD)].items()}
        for name, one in found.items():
            if false[name] <= false["ours"] and one.bad < found["ours"].bad:
                kind = "bursts" if where.bursts else "single"
                bad = f"{name} fails {one.bad:.1f}, ours {found['ours'].bad:.1f}"
                said.append(f"{kind} {where.rate:g}/s {where.share:.0%}: {bad}")
    return said


async def measure(directory: Path) -> list[Limit]:
    """The table, and two lines: the worst share of good builds sent back, and the cells in which ours is beaten."""
    del directory
    places = [Where(bursts, rate, share) for bursts in (False, True) for rate in RATES for share in (*GOOD, *BAD)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        cells = dict(zip(places, pool.map(measured, places), strict=True))
    print(*_lines(cells), sep="\n")
    single = [found["ours"].back * 100 for where, found in cells.items() if not where.bursts and where.share in GOOD]
    bursts = [found["ours"].back * 100 for where, found in cells.items() if where.bursts and where.share in GOOD]
    beaten = _beaten(cells)
    note = "Where failures come in outages of 5 s, up to "
    return [
        Limit("good builds sent back, worst cell", "%", max(single), GOAL, 0.0, f"{note}{max(bursts):.1f} %"),
        Limit("cells in which ours is beaten", "", len(beaten), 0, 0.0, "; ".join(beaten)),
    ]
