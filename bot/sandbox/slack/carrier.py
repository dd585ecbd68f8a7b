"""What brings a person's act to the app, whichever transport it is, and what came back."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.sandbox.slack.errors import Json


class Kind(StrEnum):
    """Slack's three kinds of delivery."""

    COMMAND = "slash_commands"
    INTERACTIVE = "interactive"
    EVENT = "events_api"


class Outcome(StrEnum):
    """What became of a delivery."""

    ACKED = "acked"
    TIMEOUT = "operation_timeout"
    """The app did not answer within three seconds."""
    FAILED = "dispatch_failed"
    """There was no app to give it to, or it answered with an HTTP error."""
    INVALID = "invalid_response"
    """The app answered in time, with what Slack cannot show."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome and what the app put into its acknowledgement."""

    outcome: Outcome
    payload: Json = field(default_factory=dict[str, object])
    reason: str = ""
    """Why an event will be tried again, in Slack's word."""
    again: bool = True
    """Whether an event may be tried again; an app can ask that it is not."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Slack's count of earlier tries of an event, and why it tries again; 0 and "" at first."""

    number: int = 0
    reason: str = ""


FIRST = Retry()


class Carrier(Protocol):
    """Socket Mode or signed HTTP."""

    async def deliver(self, kind: Kind, payload: Json, copies: int = 1, retry: Retry = FIRST) -> Answer:
        """Bring it there, `copies` times at once, and wait for the first answer."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
