"""A change somebody asked for, the approvals it has, and the digest that is approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from actions.engine.codec import sha256_of
from actions.engine.plan import Arg, Plan

STRATEGY = "strategy"
"""The gate that a category's `strategies` are; the others are called as their evidence is."""


class Role(StrEnum):
    """What a person may decide as."""

    TECH_LEAD = "tech-lead"
    DEVOPS = "devops"
    CTO = "cto"
    TEAM = "team"
    ON_CALL = "on-call"


@dataclass(frozen=True, slots=True)
class Account:
    """A Slack account: the only way a clicker is known."""

    team: str
    user: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the configuration names; two accounts of one person are one person."""

    id: str
    name: str
    roles: frozenset[Role]
    accounts: tuple[Account, ...] = ()
    unix: tuple[str, ...] = ()

    def speaks_as(self, account: str) -> bool:
        """Whether what came from there ("T1:U2", "unix:alice") is theirs; "" is where nobody wrote it down."""
        slack = {f"{own.team}:{own.user}" for own in self.accounts}
        return not account or account in slack | {f"unix:{login}" for login in self.unix}


People = Mapping[str, Person]


@dataclass(frozen=True, slots=True)
class Need:
    """`count` distinct people in `role`, or in one of `others`."""

    role: Role
    count: int = 1
    others: tuple[Role, ...] = ()

    @property
    def roles(self) -> tuple[Role, ...]:
        """Any of these will do."""
        return (self.role, *self.others)


class ChangeType(StrEnum):
    """How a change is let through."""

    NORMAL = "normal"
    """By what its category needs, and never by who asked for it."""
    STANDARD = "standard"
    """Known, rehearsed and reversible: by one person, who may be the one who asked."""
    EMERGENCY = "emergency"
    """Break-glass: as a standard one, for a short time, past the gates that the table names, and reviewed after it."""


class WhenReady(StrEnum):
    """What happens when the last evidence stands and everybody had approved before."""

    START = "start"
    """It starts by itself."""
    ASK = "ask"
    """Somebody has to press Start now."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What the rules ask of a change, and the fact that made them ask it."""

    category: Literal[1, 2, 3]
    because: str
    """A sentence: "Category 2 because of 3 migrations."; it names the category where somebody has to approve."""
    needs: tuple[Need, ...]
    """Roles AND roles; () where nobody has to approve."""
    evidence: tuple[str, ...] = ()
    """Names of the evidence that has to stand: "staging", "drill", "checks", …"""
    strategies: tuple[str, ...] = ()
    """Strategies allowed; () for any."""
    expires: timedelta = timedelta(hours=4)
    """How long an approval, and an unanswered request, holds."""
    times: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta])
    """Name of evidence -> the time it is about: how long staging has to be green, how old a drill may be."""
    when_ready: WhenReady = WhenReady.START
    watch: timedelta = timedelta()
    """For so long the environment is watched once the change is live; nothing is no watch."""
    type: ChangeType = ChangeType.NORMAL
    bypassed: tuple[str, ...] = ()
    """What it need not pass: names of evidence, and "strategy"; see gates.py for what of it does not hold anyhow."""
    tell: tuple[Role, ...] = ()
    """Who hears of it at once."""
    alone: tuple[Role, ...] = ()
    """One person in any of these is enough, also who asked, where it is asked for as an emergency; () for nobody."""

    @property
    def looked_at(self) -> tuple[str, ...]:
        """Names of the evidence that is read: what has to stand, and what an emergency may go past."""
        return (*self.evidence, *(name for name in self.bypassed if name != STRATEGY))

    @property
    def own(self) -> bool:
        """Whether who asked for it may be the one who approves it."""
        return self.type is not ChangeType.NORMAL


@dataclass(frozen=True, slots=True)
class Change:
    """A plan that somebody asked for."""

    id: str
    requester: str
    """A person's id."""
    environment: str
    text: str
    """As it was asked, for example "deploy v1.2"."""
    reason: str
    at: datetime
    plan: Plan
    requirement: Requirement
    rules: str
    """sha256 of the rules table it was classified by."""
    emergency: str = ""
    """Why it cannot wait for what its category needs; "" where it can."""

    @property
    def digest(self) -> str:
        """What is approved: sha256 of the plan digest and the rules table's hash."""
        return change_digest(self.plan.digest(), self.rules)

    @property
    def barred(self) -> frozenset[str]:
        """Who may not decide it, whatever their roles: ids of people."""
        return frozenset() if self.requirement.own else frozenset({self.requester})


def change_digest(plan_digest: str, rules_sha256: str) -> str:
    """The change digest, 64 hex digits."""
    return sha256_of({"plan": plan_digest, "rules": rules_sha256})


class Word(StrEnum):
    """What an approver said."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Approval:
    """Who said what, when, of which digest."""

    person: str
    word: Word
    digest: str
    at: datetime
    reason: str = ""
    account: str = ""
    """Where it came from: "T1:U2" or "unix:alice"."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact from elsewhere that a requirement may ask for; it expires."""

    name: str
    holds: bool
    said: str
    """In words, for the card."""
    at: datetime
    """When it was read."""
    expires: datetime | None = None
    """From then on it does not count, whatever it said."""
    opens: datetime | None = None
    """When it is expected to hold, where it only waits for time; it has to be read again all the same."""


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which an environment may not be changed, and why."""

    environment: str
    start: datetime
    end: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The windows known now."""

    windows: tuple[Window, ...] = ()


class Why(StrEnum):
    """Why a change is refused."""

    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"
    STRATEGY = "wrong strategy"


@dataclass(frozen=True, slots=True)
class Allowed:
    """It may start now."""

    said: str
    approvers: Mapping[str, Role] = field(default_factory=dict[str, Role])
    """Who counted, as what."""
    kind: Literal["allowed"] = "allowed"


@dataclass(frozen=True, slots=True)
class Waiting:
    """It may start once these have said yes, or that evidence stands."""

    said: str
    missing: tuple[Need, ...] = ()
    evidence: tuple[str, ...] = ()
    approvers: Mapping[str, Role] = field(default_factory=dict[str, Role])
    kind: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A window is closed until then."""

    said: str
    until: datetime
    kind: Literal["blocked"] = "blocked"


@dataclass(frozen=True, slots=True)
class Refused:
    """It never starts; ask again."""

    said: str
    why: Why
    kind: Literal["refused"] = "refused"


Verdict = Annotated[Allowed | Waiting | Blocked | Refused, Field(discriminator="kind")]
"""Every verdict says why in a sentence a person can read (`said`)."""

Facts = Mapping[str, Arg]
