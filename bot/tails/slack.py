"""Follows the store's feed and keeps each change's card and thread in Slack true. Slack may be away for any time.

One bot tails at a time, under a lease that another takes over within seconds. What is told is recorded after Slack
took it, and claimed before: the entries by compare-and-set, so that two bots never both tell them. A bot that dies, or
loses Slack's answer, between the two leaves a doubt, and the next one looks in Slack whether the message stands there
(finder.py). Where the app may not look, it is sent again, and a card sent twice gives itself up when somebody clicks it
(bot/slack/buttons.py). How fast, and who first, is for turns.py to say.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.config import SlackSettings
from bot.slack.web import CallFailed, Client
from bot.store.link import StoreDown
from bot.tails.lease import Lease, Names
from bot.tails.pace import Pace
from bot.tails.sender import NotMine, Sender
from bot.tails.serving import RECENT, Changes, Serving, Viewer
from bot.tails.trouble import Troubles
from bot.tails.turns import UPDATES, Turn, Turns

logger = logging.getLogger(__name__)

SPENT = "chat.update"
"""What all bots together have 45 of in a minute."""


class Feed(Names, Changes, Protocol):
    """What the tail needs of the store. Each raises StoreDown."""

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]: ...
    async def open_runs(self) -> list[str]: ...
    async def waiting(self, environment: str = "") -> list[str]: ...
    async def spend(self, what: str, seconds: float) -> None: ...
    async def spent(self, what: str) -> list[float]: ...


class SlackTail:
    """`instance` is this bot's name: a bot that was killed takes its own lease up at once when it is back."""

    def __init__(
        self,
        client: Client,
        store: Feed,
        desk: Viewer,
        settings: SlackSettings,
        *,
        instance: str = "",
        pace: Pace | None = None,
    ) -> None:
        self._store, self._pace = store, pace or Pace()
        self._lease = Lease(store, instance or secrets.token_hex(8), self._pace.lease)
        self._serving = Serving(Sender(client, settings.channel, lambda: self._lease.mine), store, desk)
        self._wake = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Tail until `stop` is set; then the last pictures, for a few seconds.

        Raises nothing: whatever goes wrong with a picture may delay it, and never reach the deploy.
        """
        while not stop.is_set():
            try:
                if await _guarded(self._lease.renew) and self._lease.mine:
                    await self._tenure(stop)
                    continue
            except StoreDown as down:
                logger.warning("the Slack tail waits for Redis: %s", down)
            except Exception:
                logger.exception("the Slack tail stumbled; it begins again")
            await _wait(stop, self._pace.lease / 3)
        await _guarded(self._lease.give_up)

    async def _tenure(self, stop: asyncio.Event) -> None:
        """From taking the lease to losing it, or to the end."""
        over = asyncio.Event()
        tenure = _Tenure(self._store, self._serving, self._pace, self._wake)
        jobs = self._keep(over), tenure.follow(over), tenure.sweep(over)
        helpers = [asyncio.create_task(job) for job in jobs]
        try:
            await tenure.learn()
            while self._lease.mine and not stop.is_set():
                await tenure.step(0.5)
                for helper in helpers:
                    if helper.done():
                        helper.result()
            if stop.is_set():
                await tenure.flush(lambda: self._lease.mine)
        finally:
            over.set()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await tenure.close()

    async def _keep(self, over: asyncio.Event) -> None:
        while not await _wait(over, self._pace.lease / 4):
            await _guarded(self._lease.renew)
            self._wake.set()


class _Tenure:
    """What is to be done while this bot holds the lease."""

    def __init__(self, store: Feed, serving: Serving, pace: Pace, wake: asyncio.Event) -> None:
        self._store, self._serving, self._pace, self._wake = store, serving, pace, wake
        self._turns = Turns(pace)
        self._troubles = Troubles(self._turns, pace)
        self._at_work: set[asyncio.Task[None]] = set()
        self._listening = asyncio.Event()
        """Set once nothing that happens is missed any more."""

    async def learn(self) -> None:
        """Know which updates the bot before this one has made of this minute's. Raises StoreDown."""
        now = _now()
        self._turns.remember(now - ago for ago in await self._store.spent(SPENT))

    async def follow(self, over: asyncio.Event) -> None:
        """Touch what the feed names."""
        cursor = "$"

        async def once() -> None:
            nonlocal cursor
            cursor, touched = await self._store.feed(cursor, 5.0 if self._listening.is_set() else 0.0)
            self._listening.set()
            self._touch(touched, _now())

        while not over.is_set():
            if not await _guarded(once):
                await _wait(over, 1.0)

    async def sweep(self, over: asyncio.Event) -> None:
        """First everything that may be behind, then again and again what can change without being touched.

        What the first sweep has looked at is named by the feed when it moves on: the feed is followed before. Since
        when a card is behind that the last bot has left is not known: it is taken to be due.
        """
        behind = self._pace.oldest

        async def everything() -> None:
            going = [*await self._store.open_runs(), *await self._store.waiting()]
            self._touch([*going, *await self._store.recent("", RECENT)], _now() - behind)

        await self._listening.wait()
        while not over.is_set():
            done = await _guarded(everything)
            behind = 0.0 if done else behind
            await _wait(over, self._pace.sweep if done else 1.0)

    def _touch(self, ids: list[str], since: float) -> None:
        self._turns.touch(ids, since)
        self._wake.set()

    async def step(self, longest: float) -> None:
        """Look at what was touched, begin all that may begin now, and wait for what is next, so long at most."""
        self._wake.clear()
        for id_ in self._turns.unseen(_now()):
            await self._look(id_)
        while turn := self._turns.pick(_now()):
            task = asyncio.create_task(self._serve(turn))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        await _wait(self._wake, min(max(self._turns.ready(_now()) - _now(), 0.002), longest))

    async def _look(self, id_: str) -> None:
        since = self._turns.looking(id_)
        try:
            seen = await self._serving.look(id_)
        except StoreDown as down:
            logger.warning("the Slack tail waits for Redis: %s", down)
            self._turns.rest(id_, _now() + 1.0)
            return
        if seen is None:
            self._turns.forget(id_)
        else:
            self._turns.looked(id_, seen.wants(), seen.life, since)

    async def _serve(self, turn: Turn) -> None:
        try:
            if turn.want in UPDATES:
                await self._store.spend(SPENT, self._pace.minute)
            self._turns.touch(await self._serving.serve(turn), _now())
            self._troubles.well()
        except CallFailed as failed:
            self._troubles.met(turn, failed, _now())
        except NotMine:
            logger.info("another bot tails now; this one has not shown %s", turn.id)
        except StoreDown as down:
            logger.warning("the Slack tail waits for Redis: %s", down)
            self._turns.rest(turn.id, _now() + 1.0)
        except Exception:
            logger.exception("%s cannot be shown now", turn.id)
            self._turns.rest(turn.id, _now() + self._pace.refused)
        finally:
            self._turns.done(turn, _now())
            self._wake.set()

    async def flush(self, mine: Callable[[], bool]) -> None:
        """The last pictures."""
        until = _now() + self._pace.flush
        while mine() and not self._turns.idle and (left := until - _now()) > 0:
            if self._turns.ready(_now()) > until and not self._at_work:
                return
            await self.step(min(left, 0.1))

    async def close(self) -> None:
        """Let the calls under way be answered, for a moment."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=self._pace.flush)
        for task in list(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)


async def _guarded(act: Callable[[], Awaitable[None]]) -> bool:
    """Do it; False, and a line in the log, where Redis is away."""
    try:
        await act()
    except StoreDown as down:
        logger.warning("the Slack tail waits for Redis: %s", down)
        return False
    return True


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
