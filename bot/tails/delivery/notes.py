"""What Slack is known to show, kept in the store; while the store is away, kept here, so that nothing is sent again."""

from __future__ import annotations

from typing import Protocol

from bot.tails.delivery.shown import Shown, read_shown, write_shown

Place = tuple[str, str]
"""Channel and ts of a card."""


class Records(Protocol):
    """What is asked of the store. Each raises StoreDown."""

    async def card(self, id_: str) -> tuple[str, str] | None: ...
    async def set_card(self, id_: str, channel: str, ts: str) -> None: ...
    async def shown(self, id_: str) -> str: ...
    async def set_shown(self, id_: str, note: str) -> None: ...


class Notes:
    """Where each card is and what it shows. A note that the store did not take is written before it is read again."""

    def __init__(self, store: Records) -> None:
        self._store = store
        self._places: dict[str, Place] = {}
        self._shown: dict[str, Shown] = {}

    async def read(self, id_: str) -> tuple[Place | None, Shown]:
        """Where the card is, None where that is not known, and what it shows. Raises StoreDown."""
        place, shown = await self._store.card(id_), read_shown(await self._store.shown(id_))
        if mine := self._places.get(id_):
            place = place or mine  # where another bot has posted one since, ours is a copy
            await self.put_place(id_, place)
        if (newer := self._shown.get(id_)) and newer.further_than(shown):
            await self.put(id_, newer)
            shown = newer
        self._shown.pop(id_, None)
        return place, shown

    async def put_place(self, id_: str, place: Place) -> None:
        """The card is there. Raises StoreDown, and has it written later."""
        self._places[id_] = place
        await self._store.set_card(id_, *place)
        del self._places[id_]

    async def put(self, id_: str, shown: Shown) -> None:
        """This is what Slack took. Raises StoreDown, and has it written later."""
        self._shown[id_] = shown
        await self._store.set_shown(id_, write_shown(shown))
        del self._shown[id_]

    async def gone(self, id_: str) -> None:
        """The card is nowhere any more. Raises StoreDown."""
        self._places.pop(id_, None)
        await self._store.set_card(id_, "", "")
