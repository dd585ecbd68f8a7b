"""Where a shift of users to a canary stands: the part of a run's fold that a Shift step writes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from actions.engine.analysis.watched import Watched
from actions.engine.journal import Measured, Weighed, Wished


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a shift that is over: its weight (percent), from when to when, and the evidence at its end."""

    weight: int
    began: datetime
    ended: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Shifted:
    """Where a shift of users stands."""

    weight: int
    """Percent of users that go to the canary, as was decided last."""
    since: datetime
    """When its stage began."""
    watched: Watched
    why: str
    """The newest evidence in words."""
    stages: tuple[Stage, ...] = ()
    """Those that are over, in order."""
    wish: Wished | None = None
    """What somebody wants and nobody has acted on."""


def shifted(before: Shifted | None, entry: Weighed | Measured | Wished) -> Shifted:
    """After that entry."""
    match entry:
        case Weighed():
            over = (Stage(before.weight, before.since, entry.at, before.why),) if before else ()
            stages = (*(before.stages if before else ()), *over)
            return Shifted(entry.weight, entry.at, entry.watched, entry.why, stages)
        case Measured():
            assert before is not None, "a shift begins with its first weight"
            return replace(before, watched=entry.watched, why=entry.why, wish=None)
        case Wished():
            assert before is not None, "a shift begins with its first weight"
            return replace(before, wish=entry) if entry.weight == before.weight else before
        case _:
            assert_never(entry)
