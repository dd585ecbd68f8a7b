"""What happened is looked at and who has a turn is served: what slack.py does in one tenure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from bot.slack.connection.web import CallFailed
from bot.store.link import StoreDown
from bot.tails.cards.serving import RECENT, Changes, Serving
from bot.tails.cards.trouble import Troubles
from bot.tails.cards.turns import UPDATES, Turn, Turns
from bot.tails.delivery.sender import NotMine
from bot.tails.lease import Names
from bot.tails.pace import Pace
from bot.tails.tenure import Job, guarded, pause

logger = logging.getLogger(__name__)

WHAT = "the tail of the cards"
SPENT = "chat.update"
"""What all bots together have 45 of in a minute."""


class Feed(Names, Changes, Protocol):
    """What the tail needs of the store. Each raises StoreDown."""

    async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]: ...
    async def open_runs(self) -> list[str]: ...
    async def waiting(self, environment: str = "") -> list[str]: ...
    async def open_reviews(self) -> list[str]: ...
    async def spend(self, what: str, seconds: float) -> None: ...
    async def spent(self, what: str) -> list[float]: ...


class Files(Protocol):
    """What is brought to Slack beside the turns."""

    async def close(self) -> None:
        """Stop; what is under way begins anew elsewhere."""
        ...


class CardTail:
    """The work of one tenure. `mine` says whether this bot still has it."""

    def __init__(
        self, store: Feed, serving: Serving, turns: Turns, files: Iterable[Files], pace: Pace, mine: Callable[[], bool]
    ) -> None:
        self._store, self._serving, self._turns, self._files = store, serving, turns, tuple(files)
        self._pace, self._mine = pace, mine
        self._troubles = Troubles(turns, pace)
        self._at_work: set[asyncio.Task[None]] = set()
        self._wake, self._listening, self._learned = asyncio.Event(), asyncio.Event(), False

    @property
    def jobs(self) -> tuple[Job, ...]:
        """What runs beside the turns."""
        return self._follow, self._sweep

    def touch(self, ids: Iterable[str], since: float | None = None) -> None:
        """Something happened to these changes, now or `since`."""
        self._turns.touch(ids, now() if since is None else since)
        self._wake.set()

    async def turn(self) -> None:
        """Look at what was touched, begin all that may begin now, and wait for what is next."""
        if self._learned or await guarded(WHAT, self._learn):
            await self._step(0.5)
        else:
            await asyncio.sleep(1.0)

    async def close(self, *, stopping: bool) -> None:
        """The last pictures where the bot stops; then the calls under way are answered, for a moment."""
        if stopping and self._learned:
            await self._flush()
        for files in self._files:
            await files.close()
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=self._pace.flush)
        for task in list(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def _learn(self) -> None:
        """Know which updates the bot before this one has made of this minute's. Raises StoreDown."""
        spent, at = await self._store.spent(SPENT), now()
        self._turns.remember(at - ago for ago in spent)
        self._learned = True

    async def _follow(self, over: asyncio.Event) -> None:
        """Touch what the feed names."""
        cursor = "$"

        async def once() -> None:
            nonlocal cursor
            cursor, touched = await self._store.feed(cursor, 5.0 if self._listening.is_set() else 0.0)
            self._listening.set()
            self.touch(touched)

        while not over.is_set():
            if not await guarded(WHAT, once):
                await pause(over, 1.0)

    async def _sweep(self, over: asyncio.Event) -> None:
        """First everything that may be behind, then again and again what can change without being touched.

        What the first sweep has looked at is named by the feed when it moves on: the feed is followed before. Since
        when a card is behind that the last bot has left is not known: it is taken to be due.
        """
        behind = self._pace.oldest

        async def everything() -> None:
            going = [*await self._store.open_runs(), *await self._store.waiting(), *await self._store.open_reviews()]
            self.touch([*going, *await self._store.recent("", RECENT)], now() - behind)

        await self._listening.wait()
        while not over.is_set():
            done = await guarded(WHAT, everything)
            behind = 0.0 if done else behind
            await pause(over, self._pace.sweep if done else 1.0)

    async def _step(self, longest: float) -> None:
        self._wake.clear()
        for id_ in self._turns.unseen(now()):
            await self._look(id_)
        while turn := self._turns.pick(now()):
            task = asyncio.create_task(self._serve(turn))
            self._at_work.add(task)
            task.add_done_callback(self._at_work.discard)
        await pause(self._wake, min(max(self._turns.ready(now()) - now(), 0.002), longest))

    async def _look(self, id_: str) -> None:
        since = self._turns.looking(id_)
        try:
            seen = await self._serving.look(id_)
        except StoreDown as down:
            logger.warning("%s waits for Redis: %s", WHAT, down)
            self._turns.rest(id_, now() + 1.0)
            return
        if seen is None:
            self._turns.forget(id_)
        else:
            self._turns.looked(id_, *seen, since)

    async def _serve(self, turn: Turn) -> None:
        try:
            if turn.want in UPDATES:
                await self._store.spend(SPENT, self._pace.minute)
            self._turns.touch(await self._serving.serve(turn), now())
            self._troubles.well()
        except CallFailed as failed:
            self._troubles.met(turn, failed, now())
        except NotMine:
            logger.info("another bot tails now; this one has not shown %s", turn.id)
        except StoreDown as down:
            logger.warning("%s waits for Redis: %s", WHAT, down)
            self._turns.rest(turn.id, now() + 1.0)
        except Exception:
            logger.exception("%s cannot be shown now", turn.id)
            self._turns.rest(turn.id, now() + self._pace.card)
        finally:
            self._turns.done(turn, now())
            self._wake.set()

    async def _flush(self) -> None:
        """Until Slack shows all there is, for a few seconds."""
        until = now() + self._pace.flush
        while self._mine() and not self._turns.idle and (left := until - now()) > 0:
            if self._turns.ready(now()) > until and not self._at_work:
                return
            await self._step(min(left, 0.1))


def now() -> float:
    """Seconds of the loop's clock."""
    return asyncio.get_running_loop().time()
