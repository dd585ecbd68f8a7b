"""Who has opened their Home lately, and what it is known to show: each gone by itself when nobody looks any more.

A reader is "TEAM:USER". Only readers are kept; what a Home shows is made anew from everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.store.link import Part, redis_key

LATELY = timedelta(hours=8)
"""For so long after somebody opened their Home it is kept up to date: it may still stand open."""
READERS = 100
"""As many as a Home is kept up to date for; who opened theirs last counts."""
NOTICES = 200
"""Openings that are kept for the tail to read."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Somebody opened their Home."""

    reader: str
    hash: str
    """Of the view that they had before them, "" where they had none."""
    number: int
    """Grows from each opening to the next."""


class Homes(Part):
    """The part of Store for people's Homes."""

    async def home_opened(self, reader: str, hash_: str, keep: bool) -> None:
        """Tell the tail that it was opened showing the view of that hash ("" for none); `keep` it up to date."""
        argv = [reader, hash_, "keep" if keep else "", int(LATELY.total_seconds() * 1000), READERS, NOTICES]
        await self.link.script("home_opened", [redis_key("homes"), redis_key("opened")], argv)

    async def home_openings(self, cursor: str, block_s: float) -> tuple[str, list[Opening]]:
        """Wait up to `block_s` for openings; the new cursor and each of them, oldest first.

        "" as cursor means from the last seconds on: what a tail that died has perhaps not answered.
        """
        if not cursor:
            seconds, _ = await self.link.ask("TIME")
            cursor = f"{(int(seconds) - 15) * 1000}-0"
        found = await self.link.tail(redis_key("opened"), cursor, block_s)
        openings = [Opening(told["reader"], told["hash"], _number(id_)) for id_, told in found]
        return (found[-1][0] if found else cursor), openings

    async def home_readers(self) -> dict[str, datetime]:
        """Those for whom it is kept up to date, and when each opened it last."""
        seconds, _ = await self.link.ask("TIME")
        oldest = int(seconds) - LATELY.total_seconds()
        found = iter(await self.link.ask("ZRANGEBYSCORE", redis_key("homes"), oldest, "+inf", "WITHSCORES"))
        return {reader: datetime.fromtimestamp(float(at), UTC) for reader, at in zip(found, found, strict=True)}

    async def forget_home(self, reader: str) -> None:
        """It is kept up to date no longer, until it is opened again."""
        await self.link.ask("ZREM", redis_key("homes"), reader)

    async def home_shown(self, reader: str) -> str:
        """What a tail noted of what it shows, "" where nothing was noted."""
        return await self.link.ask("GET", redis_key("home", reader)) or ""

    async def set_home_shown(self, reader: str, note: str) -> None:
        """Note it."""
        await self.link.ask("SET", redis_key("home", reader), note, "PX", int(LATELY.total_seconds() * 1000))


def _number(id_: str) -> int:
    """A stream's "milliseconds-count" as one number."""
    at, _, count = id_.partition("-")
    return int(at) * 10_000 + int(count)
