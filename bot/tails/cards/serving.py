"""Looks at a change and gives it its turn: its card is painted, or its thread is told one message more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol, assert_never

from actions.engine.journal import Entry, TurnedBack
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.slack.cards.live import change_card
from bot.slack.cards.stage import Stage, stage_of
from bot.slack.messages.notices import notices
from bot.slack.messages.thread import failed, thread
from bot.tails.cards.attacher import Attacher
from bot.tails.cards.crier import Crier
from bot.tails.cards.hanger import Hanger
from bot.tails.cards.look import Look
from bot.tails.cards.painter import Painter
from bot.tails.cards.teller import Claims, Teller
from bot.tails.cards.turns import Life, Turn, Want
from bot.tails.delivery.finder import Finder
from bot.tails.delivery.notes import Notes, Records
from bot.tails.delivery.sender import Gone, Sender
from bot.tails.files.logs import LogFiles
from bot.tails.files.pictures import Pictures

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

    def __init__(
        self,
        sender: Sender,
        notes: Notes,
        store: Changes,
        desk: Viewer,
        files: LogFiles,
        pictures: Pictures,
        remind_after: timedelta,
    ) -> None:
        self._store, self._desk, self._notes, self._remind_after = store, desk, notes, remind_after
        finder = Finder(sender)
        self._painter = Painter(sender, notes, finder)
        self._teller = Teller(sender, notes, finder, store)
        self._crier = Crier(sender, notes, finder)
        self._attacher = Attacher(sender, notes, finder, files)
        self._hanger = Hanger(sender, notes, finder, pictures)

    async def look(self, id_: str) -> tuple[frozenset[Want], Life] | None:
        """What it needs, and whether it will have news; None where it cannot be shown. Raises StoreDown."""
        found = await self._look(id_)
        if found is None:
            return None
        seen, entries = found
        logs = {Want.LOG} if self._attacher.has_something(seen, entries) else set[Want]()
        pictures = {Want.PICTURE} if self._hanger.has_something(seen, entries) else set[Want]()
        return seen.wants() | logs | pictures, seen.life

    async def _look(self, id_: str) -> tuple[Look, Sequence[Entry]] | None:
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
        turn = next((n for n, entry in enumerate(entries, 1) if isinstance(entry, TurnedBack)), 0)
        said = thread(entries, shown.thread, view)
        due = notices(view, shown.notices, self._remind_after)
        return Look(view, card, said, turn if failed(view) else 0, place, shown, due), entries

    async def serve(self, turn: Turn) -> list[str]:
        """Do it, with what is newest now. Which other changes look different then.

        Raises NotMine, CallFailed, StoreDown.
        """
        found = await self._look(turn.id)
        if found is None:
            return []
        seen, entries = found
        try:
            match turn.want:
                case Want.NEWS | Want.PROGRESS:
                    await self._painter.update(seen)
                case Want.CARD:
                    await self._painter.post(seen)
                case Want.ALARM | Want.END | Want.THREAD:
                    await self._teller.tell(seen)
                case Want.NOTICE:
                    await self._crier.cry(seen)
                case Want.LOG:
                    await self._attacher.attach(seen, entries)
                case Want.PICTURE:
                    await self._hanger.hang(seen, entries)
                case _:
                    assert_never(turn.want)
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
