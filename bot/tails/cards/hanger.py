"""Hangs a canary's pictures in its thread: at the end of each stage and at its own, each once.

The newest that is due is the one that is hung: it shows all that the ones before it would have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from actions.engine.journal import Entry
from bot.charts.story import moments, story
from bot.tails.cards.look import LOOK_BACK, Look
from bot.tails.delivery.finder import Finder
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender
from bot.tails.delivery.shown import Hung
from bot.tails.files.pictures import NoPicture, Pictures, upload
from bot.tails.files.sharing import Sharing, Upload


class Hanger:
    """One thread at a time, by one caller; the pace is the caller's affair."""

    def __init__(self, sender: Sender, notes: Notes, finder: Finder, pictures: Pictures) -> None:
        self._notes, self._pictures, self._sharing = notes, pictures, Sharing(sender, finder)

    def has_something(self, seen: Look, entries: Sequence[Entry]) -> bool:
        """Whether there is one to hang now; what is to be drawn is begun."""
        if seen.place is None:
            return False
        if seen.shown.hung.file:
            return True
        due = _due(seen, entries)
        return bool(due) and self._pictures.offer(seen.view, entries, due) is not None

    async def hang(self, seen: Look, entries: Sequence[Entry]) -> None:
        """Share it, or see that it was shared. Raises NotMine, Gone, CallFailed, StoreDown."""
        hung = seen.shown.hung
        if hung.file:
            told = story(seen.view.change.plan, entries, hung.due, seen.view.name)
            await self._share(seen, upload(told, hung.file), hung.due, again=True)
            return
        due = _due(seen, entries)
        offer = self._pictures.offer(seen.view, entries, due) if due else None
        if isinstance(offer, Upload):
            await self._note(seen, replace(hung, file=offer.file, due=due))
            await self._share(seen, offer, due, again=False)
        elif isinstance(offer, NoPicture):
            await self._settle(seen, due)

    async def _share(self, seen: Look, picture: Upload, due: int, *, again: bool) -> None:
        """Where Slack does not know any more what it was sent by a bot that died, it is sent once more."""
        assert seen.place is not None
        there = await self._sharing.share(seen.place, f"{seen.id} picture {due}", picture, again=again)
        if there or not again:
            await self._settle(seen, due)
            return
        await self._note(seen, Hung(seen.shown.hung.upto))
        self._pictures.forget(seen.id, due)

    async def _settle(self, seen: Look, due: int) -> None:
        await self._note(seen, Hung(due))
        self._pictures.forget(seen.id, due)

    async def _note(self, seen: Look, hung: Hung) -> None:
        await self._notes.put(seen.id, replace(seen.shown, hung=hung))


def _due(seen: Look, entries: Sequence[Entry]) -> int:
    """The newest moment of which the thread has told, and which has no picture yet; 0 where there is none."""
    shown, now = seen.shown, seen.view.now
    owed = [
        number
        for number in moments(seen.view.change.plan, entries)
        if shown.hung.upto < number <= shown.thread and now - entries[number - 1].at < LOOK_BACK
    ]
    return owed[-1] if owed else 0
