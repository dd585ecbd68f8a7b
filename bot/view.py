"""What everybody who looks at a change sees: the change, its verdict and its run, read together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from actions.engine.fleet import Fleet
from actions.engine.fold import State
from bot.estimate import Usual
from policies.change import Approval, Change, People, Verdict


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One change at one moment; the card, the thread, the status line and the shell are made from it alone."""

    change: Change
    approvals: tuple[Approval, ...]
    verdict: Verdict
    """As judged at `now`; of no more interest once the run is open."""
    run: State
    """seq 0 while nothing was started."""
    people: People
    now: datetime
    usual: Usual = field(default_factory=Usual)
    """What such a run usually takes; empty where there is no past, or the change is over."""

    def name(self, person: str) -> str:
        """A person's name for display; the id where the configuration no longer knows them."""
        known = self.people.get(person)
        return known.name if known else person


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """What one environment serves now and what is going on there."""

    name: str
    fleet: Fleet | None
    """None where a host did not answer; then `trouble` says which and why."""
    trouble: str
    open_run: ChangeView | None
    pending: tuple[ChangeView, ...]
    """Changes that wait for approval."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of history."""

    view: ChangeView
    started: datetime
    ended: datetime | None
