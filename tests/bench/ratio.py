"""A figure beside its peer, and beside the peer measured again: what that pair differs by is no result."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import comb

CONFIDENCE = 0.95


class Verdict(StrEnum):
    """What a row says of its goal."""

    MET = "met"
    MISSED = "MISSED"
    UNDECIDED = "within the spread"


def between(values: Sequence[float]) -> tuple[float, float]:
    """Between which two of the values the true median lies, with CONFIDENCE and whatever their distribution.

    The sign test's interval: of 9 values the second from below and from above, of 12 the third. It lets go of
    the rounds in which the machine did something else, and gets narrower with more rounds. Of fewer than 6 values, all.
    """
    ordered, n = sorted(values), len(values)
    cut, tail = 0, 0.5**n
    while 1 - 2 * tail >= CONFIDENCE:
        cut += 1
        tail += comb(n, cut) * 0.5**n
    cut = max(cut - 1, 0)
    return ordered[cut], ordered[n - 1 - cut]


@dataclass(frozen=True, slots=True)
class Row:
    """Rounds of ours, the peer, and the peer once more, measured one after another in the same run."""

    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float]
    again: Sequence[float]
    goal: float
    """The ratio ours / peer that is aimed at; or, with `plus`, the difference in `unit`."""
    plus: bool = False
    note: str = ""
    """What else was seen, printed below the row."""

    def _compare(self, one: Sequence[float], other: Sequence[float]) -> list[float]:
        pairs = zip(one, other, strict=True)
        return [a - b if self.plus else a / b for a, b in pairs]

    @property
    def value(self) -> float:
        """The median over the rounds of ours against the peer."""
        return statistics.median(self._compare(self.ours, self.peer))

    @property
    def spread(self) -> float:
        """A/A: how far the peer's median against itself may be from "the same", at CONFIDENCE (see `between`).

        The most that a round differed by would grow with the number of rounds, and be one hiccup of the machine.
        """
        level = 0.0 if self.plus else 1.0
        return max(abs(edge - level) for edge in between(self._compare(self.again, self.peer)))

    @property
    def doubt(self) -> float:
        """The same of ours against the peer: how far the true median may be from `value`."""
        return max(abs(edge - self.value) for edge in between(self._compare(self.ours, self.peer)))

    @property
    def verdict(self) -> Verdict:
        """A goal is met only beyond the spread, and beyond the doubt where ours is the unsteadier one."""
        margin = max(self.spread, self.doubt)
        if self.value + margin <= self.goal:
            return Verdict.MET
        return Verdict.MISSED if self.value - margin > self.goal else Verdict.UNDECIDED

    def line(self) -> str:
        """The row as it is printed."""
        sign, kind = ("+", f" {self.unit}") if self.plus else ("", "x")
        note = f"\n    {self.note}" if self.note else ""
        return (
            f"{self.name:<{WIDTH}} {statistics.median(self.ours):>9.3f} {statistics.median(self.peer):>9.3f} "
            f"{self.unit:<3} {self.value:{'+' if self.plus else ''}.3f}{kind}  A/A ±{self.spread:.3f}"
            f"  own ±{self.doubt:.3f}  n={len(self.ours)}  goal {sign}{self.goal:g}{kind}: {self.verdict}{note}"
        )


@dataclass(frozen=True, slots=True)
class Limit:
    """The worst of what was seen in one round, which has to stay below a limit; it has no peer."""

    name: str
    unit: str
    worst: float
    goal: float
    resolution: float
    """By so much may the measure itself be wrong."""
    note: str = ""
    """What else was seen, printed below the line."""

    @property
    def verdict(self) -> Verdict:
        """Met or missed only beyond the resolution."""
        if self.worst + self.resolution <= self.goal:
            return Verdict.MET
        return Verdict.MISSED if self.worst - self.resolution > self.goal else Verdict.UNDECIDED

    def line(self) -> str:
        """As it is printed."""
        note = f"\n    {self.note}" if self.note else ""
        goal = f"±{self.resolution:g}  goal {self.goal:g}: {self.verdict}"
        return f"{self.name:<{WIDTH}} {self.worst:>9.3f} {'':>9} {self.unit:<3} {goal}{note}"


WIDTH = 48
HEAD = f"{'':<{WIDTH}} {'ours':>9} {'peer':>9}"
