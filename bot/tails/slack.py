"""Follows the store's feed and keeps each change's card and thread in Slack true. Slack may be away for any time.

One bot tails at a time, under a lease that another takes over within seconds. What is told is recorded after Slack
took it, and the entries it speaks of are claimed before (compare-and-set): two bots never both tell them. A bot that
dies, or loses Slack's answer, between the two cannot know whether the message stands there, since the app has no
right to read the channel: it is sent again, because a failure told twice is better than one told never. A card sent
twice gives itself up when somebody clicks it (bot/slack/buttons.py).
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from actions.engine.journal import Entry
from bot.config import SlackSettings
from bot.planning import Refusal
from bot.slack.stage import OVER, Stage, stage_of
from bot.slack.web import CallFailed, Client, Failure, Trouble, advice
from bot.store.link import StoreDown
from bot.tails.lease import Lease, Names
from bot.tails.pace import Pace
from bot.tails.painter import Again, Gone, Painter
from bot.tails.shown import Shown, news, read_shown
from bot.view import ChangeView

logger = logging.getLogger(__name__)

LOOK_BACK = timedelta(hours=24)
"""A change that is over and older than this gets no card any more, if it never had one."""
RECENT = 20


class Feed(Names, Protocol):
    """What the tail needs of the store."""

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]: ...
    async def read(self, run: str) -> list[Entry]: ...
    async def open_runs(self) -> list[str]: ...
    async def waiting(self, environment: str = "") -> list[str]: ...
    async def recent(self, environment: str = "", limit: int = 10) -> list[str]: ...
    async def card(self, id_: str) -> tuple[str, str] | None: ...
    async def set_card(self, id_: str, channel: str, ts: str) -> None: ...
    async def thread_seq(self, id_: str) -> int: ...
    async def set_thread_seq(self, id_: str, n: int, expect: int) -> bool: ...
    async def shown(self, id_: str) -> str: ...
    async def set_shown(self, id_: str, note: str) -> None: ...


class Viewer(Protocol):
    """What the tail needs of the desk."""

    async def view(self, change: str) -> ChangeView: ...


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
        self._store, self._desk = store, desk
        self._pace = pace or Pace()
        self._lease = Lease(store, instance or secrets.token_hex(8), self._pace.lease)
        self._painter = Painter(client, store, settings.channel, self._pace, lambda: self._lease.mine)
        self._due: dict[str, float] = {}
        self._wake = asyncio.Event()
        self._quiet_until = 0.0
        self._pause = self._pace.backoff[0]
        self._said: str = ""

    async def run(self, stop: asyncio.Event) -> None:
        """Tail until `stop` is set; then the last pictures, for a few seconds.

        Raises nothing: whatever goes wrong with a picture may delay it, and never reach the deploy.
        """
        while not stop.is_set():
            try:
                if await self._guarded(self._lease.renew) and self._lease.mine:
                    await self._tenure(stop)
                    continue
            except Exception:
                logger.exception("the Slack tail stumbled; it begins again")
            await _wait(stop, self._pace.lease / 3)
        await self._guarded(self._lease.give_up)

    async def _guarded(self, act: Callable[[], Awaitable[None]]) -> bool:
        """Do it; False, and a line in the log, where Redis is away."""
        try:
            await act()
        except StoreDown as down:
            logger.warning("the Slack tail waits for Redis: %s", down)
            return False
        return True

    async def _tenure(self, stop: asyncio.Event) -> None:
        """From taking the lease to losing it, or to the end."""
        over, listening = asyncio.Event(), asyncio.Event()
        jobs = self._keep(over), self._follow(over, listening), self._sweep(over, listening)
        helpers = [asyncio.create_task(job) for job in jobs]
        try:
            while self._lease.mine and not stop.is_set():
                await self._one_turn()
                for helper in helpers:
                    if helper.done():
                        helper.result()
            if stop.is_set():
                await self._flush()
        finally:
            over.set()
            for helper in helpers:
                helper.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            self._due.clear()

    async def _keep(self, over: asyncio.Event) -> None:
        while not await _wait(over, self._pace.lease / 4):
            await self._guarded(self._lease.renew)
            self._wake.set()

    # --- what is to be done --------------------------------------------------

    def _touch(self, ids: list[str], due: float = 0.0) -> None:
        for id_ in ids:
            self._due[id_] = min(self._due.get(id_, due), due)
        self._wake.set()

    async def _follow(self, over: asyncio.Event, listening: asyncio.Event) -> None:
        """Touch what the feed names; `listening` is set once nothing that happens is missed any more."""
        cursor = "$"

        async def once() -> None:
            nonlocal cursor
            cursor, touched = await self._store.feed(cursor, 5.0 if listening.is_set() else 0.0)
            listening.set()
            self._touch(touched)

        while not over.is_set():
            if not await self._guarded(once):
                await _wait(over, 1.0)

    async def _sweep(self, over: asyncio.Event, listening: asyncio.Event) -> None:
        """First everything that may be behind, then again and again what can change without being touched.

        What the first sweep has looked at is named by the feed when it moves on: the feed is followed before.
        """

        async def everything() -> None:
            going = [*await self._store.open_runs(), *await self._store.waiting()]
            self._touch([*going, *await self._store.recent("", RECENT)])

        await listening.wait()
        while not over.is_set():
            done = await self._guarded(everything)
            await _wait(over, self._pace.sweep if done else 1.0)

    async def _one_turn(self) -> None:
        """Bring the most urgent change up to date, or wait until there is one."""
        self._wake.clear()
        now = _now()
        due = [id_ for id_, when in self._due.items() if when <= now]
        if due and now >= self._quiet_until:
            await self._guarded(lambda: self._serve(due))
            return
        ready = max(min(self._due.values(), default=now + 1.0), self._quiet_until)
        await _wait(self._wake, min(max(ready - now, 0.01), 0.5))

    async def _serve(self, due: list[str]) -> None:
        """Look at all that are due, and serve the first of them: ends and decisions before progress."""
        ranked: list[tuple[int, str, ChangeView, Shown]] = []
        later = _now() + 1.0  # where Redis goes away in the middle, none is forgotten
        for id_ in due:
            self._due[id_] = later  # before it is read, so that a touch from now on stands out
            try:
                view = await self._desk.view(id_)
            except Refusal as unknown:
                logger.warning("%s is not shown: %s", id_, unknown)
                self._due.pop(id_, None)
                continue
            except ValueError:
                logger.exception("%s cannot be read, and is not shown", id_)
                self._due.pop(id_, None)
                continue
            shown = read_shown(await self._store.shown(id_))
            rank = 2 if not news(view, shown) else 0 if stage_of(view) in OVER else 1
            ranked.append((rank, id_, view, shown))
        if not ranked:
            return
        rank, id_, view, shown = min(ranked, key=lambda one: (one[0], one[1]))
        self._touch([other for _, other, _, _ in ranked if other != id_])
        if rank < 2 and view.run.seq:
            self._touch([other for other in await self._store.recent(view.change.environment, 5) if other != id_])
        try:
            again = await self._bring(view, shown, urgent=rank < 2)
        except CallFailed as failed:
            self._after(failed.failure, id_)
            return
        self._pause = self._pace.backoff[0]
        if self._due.get(id_) == later:
            del self._due[id_]
        if again is not None:
            self._touch([id_], again)

    async def _bring(self, view: ChangeView, shown: Shown, *, urgent: bool) -> float | None:
        """The card, then the thread. When to look again, None where Slack shows all there is."""
        place = await self._store.card(view.change.id)
        if place is None and stage_of(view) in OVER and view.now - view.change.at > LOOK_BACK:
            return None
        try:
            place, shown = await self._painter.card(view, place, shown, newest=await self._newest(view), urgent=urgent)
            entries = (await self._store.read(view.change.id))[: view.run.seq]
            await self._painter.thread(view, entries, place, shown)
        except Again as again:
            return again.when
        except Gone:
            logger.warning("the card of %s was deleted in Slack; it gets a new one", view.change.id)
            self._painter.forget(view.change.id)
            await self._store.set_card(view.change.id, "", "")
            return _now()
        return None

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

    # --- when Slack is not as it should be -----------------------------------

    def _after(self, failure: Failure, id_: str) -> None:
        """Be quiet for as long as is right, then start again from what is newest."""
        if failure.trouble is Trouble.REFUSED:
            logger.error("Slack does not take what is to be said of %s: %s", id_, failure.error)
            self._due.pop(id_, None)
            return
        if failure.trouble is Trouble.SLOWER:
            wait = failure.after
        else:
            wait = self._pause
            self._pause = min(self._pause * 2, self._pace.backoff[1])
        self._quiet_until = _now() + wait
        self._touch([id_])
        said = advice(failure.error) if failure.trouble is Trouble.SETUP else failure.error
        level = logging.ERROR if failure.trouble is Trouble.SETUP and said != self._said else logging.WARNING
        self._said = said
        logger.log(level, "the card of %s waits %.0f s for Slack: %s", id_, wait, said)

    async def _flush(self) -> None:
        """The last pictures."""
        until = _now() + self._pace.flush
        while self._due and self._lease.mine and self._quiet_until <= _now() < until:
            ready = [id_ for id_, when in self._due.items() if when <= _now()]
            if not ready:
                await asyncio.sleep(0.1)
            elif not await self._guarded(lambda ready=ready: self._serve(ready)):
                return


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
