"""What there is to show of one change, beside what Slack shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.desk.view import ChangeView
from bot.slack.blocks import Card
from bot.slack.cards.stage import OVER, stage_of
from bot.slack.messages.notices import Notice
from bot.slack.messages.thread import Said
from bot.tails.cards.turns import Life, Want
from bot.tails.delivery.notes import Place
from bot.tails.delivery.shown import Log, Shown, face_of, news

LOOK_BACK = timedelta(hours=24)
"""A change that is over and older than this gets no card any more, if it never had one."""


@dataclass(frozen=True, slots=True)
class Look:
    """One change at one moment."""

    view: ChangeView
    card: Card
    """As it should be."""
    said: Sequence[Said]
    """What its thread has not told."""
    turn: int
    """The number of the entry with which the run turned back by itself; 0 where it did not."""
    place: Place | None
    shown: Shown
    notices: Sequence[Notice] = ()
    """What else has to be said in its thread."""

    @property
    def id(self) -> str:
        """The change."""
        return self.view.change.id

    @property
    def life(self) -> Life:
        """Whether it will have news by itself."""
        if stage_of(self.view) in OVER:
            return Life.OVER
        return Life.GOES_ON if self.view.run.seq else Life.WAITS

    @property
    def stale(self) -> bool:
        """Whether the card shows something else than it should; a picture of what is newer is left alone."""
        return face_of(self.card) != self.shown.face and self.shown.older_than(self.view)

    @property
    def owes_log(self) -> bool:
        """Whether its thread has told of a failure, and not yet where the log of it is."""
        turned = self.view.run.turned
        if self.place is None or not self.turn or turned is None or self.shown.thread < self.turn:
            return False
        return self.shown.log is not Log.SETTLED and self.view.now - turned.at < LOOK_BACK

    def wants(self) -> frozenset[Want]:
        """What it needs of Slack, but for its log."""
        if self.place is None:
            forgotten = self.life is Life.OVER and self.view.now - self.view.change.at > LOOK_BACK
            return frozenset() if forgotten else frozenset({Want.CARD})
        wants = set[Want]()
        if self.stale:
            wants.add(Want.NEWS if news(self.view, self.shown) else Want.PROGRESS)
        if self.said:
            alarm, end = any(said.broadcast for said in self.said), any(said.urgent for said in self.said)
            wants.add(Want.ALARM if alarm else Want.END if end else Want.THREAD)
        if self.notices:
            wants.add(Want.NOTICE)
        return frozenset(wants)
