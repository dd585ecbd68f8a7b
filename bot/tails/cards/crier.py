"""Says in a change's thread what rings for somebody: noted before and after, so that a bot that dies says it once."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from bot.slack.messages.notices import Notice
from bot.tails.cards.look import Look
from bot.tails.delivery.finder import Finder, notice_metadata
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender

logger = logging.getLogger(__name__)


class Crier:
    """One thread at a time, by one caller; the pace is the caller's affair."""

    def __init__(self, sender: Sender, notes: Notes, finder: Finder) -> None:
        self._sender, self._notes, self._finder = sender, notes, finder

    async def cry(self, seen: Look) -> None:
        """One notice, or what is found of it. Raises NotMine, Gone, CallFailed, StoreDown.

        One that was begun and not noted was said by a bot that died, or whose answer was lost: or it was not.
        """
        if seen.place is None or not seen.notices:
            return
        one, key = seen.notices[0], f"{seen.id} {seen.notices[0].key}"
        if seen.shown.notice != one.key:
            await self._notes.put(seen.id, replace(seen.shown, notice=one.key))
        elif self._sender.may_stand(key) and await self._was_said(seen, one):
            await self._settle(seen, one)
            return
        more: dict[str, Any] = {"thread_ts": seen.place[1], "metadata": notice_metadata(seen.id, one.key)}
        with self._sender.posting(key):
            await self._sender.post(one.card, more | ({"reply_broadcast": True} if one.broadcast else {}))
        await self._settle(seen, one)

    async def _was_said(self, seen: Look, one: Notice) -> bool:
        """In doubt that cannot be cleared up an alarm is said again, and a reminder is not."""
        assert seen.place is not None
        if await self._finder.noticed(seen.id, seen.place, one.key):
            logger.info("the thread of %s has the notice %s already", seen.id, one.key)
            return True
        return self._finder.blind and not one.rather_twice

    async def _settle(self, seen: Look, one: Notice) -> None:
        said = {**seen.shown.notices, one.name: one.number}
        await self._notes.put(seen.id, replace(seen.shown, notices=said, notice=one.key))
