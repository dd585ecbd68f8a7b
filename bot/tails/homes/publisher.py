"""Sends Homes to Slack: what is shown already not again, never over something newer, and no faster than Slack takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Protocol, cast

from pydantic import ValidationError

from actions.engine.codec import dump, load, sha256_of
from bot.slack.connection.web import CallFailed, Client, call
from bot.slack.messages.home import Home
from bot.store.homes import Opening
from bot.tails.homes.pace import HomePace
from bot.tails.pace import Minute

logger = logging.getLogger(__name__)


SPENT = "views.publish"
"""What all bots together have a number of in a minute."""


class Again(Exception):
    """Not now: look again at `when` (the loop's clock), and make it of what is newest then."""

    def __init__(self, when: float) -> None:
        super().__init__(f"not before {when}")
        self.when = when


@dataclass(frozen=True, slots=True)
class HomeShown:
    """What somebody's Home is known to show."""

    hash: str = ""
    """Slack's own name of the view, "" where it is not known."""
    face: str = ""
    """sha256 of the view as it was sent."""
    news: str = ""
    """sha256 of its news."""
    opening: int = 0
    """The newest opening that was known when it was sent."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A Home, and what stands for it; many people may have the same."""

    home: Home
    face: str
    news: str

    @staticmethod
    def of(home: Home) -> Drawn:
        """With its two sha256."""
        return Drawn(home, sha256_of(home.view()), sha256_of(home.news))


class Records(Protocol):
    """What it needs of the store."""

    async def home_shown(self, reader: str) -> str: ...
    async def set_home_shown(self, reader: str, note: str) -> None: ...
    async def spend(self, what: str, seconds: float) -> None: ...
    async def spent(self, what: str) -> list[float]: ...


class Publisher:
    """`mine` says whether this bot may still write. A reader is "TEAM:USER"."""

    def __init__(self, client: Client, store: Records, pace: HomePace, mine: Callable[[], bool]) -> None:
        self._client, self._store, self._pace, self._mine = client, store, pace, mine
        self._views: Minute | None = None
        self._sent: dict[str, float] = {}
        self._shown: dict[str, HomeShown] = {}

    async def shown(self, reader: str) -> HomeShown:
        """What it is known to show."""
        if reader not in self._shown:
            self._shown[reader] = _read(await self._store.home_shown(reader))
        return self._shown[reader]

    def last(self, reader: str) -> float:
        """When this bot sent them a view last, on the loop's clock."""
        return self._sent.get(reader, float("-inf"))

    async def opened(self, opening: Opening) -> None:
        """Slack said which view the person has before them: where that is another, nothing is known of it."""
        shown = await self.shown(opening.reader)
        if opening.number > shown.opening:
            known = shown if opening.hash == shown.hash else HomeShown(opening.hash)
            self._shown[opening.reader] = replace(known, opening=opening.number)

    def only(self, readers: Collection[str]) -> None:
        """Forget everybody else: the store knows what it has to."""
        for known in (self._shown, self._sent):
            for reader in [reader for reader in known if reader not in readers]:
                del known[reader]

    async def publish(self, reader: str, drawn: Drawn, *, urgent: bool) -> None:
        """Send it, where it is not shown already. Raises Again, also where somebody else was first; CallFailed."""
        shown = await self.shown(reader)
        if drawn.face == shown.face:
            return
        await self._in_time(reader, urgent=urgent)
        await self._note(reader, replace(shown, face="", news=""))  # until the answer is here, either may stand there
        if not self._mine():
            raise Again(_now())
        told: dict[str, Any] = {"user_id": reader.partition(":")[2], "view": drawn.home.view()}
        try:
            answer = await call(self._client, "views.publish", told | ({"hash": shown.hash} if shown.hash else {}))
        except CallFailed as failed:
            if failed.failure.error != "hash_conflict":
                raise
            await self._lost(reader, shown)
            raise Again(_now()) from None
        view = answer.data.get("view")
        hash_ = str(cast("dict[str, Any]", view).get("hash") or "") if isinstance(view, dict) else ""
        await self._note(reader, HomeShown(hash_, drawn.face, drawn.news, self._shown.get(reader, shown).opening))

    async def _note(self, reader: str, shown: HomeShown) -> None:
        self._shown[reader] = shown
        await self._store.set_home_shown(reader, dump(shown))

    async def _lost(self, reader: str, believed: HomeShown) -> None:
        """Another view stands there than the one believed in: what the store says of it, or else nothing is known."""
        noted = _read(await self._store.home_shown(reader))
        self._shown[reader] = HomeShown(noted.hash if noted.hash != believed.hash else "", opening=believed.opening)
        logger.info("the Home of %s shows another view than was known; it is made anew", reader)

    async def _in_time(self, reader: str, *, urgent: bool) -> None:
        """Count one more view. Raises Again where it would be too many, or too soon for this person."""
        views, now = await self._minute(), _now()
        rested = self.last(reader) + (self._pace.turn if urgent else self._pace.view)
        ready = max(rested, views.ready(now, 0 if urgent else self._pace.reserve))
        if ready > now:
            raise Again(ready)
        self._sent[reader] = now
        views.count(now)
        await self._store.spend(SPENT, self._pace.minute)

    async def _minute(self) -> Minute:
        """What is left of this minute's views; at first, what the bot before this one has left."""
        if self._views is None:
            spent, now = await self._store.spent(SPENT), _now()
            self._views = Minute(self._pace.views, self._pace.minute)
            self._views.remember(now - ago for ago in spent)
        return self._views


def _read(note: str) -> HomeShown:
    """Nothing is known where there is nothing, or what another version wrote."""
    try:
        return load(HomeShown, note) if note else HomeShown()
    except ValidationError:
        return HomeShown()


def _now() -> float:
    return asyncio.get_running_loop().time()
