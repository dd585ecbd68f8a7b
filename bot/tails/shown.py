"""What Slack is known to show of a change: stored after each call that succeeded, so that any bot can go on."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from actions.engine.codec import canonical, dump, load
from bot.slack.blocks import Card
from bot.slack.stage import Stage, stage_of
from bot.view import ChangeView


@dataclass(frozen=True, slots=True)
class Shown:
    """`seq` and `approvals` never fall; `thread` counts the journal entries that the thread has surely told."""

    seq: int = 0
    approvals: int = 0
    stage: str = ""
    face: str = ""
    """sha256 of the card as it was sent."""
    thread: int = 0

    @property
    def revision(self) -> tuple[int, int]:
        """What a picture must not be older than."""
        return self.seq, self.approvals

    def older_than(self, view: ChangeView) -> bool:
        """Whether the view may be painted over it."""
        return self.revision <= (view.run.seq, len(view.approvals))

    def told_end(self, view: ChangeView) -> bool:
        """Whether the thread has told all that there will ever be."""
        return view.run.ended is not None and self.thread >= view.run.seq


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
    """Whether people wait for this picture: another stage than the one that is shown."""
    return Stage(stage_of(view)).value != shown.stage
