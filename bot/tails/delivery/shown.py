"""What Slack is known to show of a change: stored after each call that succeeded, so that any bot can go on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from pydantic import ValidationError

from actions.engine.codec import canonical, dump, load
from bot.desk.view import ChangeView
from bot.slack.blocks import Card
from bot.slack.cards.stage import Stage, stage_of

_GOING = frozenset({Stage.ALLOWED, Stage.STARTING, Stage.RUNNING})
"""From the last approval on, one stage follows the other by itself: progress, as nobody decides anything."""


class Log(StrEnum):
    """How far the thread of a failed run is with the file of its log."""

    OWED = "owed"
    FOLLOWS = "said that it follows"
    SHARING = "about to be shared"
    GIVING_UP = "about to be given up"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Hung:
    """How far a canary's thread is with its pictures."""

    upto: int = 0
    """The number of the entry at which the newest one was due that is there, or was given up."""
    file: str = ""
    """Slack's id of the one that is about to be shared, "" for none."""
    due: int = 0
    """The entry at which that one is due."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`seq` and `approvals` never fall; `thread` counts the journal entries that the thread has surely told."""

    seq: int = 0
    approvals: int = 0
    stage: str = ""
    face: str = ""
    """sha256 of the card as it was sent."""
    thread: int = 0
    tried: bool = False
    """The card was about to be posted: where it stands nowhere known, it may be in the channel all the same."""
    log: Log = Log.OWED
    file: str = ""
    """Slack's id of the file that is SHARING."""
    hung: Hung = Hung()
    notices: Mapping[str, int] = field(default_factory=dict[str, int])
    """What was said that is not of the journal (bot/slack/messages/notices.py): the highest number of each."""
    notice: str = ""
    """The key of the one that was about to be said last."""

    @property
    def revision(self) -> tuple[int, int]:
        """What a picture must not be older than."""
        return self.seq, self.approvals

    def further_than(self, other: Shown) -> bool:
        """Whether this is what came after the other."""
        return (self.thread, self.revision) >= (other.thread, other.revision)

    def older_than(self, view: ChangeView) -> bool:
        """Whether the view may be painted over it."""
        return self.revision <= (view.run.seq, len(view.approvals))


def read_shown(text: str) -> Shown:
    """From the store; nothing is known to be shown where there is nothing, or what another version wrote."""
    try:
        return load(Shown, text) if text else Shown()
    except ValidationError:
        return Shown()


def write_shown(shown: Shown) -> str:
    """For the store."""
    return dump(shown)


def face_of(card: Card) -> str:
    """One text for one picture."""
    return hashlib.sha256(canonical(asdict(card)).encode()).hexdigest()


def revision_of(view: ChangeView) -> str:
    """The revision as it stands in the card's metadata."""
    return f"{view.run.seq}.{len(view.approvals)}"


def news(view: ChangeView, shown: Shown) -> bool:
    """Whether people wait for this picture: a decision, an end, or that somebody has to act."""
    stage = stage_of(view)
    if len(view.approvals) != shown.approvals:
        return True
    return stage.value != shown.stage and not (stage in _GOING and shown.stage in _GOING)
