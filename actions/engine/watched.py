"""How an environment has been since a version went live there: pure, from one look to the next.

Only time that was seen counts, between two looks one after the other that were both well: while no bot lives, or
nothing can be seen, the watch stands still. So minute 4 stays minute 4, and nothing unknown becomes green.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from actions.engine.journal import Sight

ILL_LOOKS = 3
"""So many ill looks in a row end a watch that has an end: one alone may be the network."""


class How(StrEnum):
    """Where the watch stands."""

    WATCHED = "watched"
    WELL = "well"
    ILL = "ill"
    UNSEEN = "unseen"
    REPLACED = "replaced"
    """Another release is served: this watch has nothing more to see."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One version in one environment. Times in seconds are floats."""

    change: str
    """The run that brought it."""
    environment: str
    version: str
    release: str
    began: datetime
    last: datetime
    """The newest look."""
    needs: float = 0.0
    """Seconds after which the watch ends well; 0 for one without an end, as of staging."""
    sha256: str = ""
    """Of the artifact that is served; "" until a server has said it."""
    green: float = 0.0
    """Seconds that were seen to be well since it was last ill."""
    dark: float = 0.0
    """Seconds in which not all could be seen that is to be watched."""
    sight: Sight = Sight.WELL
    """Of the newest look."""
    said: str = ""
    """What the newest look that was not well saw, as a part of a sentence."""
    at_fault: datetime | None = None
    """When it was last ill."""
    bad: int = 0
    """Ill looks in a row."""
    how: How = How.WATCHED
    metrics: bool = False
    """Whether errors and latency are watched too, and not health alone."""

    @property
    def over(self) -> bool:
        """Whether nothing more is looked at."""
        return self.how is not How.WATCHED


@dataclass(frozen=True, slots=True)
class Glance:
    """What one look saw."""

    sight: Sight
    said: str = ""
    sha256: str = ""
    elsewhere: bool = False
    """Whether another release is served than the one that is watched."""


def looked(record: Watched, saw: Glance, now: datetime, longest: float) -> Watched:
    """The record after that look; `longest` are the seconds between two looks that still follow on each other."""
    gap = (now - record.last).total_seconds()
    follows = gap if 0 <= gap <= longest else 0.0
    next_ = replace(record, last=now, sha256=saw.sha256 or record.sha256, sight=saw.sight)
    if saw.elsewhere:
        if record.needs:
            return replace(next_, how=How.REPLACED, said=saw.said)
        return replace(next_, green=0.0, said=saw.said, at_fault=now)
    match saw.sight:
        case Sight.WELL:
            seen = follows if record.sight is Sight.WELL else 0.0
            return _ended(replace(next_, green=record.green + seen, bad=0))
        case Sight.ILL:
            green = record.green if record.needs else 0.0
            return _ended(replace(next_, green=green, bad=record.bad + 1, said=saw.said, at_fault=now))
        case Sight.UNSEEN:
            dark = follows if record.sight is Sight.UNSEEN else 0.0
            return _ended(replace(next_, dark=record.dark + dark, said=saw.said))
        case _:
            assert_never(saw.sight)


def _ended(record: Watched) -> Watched:
    if not record.needs:
        return record
    if record.bad >= ILL_LOOKS:
        return replace(record, how=How.ILL)
    if record.green >= record.needs:
        return replace(record, how=How.WELL)
    return replace(record, how=How.UNSEEN) if record.dark >= record.needs else record
