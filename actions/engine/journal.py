"""The lines of a run's journal. What a run is at any moment is a fold over these (fold.py), never a status string.

Entries by a *walker* are appended under its fence; entries by a *person* (Opened, StopAsked, Answered, Wished) are not,
and win or lose only against the sequence number. So does Observed, the one entry that may follow Ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from actions.engine.analysis.watched import Watched


class Way(StrEnum):
    """The direction in which a run walks its plan."""

    FORWARD = "forward"
    BACK = "back"


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    """Every step that must succeed did; the new release is served."""
    TURNED_BACK = "turned back"
    """It failed or was stopped, and every effect that has an undo was undone."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The run began to exist: in this append the environment is locked and the approved digest is compared."""

    at: datetime
    change: str
    digest: str
    """The change digest that was approved."""
    by: str
    """The person whose act made it start (the last approver, or the requester where none is needed)."""
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class Took:
    """A walker took the run over; it has raised the fence on the hosts it could reach."""

    at: datetime
    fence: int
    worker: str
    kind: Literal["took"] = "took"


@dataclass(frozen=True, slots=True)
class Started:
    """Before the effect: this step is about to begin on this host ("" where the bot itself acts)."""

    at: datetime
    step: str
    host: str
    way: Way
    attempt: int = 1
    """Above 1 after a person or the step's `again` rule had a lost job run once more."""
    deadline: datetime | None = None
    """Absolute, for a Watch or an Ask: minute 3 of 5 stays minute 3."""
    kind: Literal["started"] = "started"


@dataclass(frozen=True, slots=True)
class Done:
    """After the effect: it succeeded on this host."""

    at: datetime
    step: str
    host: str
    way: Way
    summary: str = ""
    """One line for a person, for example "2 migrations applied"."""
    lines: tuple[str, ...] = ()
    """The lines of output that matter, redacted, 20 at most."""
    applied: tuple[str, ...] = ()
    """Migrations that this step applied."""
    kind: Literal["done"] = "done"


@dataclass(frozen=True, slots=True)
class Failed:
    """After the effect: it failed on this host, and why in words."""

    at: datetime
    step: str
    host: str
    way: Way
    why: str
    lines: tuple[str, ...] = ()
    applied: tuple[str, ...] = ()
    """Migrations that were applied before it failed."""
    kind: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """The decision to undo, written before the first undo. Once turned back, never forward."""

    at: datetime
    why: str
    by: str = ""
    """The person who stopped it, "" where the run turned by itself."""
    kind: Literal["turned back"] = "turned back"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An open obligation: this host does not answer, or refuses; the run stays open until what is left is done."""

    at: datetime
    host: str
    way: Way
    why: str
    kind: Literal["waiting"] = "waiting"


@dataclass(frozen=True, slots=True)
class Returned:
    """The host that was waited for answers again."""

    at: datetime
    host: str
    kind: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class Asked:
    """A person is asked: an Ask step, or a job in doubt whose step says Again.ASK."""

    at: datetime
    step: str
    host: str
    question: str
    choices: tuple[str, ...]
    """Each a button: "try again", "turn back", "go on"."""
    applied: tuple[str, ...] = ()
    """Migrations that the job in doubt is known to have applied; a job that is run again names only its own."""
    kind: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class Answered:
    """A person's decision on the newest open question of that step and host."""

    at: datetime
    step: str
    host: str
    choice: str
    by: str
    kind: Literal["answered"] = "answered"


@dataclass(frozen=True, slots=True)
class Weighed:
    """The decision to send that percent of users to the canary from now on: a stage begins."""

    at: datetime
    step: str
    weight: int
    why: str
    watched: Watched
    """What the canary had shown by then; the stage's own counts begin at nothing."""
    kind: Literal["weighed"] = "weighed"


@dataclass(frozen=True, slots=True)
class Measured:
    """What the canary has shown so far, and what that means; the weight stays."""

    at: datetime
    step: str
    why: str
    watched: Watched
    told: bool = False
    """Whether people should hear of it: the stage is extended, or held."""
    kind: Literal["measured"] = "measured"


class Wish(StrEnum):
    """What a person may want of a canary; to end it is a StopAsked."""

    PROMOTE = "promote"
    """On to the next stage now."""
    HOLD = "hold"
    """Stay at this weight until somebody promotes or ends it."""


@dataclass(frozen=True, slots=True)
class Wished:
    """A person pressed Promote to the next stage, or Hold."""

    at: datetime
    step: str
    weight: int
    """The weight that the person saw; a wish for another stage than the one that runs is none."""
    wish: Wish
    by: str
    kind: Literal["wished"] = "wished"


@dataclass(frozen=True, slots=True)
class StopAsked:
    """A person pressed Stop; the walker turns back at the next step boundary."""

    at: datetime
    by: str
    kind: Literal["stop asked"] = "stop asked"


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over; in this append the environment is unlocked."""

    at: datetime
    outcome: Outcome
    summary: str
    """One sentence for the channel, for example "v1.2 is live on production; it took 42 s."."""
    kind: Literal["ended"] = "ended"


class Sight(StrEnum):
    """What a watch over what is live saw."""

    WELL = "well"
    ILL = "ill"
    UNSEEN = "unseen"
    """Not enough could be seen to say."""


@dataclass(frozen=True, slots=True)
class Observed:
    """After the end, once: how the environment was while it was watched."""

    at: datetime
    sight: Sight
    summary: str
    """One sentence, for example "Production was watched for 15 minutes: all probes passed."."""
    kind: Literal["observed"] = "observed"


Entry = Annotated[
    Opened
    | Took
    | Started
    | Done
    | Failed
    | TurnedBack
    | Waiting
    | Returned
    | Asked
    | Answered
    | Weighed
    | Measured
    | Wished
    | StopAsked
    | Ended
    | Observed,
    Field(discriminator="kind"),
]
