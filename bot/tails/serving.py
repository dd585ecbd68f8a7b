"""Looks at a change and gives it its turn: its card is painted, or its thread is told one message more."""

from __future__ import annotations

import logging
from typing import Protocol

from actions.engine.journal import Entry
from bot.planning import Refusal
from bot.slack.cards import change_card
from bot.slack.stage import Stage, stage_of
from bot.slack.thread import thread
from bot.tails.finder import Finder
from bot.tails.look import Look
from bot.tails.notes import Notes, Records
from bot.tails.painter import Painter
from bot.tails.sender import Gone, Sender
from bot.tails.teller import Claims, Teller
from bot.tails.turns import UPDATES, Turn, Want
from bot.view import ChangeView

logger = logging.getLogger(__name__)

RECENT = 20
"""Changes that are looked through, newest first."""
BESIDE = 5
"""Changes of the environment that look different once this one has begun or ended."""


class Changes(Records, Claims, Protocol):
    """What is asked of the store. Each raises StoreDown."""

    async def read(self, run: str) -> list[Entry]: ...
    async def recent(self, environment: str = "", limit: int = 10) -> list[str]: ...


class Viewer(Protocol):
    """What is asked of the desk."""

    async def view(self, change: str) -> ChangeView: ...


class Serving:
    """One change at a time may be served by one caller; different ones at once."""

    def __init__(self, sender: Sender, store: Changes, desk: Viewer) -> None:
        self._store, self._desk = store, desk
        self._notes, finder = Notes(store), Finder(sender)
        self._painter = Painter(sender, self._notes, finder)
        self._teller = Teller(sender, self._notes, finder, store)

    async def look(self, id_: str) -> Look | None:
        """What there is to show of it; None where nothing can be. Raises StoreDown."""
        try:
            view = await self._desk.view(id_)
            entries = (await self._store.read(id_))[: view.run.seq]
        except Refusal as unknown:
            logger.warning("%s is not shown: %s", id_, unknown)
            return None
        except ValueError:
            logger.exception("%s cannot be read, and is not shown", id_)
            return None
        place, shown = await self._notes.read(id_)
        card = change_card(view, newest=await self._newest(view))
        return Look(view, card, thread(entries, shown.thread, view), place, shown)

    async def serve(self, turn: Turn) -> list[str]:
        """Do it, with what is newest now. Which other changes look different then.

        Raises NotMine, CallFailed, StoreDown.
        """
        seen = await self.look(turn.id)
        if seen is None:
            return []
        try:
            if turn.want in UPDATES:
                await self._painter.update(seen)
            elif turn.want is Want.CARD:
                await self._painter.post(seen)
            else:
                await self._teller.tell(seen)
        except Gone:
            logger.warning("the card of %s was deleted in Slack; it gets a new one", turn.id)
            await self._notes.gone(turn.id)
            return []
        if turn.want not in {Want.NEWS, Want.CARD} or not seen.view.run.seq:
            return []
        return [other for other in await self._store.recent(seen.view.change.environment, BESIDE) if other != turn.id]

    async def _newest(self, view: ChangeView) -> bool:
        """Whether no later run has changed, or may change, what the environment serves."""
        if stage_of(view) is not Stage.DONE:
            return True
        for other in await self._store.recent(view.change.environment, RECENT):
            if other == view.change.id:
                return True
            later = await self._desk.view(other)
            if later.run.seq and stage_of(later) is not Stage.TURNED_BACK:
                return False
        return False
