"""A change as data: typed steps made by a pure function, so they can be shown, hashed, stored and walked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from actions.engine.analysis.limits import Limits
from actions.engine.codec import sha256_of, to_jsonable

SCHEMA = 1
"""The number of this shape. A stored plan with another number is refused, never guessed at."""

Arg = str | int | bool | tuple[str, ...]


class Again(StrEnum):
    """What to do with a job that its host lost (a claim without a result and without its live process)."""

    SAFE = "safe"
    """The verb is idempotent: run it once more."""
    ASK = "ask"
    """It may have done half its work: a person decides. A migration is never retried by itself."""


@dataclass(frozen=True, slots=True)
class Call:
    """A verb of chom-host and its arguments."""

    verb: str
    args: Mapping[str, Arg] = field(default_factory=dict[str, Arg])


@dataclass(frozen=True, slots=True)
class Back:
    """The effect is undone by this call, on each host where the step began."""

    call: Call
    title: str
    kind: Literal["back"] = "back"


@dataclass(frozen=True, slots=True)
class Harmless:
    """Nothing to undo, and why: the step reads only, or its effect reaches nobody."""

    why: str
    kind: Literal["harmless"] = "harmless"


@dataclass(frozen=True, slots=True)
class Irreversible:
    """The effect stays, and the plan says so before anybody approves it."""

    what: str
    kind: Literal["irreversible"] = "irreversible"


Undo = Annotated[Back | Harmless | Irreversible, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Do:
    """Run a verb on some hosts, at once on all of them.

    `timeout` is in seconds and enforced by the host. `artifact` names the sha256 of an artifact that has to
    lie on the host first. A failure of a step with `must=False` is said, and the run goes on.
    """

    name: str
    title: str
    call: Call
    hosts: tuple[str, ...]
    undo: Undo
    again: Again = Again.SAFE
    timeout: int = 300
    artifact: str = ""
    must: bool = True
    beside: bool = False
    """It begins together with the step before it, and neither needs the other (see `together`)."""
    kind: Literal["do"] = "do"

    @property
    def revision(self) -> str:
        """The stored edits of the environment file that have to lie on the host first: an argument of its call."""
        return str(self.call.args.get("revision", ""))


@dataclass(frozen=True, slots=True)
class Probe:
    """One request from the bot's machine: GET `url` must answer `status` with `contains` in the body.

    `within` is in seconds, for the whole answer.
    """

    url: str
    status: int = 200
    contains: str = ""
    within: float = 5.0


@dataclass(frozen=True, slots=True)
class Watch:
    """A gate over a time: every probe passes `need` times in a row, `every` seconds apart, within `seconds`."""

    name: str
    title: str
    probes: tuple[Probe, ...]
    seconds: int
    every: float = 1.0
    need: int = 3
    beside: bool = False
    """As in Do."""
    kind: Literal["watch"] = "watch"


@dataclass(frozen=True, slots=True)
class Shift:
    """Shift users to the release that runs beside the served one, for as long as it proves itself.

    `weights` are percent of users, rising to 100: a stage each, of `limits.stage` seconds. Counts are read every
    `every` seconds, and judged by `limits`.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    weights: tuple[int, ...]
    limits: Limits
    every: float
    kind: Literal["shift"] = "shift"

    def after(self, weight: int) -> int | None:
        """The stage that follows the one of that weight, in percent of users; None behind the last."""
        return next((later for later in self.weights if later > weight), None)


@dataclass(frozen=True, slots=True)
class Ask:
    """A person decides; unanswered after `seconds`, the run takes `otherwise` ("go on" or "turn back")."""

    name: str
    title: str
    question: str
    seconds: int
    otherwise: Literal["go on", "turn back"] = "turn back"
    kind: Literal["ask"] = "ask"


@dataclass(frozen=True, slots=True)
class Expect:
    """Refuse if the world moved: each host still serves the release (its id, "" for none) that the plan saw."""

    name: str
    title: str
    releases: Mapping[str, str]
    kind: Literal["expect"] = "expect"


Step = Annotated[Do | Watch | Shift | Ask | Expect, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the plan digest covers of one host: never what always moves (disk, load, fence)."""

    name: str
    key: str
    """The pinned host key's fingerprint, "SHA256:…"."""
    release: str
    """The id of the release it serves, "" for none."""
    pending: tuple[str, ...] = ()
    """Migrations this plan would apply, by file name without ".php"."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done, to which hosts, in which order. Shown, approved by digest, stored, walked."""

    action: str
    title: str
    """One line, for example "Deploy v1.2 to production"."""
    environment: str
    version: str
    """The version that is served when the plan has ended well."""
    commit: str
    sha256: str
    """The artifact's; "" where the plan brings none."""
    agent: str
    """sha256 of the chom-host that the hosts run."""
    hosts: tuple[Seen, ...]
    steps: tuple[Step, ...]
    facts: Mapping[str, Arg] = field(default_factory=dict[str, Arg])
    """What policies may judge by and cards may say: "replaces", "migrations", …"""
    schema: int = SCHEMA

    def digest(self) -> str:
        """sha256 (64 hex digits) of everything whose change voids an approval."""
        return sha256_of(
            {
                "schema": self.schema,
                "environment": self.environment,
                "commit": self.commit,
                "sha256": self.sha256,
                "agent": self.agent,
                "hosts": to_jsonable(self.hosts),
                "steps": [to_jsonable(step) for step in self.steps],
            }
        )

    @property
    def pending(self) -> tuple[str, ...]:
        """Migrations that it would apply, each once, in order."""
        return tuple(dict.fromkeys(name for seen in self.hosts for name in seen.pending))

    def step(self, name: str) -> Step:
        """The step of that name; KeyError where there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


def together(steps: Sequence[Step]) -> list[tuple[Step, ...]]:
    """The steps in the groups in which they are walked: a group begins once all of the one before it have ended.

    Turned back they are one by one all the same, the last first.
    """
    groups = list[tuple[Step, ...]]()
    for step in steps:
        if isinstance(step, Do | Watch) and step.beside and groups and isinstance(groups[-1][-1], Do | Watch):
            groups[-1] += (step,)
        else:
            groups.append((step,))
    return groups


def hosts_of(step: Step) -> tuple[str, ...]:
    """The hosts a step acts on; () for what the bot does from its own machine."""
    match step:
        case Do() | Shift():
            return step.hosts
        case Expect():
            return tuple(step.releases)
        case Watch() | Ask():
            return ()
