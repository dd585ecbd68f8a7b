"""Says in a change's thread what was not said there, each entry claimed before it is told."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, Protocol

from bot.tails.cards.look import Look
from bot.tails.delivery.finder import Finder, told_metadata
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender

logger = logging.getLogger(__name__)


class Claims(Protocol):
    """What is asked of the store. Each raises StoreDown."""

    async def thread_seq(self, id_: str) -> int: ...
    async def set_thread_seq(self, id_: str, n: int, expect: int) -> bool: ...


class Teller:
    """One thread at a time, by one caller; the pace is the caller's affair."""

    def __init__(self, sender: Sender, notes: Notes, finder: Finder, claims: Claims) -> None:
        self._sender, self._notes, self._finder, self._claims = sender, notes, finder, claims

    async def tell(self, seen: Look) -> None:
        """One message, or what is found of it where it may have been told. Raises NotMine, Gone, CallFailed, StoreDown.

        An entry that was claimed and not noted was told by a bot that died, or whose answer was lost: or it was not.
        """
        if seen.place is None or not seen.said:
            return
        said, shown, key = seen.said[0], seen.shown, f"{seen.id} thread"
        claimed = await self._claims.thread_seq(seen.id)
        if claimed > shown.thread and self._sender.may_stand(key):
            told = await self._finder.told(seen.id, seen.place)
            if told > shown.thread:
                logger.info("the thread of %s has told %d entries already", seen.id, told)
                await self._notes.put(seen.id, replace(shown, thread=told))
                return
        if not await self._claims.set_thread_seq(seen.id, max(said.upto, claimed), claimed):
            return
        more: dict[str, Any] = {"thread_ts": seen.place[1], "metadata": told_metadata(seen.id, said.upto)}
        with self._sender.posting(key):
            await self._sender.post(said.card, more | ({"reply_broadcast": True} if said.broadcast else {}))
        await self._notes.put(seen.id, replace(shown, thread=said.upto))
