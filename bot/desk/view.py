"""What everybody who looks at a change sees: the change, its verdict and its run, read together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actions.engine.fleet import Fleet
from actions.engine.fold import State
from actions.engine.watched import Watched
from actions.engine.words import instant
from bot.desk.estimate import Usual
from policies.change import Approval, Calendar, Change, ChangeType, Evidence, People, Verdict
from policies.explain import Tree, explain
from policies.gates import Gate, bypassed, gates, passed_by
from policies.review import Review
from policies.sentences import of_which_kind


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

    evidence: tuple[Evidence, ...] = ()
    """As it was read last."""
    reviewed: Review | None = None
    """How it was reviewed afterwards, where it was an emergency."""
    watched: Watched | None = None
    """How the environment is since this went live, while that is watched."""
    behind: str = ""
    """The title of the run that it waits for, where it could start and another one has its environment."""
    again: str = ""
    """The change that asks for the same again, where this one came to nothing and one does."""
    previewed: bool = False
    """Whether nobody asked for it: it is judged as if its requester did."""
    held: bool = False
    """Whether it could start and does so only when somebody presses Start now: its last start was refused."""

    @property
    def gates(self) -> tuple[Gate, ...]:
        """Each kind of evidence that it requires, as it stands."""
        return gates(self.change, self.evidence, self.now)

    @property
    def pressing(self) -> bool:
        """Whether it is an emergency."""
        return self.change.requirement.type is ChangeType.EMERGENCY

    @property
    def title(self) -> str:
        """What it is called wherever people see it; an emergency says so first."""
        title = self.change.plan.title
        return f"EMERGENCY: {title}" if self.pressing else title

    @property
    def supposed(self) -> str:
        """ "if Lea asks for it": for whom it is judged, where nobody asked for it."""
        return f"if {self.name(self.change.requester)} asks for it"

    @property
    def kind(self) -> str:
        """What makes it ask for what it asks for, as sentences; of an emergency what it went past when it started."""
        at = self.run.opened.at if self.run.opened else self.now
        return of_which_kind(self.change, bypassed(passed_by(self.change, self.evidence, at)))

    @property
    def alarm(self) -> str:
        """Why it is an emergency and what it goes past, as sentences; "" where it is none."""
        return self.kind if self.pressing else ""

    @property
    def owes_review(self) -> bool:
        """Whether it was an emergency that has ended and that nobody has reviewed."""
        return self.pressing and self.run.ended is not None and self.reviewed is None

    @property
    def tree(self) -> Tree:
        """The verdict and all that it rests on; of what runs or has ended that, and who said what of it."""
        run, evidence, begun = self.run, self.evidence, ""
        if run.opened:
            begun = (
                f"It is over. {run.ended.summary}"
                if run.ended
                else f"It has been under way since {instant(run.opened.at)}."
            )
        return explain(self.change, self.approvals, evidence, self.people, Calendar(), self.now, self.verdict, begun)

    @property
    def names(self) -> tuple[str, ...]:
        """What a sentence about it may begin with and is never written otherwise: servers, places and people."""
        people = (person.name for person in self.people.values())
        return (*(seen.name for seen in self.change.plan.hosts), self.change.environment, *people)

    def name(self, person: str) -> str:
        """A person's name for display; the id where the configuration no longer knows them."""
        known = self.people.get(person)
        return known.name if known else person


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """What one environment serves now and what is going on there."""

    name: str
    fleet: Fleet | None
    """The servers that answered; None where none did."""
    trouble: str
    """Which did not and why, in a few sentences; "" where all did."""
    open_run: ChangeView | None
    pending: tuple[ChangeView, ...]
    """Changes that wait for approval."""
    reviews: tuple[ChangeView, ...] = ()
    """Emergencies that wait for their review."""
    idle: bool = False
    """Whether no bot that lives goes on with the open run."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A line of history."""

    view: ChangeView
    started: datetime
    """When it was asked for, where it was never started."""
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Served:
    """What one server served when it was last seen."""

    host: str
    version: str
    """"" for nothing."""
    since: datetime | None
    """None where the server does not say."""
    seen: datetime


@dataclass(frozen=True, slots=True)
class Serving:
    """What one environment serves, as far as is known without asking now."""

    environment: str
    served: tuple[Served, ...] = ()
    """In configuration order; a server that was never seen is missing."""
    troubles: Mapping[str, str] = field(default_factory=dict[str, str])
    """Host -> why it could not be looked at the last time, as a sentence."""

    @property
    def known(self) -> bool:
        """Whether it was looked at yet."""
        return bool(self.served or self.troubles)


@dataclass(frozen=True, slots=True)
class Overview:
    """All that is going on, at one moment; everybody's Home is made from it alone."""

    waiting: tuple[ChangeView, ...] = ()
    """Asked for and not started, newest first; none that was refused or has lapsed."""
    running: tuple[ChangeView, ...] = ()
    live: tuple[Serving, ...] = ()
    """In configuration order."""
    recent: tuple[PastRun, ...] = ()
    """Runs that have ended, newest first."""
    links: Mapping[str, str] = field(default_factory=dict[str, str])
    """Change id -> the address of its card, where it has one."""
    environment: str = ""
    """What is meant where none is named."""
    reviews: tuple[ChangeView, ...] = ()
    """Emergencies that wait for their review, the oldest first."""
