"""What was said of a change and by whom, in the order in which it was said: for people now, for an audit later.

Only ever added to. It repeats what is stored elsewhere on purpose: here nothing is settled, taken back or replaced.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from actions.engine.codec import dump, load
from bot.store.link import Part, redis_key

MOST_REFUSED = 500
"""Decisions of one change, from which on a refused click of it is not written any more."""
ALL_CAP = 100_000
"""About how many of all changes are kept in one stream."""


class Act(StrEnum):
    """What somebody did, or what happened to a change."""

    ASKED = "asked"
    APPROVED = "approved"
    REJECTED = "rejected"
    REFUSED = "refused"
    """Somebody wanted something that they may not, or that is not possible: `said` is what they were told."""
    WITHDRAWN = "withdrawn"
    VOID = "void"
    STARTED = "started"
    OVERRIDDEN = "overridden"
    """An emergency went past gates: `said` names them."""
    ANSWERED = "answered"
    STOPPED = "stopped"
    REVIEWED = "reviewed"
    EVIDENCE = "evidence"
    """Something was recorded by hand; or it began or ceased to hold for a change, which nobody did: `person` is ""."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who did what, when, of which plan under which rules."""

    act: Act
    change: str
    """"" where what was asked for never became one."""
    person: str
    account: str
    """Where it came from: "T1:U2" or "unix:alice"; "" where nobody wrote it down."""
    at: datetime
    digest: str
    """The change digest that was meant."""
    rules: str
    """sha256 of the rules table."""
    said: str = ""
    token: str = ""
    """Tells two alike apart, and a repeated write from a second one."""


def keys_of(change: str) -> list[str]:
    """Where decisions of that change are written, and those of all."""
    return [redis_key("decisions", change or "-"), redis_key("decisions")]


def argv_of(decision: Decision | None) -> list[str | int]:
    """For a script that writes it beside what it is about."""
    return [dump(decision) if decision else "", ALL_CAP]


class Decisions(Part):
    """The part of Store for them."""

    async def decide(self, decision: Decision) -> None:
        """Write it. Raises StoreDown."""
        keys = keys_of(decision.change)
        spare = "1" if decision.act in (Act.REFUSED, Act.EVIDENCE) else ""
        await self.link.script("decide", keys, [dump(decision), spare, MOST_REFUSED, ALL_CAP])

    async def decisions(self, change: str) -> tuple[Decision, ...]:
        """Of that change, oldest first; "" for what never became one."""
        texts = await self.link.ask("LRANGE", redis_key("decisions", change or "-"), 0, -1)
        return tuple(load(Decision, text) for text in texts)
