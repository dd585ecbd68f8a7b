"""Whose Home is published next, and made of what: what home.py does in one tenure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Protocol

from actions.engine.ports import Clock
from bot.desk.overview import Overseer
from bot.desk.planning import Refusal, Unlisted
from bot.desk.surveys import Surveys
from bot.desk.view import ChangeView, Overview
from bot.slack.connection.web import CallFailed, Failure, Trouble
from bot.slack.messages.home import Home, home, refused_home, stranger_home, waits_for
from bot.store.homes import Opening
from bot.tails.homes.pace import HomePace
from bot.tails.homes.publisher import Again, Drawn, Publisher
from bot.tails.homes.watch import Watch
from bot.tails.quiet import Quiet
from bot.tails.tenure import Job, guarded, pause
from policies.change import Account, People, Person

logger = logging.getLogger(__name__)

WHAT = "the tail of the Homes"
CALM = 0.2
"""Seconds between two looks at all that is going on, however much happens."""
FIRST_LOOK = 0.8
"""Seconds for which the first Home of a bot that has just started waits for what is live."""
NEW_CARD = timedelta(minutes=2)
"""A change younger than this gets its card any moment, which nothing tells."""


class Openings(Protocol):
    """What it needs of the store."""

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]: ...
    async def home_openings(self, cursor: str, block_s: float) -> tuple[str, list[Opening]]: ...
    async def home_readers(self) -> dict[str, datetime]: ...
    async def forget_home(self, reader: str) -> None: ...


class Known(Protocol):
    """What it needs of the desk."""

    @property
    def people(self) -> People: ...
    async def view(self, change: str) -> ChangeView: ...


class HomeTail:
    """The work of one tenure."""

    def __init__(
        self,
        store: Openings,
        desk: Known,
        known: Callable[[Account], Person],
        overseer: Overseer,
        surveys: Surveys,
        publisher: Publisher,
        clock: Clock,
        pace: HomePace,
    ) -> None:
        self._store, self._desk, self._known, self._clock, self._pace = store, desk, known, clock, pace
        self._overseer, self._surveys, self._publisher = overseer, surveys, publisher
        self._watch = Watch(surveys, clock, pace, self._moved)
        self._readers: dict[str, datetime] = {}
        self._due: dict[str, float] = {}
        self._opened: set[str] = set()
        """Opened, and not answered yet."""
        self._seen: Overview | None = None
        """None where something has moved since."""
        self._homes: dict[str | tuple[str, ...], Drawn] = {}
        """Drawn of `_seen`: by what waits for its readers, and of those whom the bot does not serve by who it is."""
        self._gathered = self._relook = inf
        self._wake, self._listening = asyncio.Event(), asyncio.Event()
        self._quiet = Quiet(WHAT, pace.backoff)

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What runs beside the turns."""
        return (self._follow, self._hear, self._sweep, *self._watch.jobs)

    # --- what moves ----------------------------------------------------------

    def _moved(self) -> None:
        """Something did: everybody's Home may have to be another one."""
        self._seen = None
        self._due |= dict.fromkeys(self._readers, 0.0)
        self._wake.set()

    async def _follow(self, over: asyncio.Event) -> None:
        cursor = "$"

        async def once() -> None:
            nonlocal cursor
            cursor, touched = await self._store.feed(cursor, 5.0 if self._listening.is_set() else 0.0)
            self._listening.set()
            if touched:
                self._moved()

        await self._repeat(once, over)

    async def _hear(self, over: asyncio.Event) -> None:
        """Openings; those that a tail before this one has perhaps not answered are among the first."""
        cursor = ""

        async def once() -> None:
            nonlocal cursor
            upto, openings = await self._store.home_openings(cursor, 5.0)
            for opening in openings:
                await self._publisher.opened(opening)
                self._due[opening.reader] = 0.0
                self._opened.add(opening.reader)
            if openings:
                await self._reread()
            cursor = upto
            self._wake.set()

        await self._listening.wait()
        await self._repeat(once, over)

    async def _repeat(self, once: Callable[[], Awaitable[None]], over: asyncio.Event) -> None:
        while not over.is_set():
            if not await guarded(WHAT, once):
                await pause(over, 1.0)

    async def _reread(self) -> None:
        """Who looks, and whose servers are worth a look for it."""
        self._readers = await self._store.home_readers()
        self._publisher.only({*self._readers, *self._due})
        self._watch.opened(max(self._readers.values(), default=None))

    async def _sweep(self, over: asyncio.Event) -> None:
        """Again and again what changes without being touched: requests lapse, cards come, readers go."""
        await self._listening.wait()
        while not over.is_set():
            done = await guarded(WHAT, self._reread)
            self._moved()
            await pause(over, self._pace.sweep if done else 1.0)

    # --- whose turn it is ----------------------------------------------------

    async def turn(self) -> None:
        """Publish the most urgent Home, or wait until there is one."""
        self._wake.clear()
        now = _now()
        if now >= self._relook:
            self._relook = inf
            self._moved()
        due = [reader for reader, when in self._due.items() if when <= now]
        if due and now >= self._quiet.until:
            await guarded(WHAT, partial(self._serve, due))
            return
        ready = max(min(self._due.values(), default=now + 1.0), self._quiet.until)
        await pause(self._wake, min(max(ready - now, 0.01), 1.0))

    async def close(self, *, stopping: bool) -> None:
        """Nothing is left to do: a Home that is behind is made true by whoever comes next."""

    async def _serve(self, due: list[str]) -> None:
        """Those just opened come first, then those with news, then who has waited longest."""
        seen = await self._look_over()
        ranked: list[tuple[int, float, str, Drawn]] = []
        for reader in due:
            made = self._home(reader, seen)
            shown = await self._publisher.shown(reader)
            if made.face == shown.face:
                self._settle(reader, seen)
                continue
            rank = 0 if reader in self._opened else 1 if made.news != shown.news else 2
            ranked.append((rank, self._publisher.last(reader), reader, made))
        if not ranked:
            return
        rank, _, reader, made = min(ranked, key=lambda one: one[:3])
        try:
            await self._publisher.publish(reader, made, urgent=rank < 2)
        except Again as again:
            self._due[reader] = again.when
        except CallFailed as failed:
            await self._after(failed.failure, reader)
        else:
            self._quiet.over()
            self._settle(reader, seen)

    def _settle(self, reader: str, seen: Overview) -> None:
        """It shows what was seen; where something has moved meanwhile, it stays due."""
        self._opened.discard(reader)
        if seen is self._seen:
            self._due.pop(reader, None)

    def _home(self, reader: str, seen: Overview) -> Drawn:
        team, _, user = reader.partition(":")
        account = Account(team, user)
        try:
            mine = waits_for(seen, self._known(account))
            return self._drawn(mine, partial(home, seen, mine))
        except Unlisted as unknown:
            return self._drawn(reader, partial(stranger_home, account, unknown.said, self._desk.people))
        except Refusal as refused:
            return self._drawn(reader, partial(refused_home, refused.said))

    def _drawn(self, key: str | tuple[str, ...], draw: Callable[[], Home]) -> Drawn:
        if key not in self._homes:
            self._homes[key] = Drawn.of(draw())
        return self._homes[key]

    async def _look_over(self) -> Overview:
        """All that is going on, read anew where something has moved."""
        if self._seen is not None:
            return self._seen
        await self._wait_a_little()
        seen = self._seen = Overview()  # before it is read, so that what moves from now on stands out
        try:
            read = await self._overseer.now(self._surveys.live(), self._surveys.default)
        except BaseException:
            self._seen = None
            raise
        if self._seen is seen:
            self._seen = read
        self._homes.clear()
        self._gathered = _now()
        self._watch.runs(read)
        self._expect_cards(read)
        return read

    async def _wait_a_little(self) -> None:
        if self._gathered < inf:
            await asyncio.sleep(max(0.0, self._gathered + CALM - _now()))
        else:
            await self._watch.first(FIRST_LOOK)

    def _expect_cards(self, now: Overview) -> None:
        """Where a card is to come, look again soon: nothing tells of it."""
        bare = [v for v in (*now.waiting, *now.running) if v.change.id not in now.links]
        if any(self._clock.now() - view.change.at < NEW_CARD for view in bare):
            self._relook = _now() + 1.0

    async def _after(self, failure: Failure, reader: str) -> None:
        """Whom Slack does not know is forgotten until they come again; else it is quiet for as long as is right."""
        if failure.trouble not in {Trouble.REFUSED, Trouble.GONE}:
            self._quiet.after(failure)
            return
        logger.error("Slack does not take the Home of %s (%s); it waits to be opened again", reader, failure.error)
        self._due.pop(reader, None)
        self._opened.discard(reader)
        self._readers.pop(reader, None)
        await self._store.forget_home(reader)


def _now() -> float:
    return asyncio.get_running_loop().time()
