"""Who walks which run: docket brings a run to one of the bots, a lease keeps it there, and a sweep finds the orphans.

Whether a walk lives is told by its lease in the store, not by docket. Safety is neither's: it is the fence that every
walk takes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING

from actions.engine.ports import World
from bot.store import Store, StoreDown
from bot.store.instance import InstanceName, InstanceTaken
from bot.work.walks import Walks

if TYPE_CHECKING:
    from bot.work.delivery import Delivery

__all__ = ["InstanceTaken", "Work"]

OnExpire = Callable[[str], Awaitable[None]]

HAND_OVER = 2.0
"""Seconds that walks have to reach a point where they can be left, once the bot is told to stop."""
LAST_WORD = 1.0
"""Seconds that Redis has to hear of it, when the bot leaves."""

logger = logging.getLogger(__name__)


class Work:
    """Starts runs, and walks those that come to this bot."""

    def __init__(
        self,
        world: World,
        store: Store,
        *,
        instance: str,
        redelivery: float,
        redis_url: str,
        on_expire: OnExpire | None = None,
    ) -> None:
        self._store, self._url = store, redis_url
        self._instance, self._ttl = instance, redelivery
        self._on_expire = on_expire
        self._name = InstanceName(store, instance, redelivery)
        self._walks = Walks(world, store, instance, redelivery)
        self._loading = asyncio.Lock()
        self._delivery: Delivery | None = None

    # --- for the desk --------------------------------------------------------

    async def start(self, run: str) -> None:
        """Have some bot walk the open run, or look at it again. Safe to repeat. Raises StoreDown."""
        length = await self._store.length(run)
        delivery = await self._delivered()
        try:
            await delivery.bring(run, str(length))
        except StoreDown as fault:
            logger.warning("%s A bot's sweep finds it.", fault)

    async def at(self, when: datetime, change: str) -> None:
        """Call `on_expire` of some bot with this change at that time, once at least. Raises StoreDown."""
        await (await self._delivered()).at(when, change)

    async def is_walked(self, run: str) -> bool:
        """Whether a bot that lives, or lived a moment ago, walks it. Raises StoreDown."""
        return await self._store.leased(run) is not None

    # --- for the process that serves -----------------------------------------

    async def claim(self) -> None:
        """Take this instance's name; `serve` does it too. Raises InstanceTaken, StoreDown."""
        await self._name.take()

    async def serve(self, stop: asyncio.Event) -> None:
        """Walk runs until `stop` is set, then hand them over within seconds.

        Raises InstanceTaken where another live bot has this name; then nothing more is touched.
        """
        await self.claim()
        self._walks.stop = stop
        try:
            async with asyncio.TaskGroup() as group:
                others = [group.create_task(self._keep_name()), group.create_task(self._sweep())]
                await (await self._delivered()).serve(stop)
                for task in others:
                    task.cancel()
            await self._hand_over()
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            await self._walks.settle(0)
        await self._quietly("give its name back", self._name.release(), LAST_WORD)

    async def _keep_name(self) -> None:
        while True:
            await asyncio.sleep(self._ttl / 3)
            await self._quietly("renew its name", self._name.keep(), self._ttl)

    async def _delivered(self) -> Delivery:
        """docket, imported beside the walks of a bot that was killed and is back: they do not wait for it."""
        async with self._loading:
            if self._delivery is None:
                make = await asyncio.to_thread(_import_delivery)
                self._delivery = make(self._url, self._instance, self._ttl, self._walks.begin, self._expire)
            return self._delivery

    async def _expire(self, change: str) -> None:
        if self._on_expire is not None:
            await self._on_expire(change)

    # --- sweep ---------------------------------------------------------------

    async def _sweep(self) -> None:
        """Walk open runs that nobody walks: at boot those that were this instance's, and nobody's; later, orphans.

        An orphan is one that was free a sweep ago too, so that what was just started goes to whom docket brings it.
        """
        orphans: set[str] | None = None
        while True:
            try:
                free = {run for run in await self._store.open_runs() if await self._walks.is_free(run)}
                for run in free:
                    ours = orphans is None and await self._store.holder(run) in (None, self._instance)
                    if ours or run in (orphans or ()):
                        self._walks.begin(run)
                orphans = free
            except StoreDown as fault:
                logger.warning("%s", fault)
            await asyncio.sleep(min(1.0, self._ttl / 8))

    # --- leaving -------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Leave every walk where it stands, and bring its run to whoever is there or comes next."""
        await self._walks.settle(HAND_OVER)
        if not self._walks.unfinished:
            return
        try:
            async with asyncio.timeout(LAST_WORD):
                open_ = set(await self._store.open_runs())
                for run in sorted(self._walks.unfinished & open_):
                    await self._store.release_lease(run, self._instance)
                    # a key of its own: the delivery that began this walk may still count as known
                    await (await self._delivered()).bring(run, secrets.token_hex(4))
                    logger.info("Run %s is handed over", run)
        except (TimeoutError, StoreDown) as fault:
            why = str(fault) or "Redis does not answer"
            logger.warning("Not handed over (%s); the runs are taken up when their leases end", why)

    @staticmethod
    async def _quietly(what: str, act: Awaitable[None], seconds: float) -> None:
        """An outage is logged; what was to be done is done again later, or lapses by itself."""
        try:
            async with asyncio.timeout(seconds):
                await act
        except (StoreDown, TimeoutError) as fault:
            logger.warning("This bot could not %s: %s", what, str(fault) or "Redis does not answer")


def _import_delivery() -> type[Delivery]:
    from bot.work.delivery import Delivery  # noqa: PLC0415  docket takes 0.65 s to import, most of a start

    return Delivery
