"""A figure beside its peer, and beside the peer measured again: what that pair differs by is no result."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


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

    def _compare(self, one: Sequence[float], other: Sequence[float]) -> list[float]:
        pairs = zip(one, other, strict=True)
        return [a - b if self.plus else a / b for a, b in pairs]

    @property
    def value(self) -> float:
        """The median over the rounds of ours against the peer."""
        return statistics.median(self._compare(self.ours, self.peer))

    @property
    def spread(self) -> float:
        """The most by which the peer differed from itself."""
        level = 0.0 if self.plus else 1.0
        return max(abs(value - level) for value in self._compare(self.again, self.peer))

    @property
    def verdict(self) -> str:
        """A goal is met only beyond the spread; a missed one is said."""
        if self.value + self.spread <= self.goal:
            return "met"
        return "MISSED" if self.value - self.spread > self.goal else "within the spread"

    def line(self) -> str:
        """The row as it is printed."""
        sign, kind = ("+", f" {self.unit}") if self.plus else ("", "x")
        return (
            f"{self.name:<52} {statistics.median(self.ours):>9.3f} {statistics.median(self.peer):>9.3f} {self.unit:<4}"
            f" {sign}{self.value:.3f}{kind}  A/A ±{self.spread:.3f}  goal {sign}{self.goal:g}{kind}: {self.verdict}"
        )


HEAD = f"{'':<52} {'ours':>9} {'peer':>9}"
