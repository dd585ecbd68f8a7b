"""What the analysis can find, as a closed union: each finding says why in a sentence for the people who watch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field


class Cause(StrEnum):
    """Why users go back to stable."""

    FAILED = "failed"
    """More requests fail than the limit allows."""
    SLOW = "slow"
    """More requests are slow than the limit allows."""
    STUCK = "stuck"
    """Workers are busy and complete nothing."""
    BLIND = "blind"
    """Nothing was measured for too long: inconclusive, not a fault of the build."""
    UNANSWERED = "unanswered"
    """A person was asked and nobody answered: inconclusive."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before the next tick."""

    why: str
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class Promote:
    """The stage is over and the build is within its limits: on to the next."""

    why: str
    kind: Literal["promote"] = "promote"


@dataclass(frozen=True, slots=True)
class Extend:
    """The stage is over and says too little: the same once more."""

    why: str
    kind: Literal["extend"] = "extend"


@dataclass(frozen=True, slots=True)
class Hold:
    """More time did not help: a person is asked, at this weight."""

    why: str
    kind: Literal["hold"] = "hold"


@dataclass(frozen=True, slots=True)
class RollBack:
    """All users to stable, at once."""

    why: str
    cause: Cause
    environment: bool = False
    """Stable is ill too: it may be the environment, not the build."""
    kind: Literal["roll back"] = "roll back"

    @property
    def inconclusive(self) -> bool:
        """Whether this says nothing about the build."""
        return self.cause in (Cause.BLIND, Cause.UNANSWERED)


Finding = Annotated[Wait | Promote | Extend | Hold | RollBack, Field(discriminator="kind")]
