"""Delivery of runs: docket brings a run to one of the bots, a lease keeps it there, and a sweep finds the orphans.

A delivery only starts a walk and returns. Whether the walk lives is told by its lease in the store, not by docket,
whose worker would take nothing new after an outage until its longest task had ended. Safety is neither's: it is the
fence that every walk takes.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from docket import Docket, Retry, Worker
from redis.exceptions import RedisError

from actions.engine.ports import World
from bot.store import Store, StoreDown
from bot.store_instance import InstanceName, InstanceTaken
from bot.work_walks import Walks

__all__ = ["InstanceTaken", "Work"]

OnExpire = Callable[[str], Awaitable[None]]

HAND_OVER = 2.0
"""Seconds that walks have to reach a point where they can be left, once the bot is told to stop."""
LAST_WORD = 1.0
"""Seconds that Redis has to hear of it, when the bot leaves."""
DELIVERY = 5.0
"""Seconds for which docket may take to store a delivery; its own client would wait for ever."""

_EXPIRY_RETRY = Retry(attempts=None, delay=timedelta(seconds=2))

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
        self._docket: Docket | None = None

    # --- for the desk --------------------------------------------------------

    async def start(self, run: str) -> None:
        """Have some bot walk the open run, or look at it again. Safe to repeat. Raises StoreDown."""
        key = f"{run}/{await self._store.length(run)}"
        try:
            async with asyncio.timeout(DELIVERY), self._delivery() as docket:
                await docket.add("walk_run", key=key)(run)
        except (RedisError, OSError) as fault:
            logger.warning("Run %s could not be delivered (%s); a bot's sweep finds it", run, fault)

    async def at(self, when: datetime, change: str) -> None:
        """Call `on_expire` of some bot with this change at that time, once at least. Raises StoreDown."""
        try:
            async with asyncio.timeout(DELIVERY), self._delivery() as docket:
                await docket.add("expire", when=when, key=f"expire/{change}")(change)
        except (RedisError, OSError) as fault:
            said = f"Redis does not answer, so the expiry of {change} is not scheduled ({fault})."
            raise StoreDown(said) from fault

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
                await self._deliver(stop)
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

    # --- delivery ------------------------------------------------------------

    def _new_docket(self) -> Docket:
        docket = Docket("chom", self._url)

        async def walk_run(run: str) -> None:
            self._walks.begin(run)

        async def expire(change: str, retry: Retry = _EXPIRY_RETRY) -> None:
            if self._on_expire is not None:
                await self._on_expire(change)

        docket.register(walk_run)
        docket.register(expire)
        return docket

    @asynccontextmanager
    async def _delivery(self) -> AsyncGenerator[Docket, None]:
        """The docket that serves, or one for a moment where this process does not serve."""
        if self._docket is not None:
            yield self._docket
            return
        async with self._new_docket() as docket:
            yield docket

    async def _deliver(self, stop: asyncio.Event) -> None:
        """Take deliveries until stopped, whatever Redis does meanwhile."""
        while not stop.is_set():
            try:
                async with self._new_docket() as docket:
                    self._docket = docket
                    try:
                        await self._work(docket, stop)
                    finally:
                        self._docket = None
            except (RedisError, OSError) as fault:
                logger.warning("Redis is away (%s); deliveries wait", fault)
                await asyncio.sleep(1.0)

    async def _work(self, docket: Docket, stop: asyncio.Event) -> None:
        worker = Worker(
            docket,
            name=self._instance,  # a stable name: docket never deletes a consumer
            concurrency=2,
            redelivery_timeout=timedelta(seconds=self._ttl),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=100),
            schedule_automatic_tasks=False,
        )
        async with worker:
            running = asyncio.create_task(worker.run_forever(), name="docket worker")
            stopping = asyncio.create_task(stop.wait(), name="until stopped")
            try:
                await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                stopping.cancel()
                # each cancel ends one wait of docket's own, and on a frozen Redis those have no timeout
                while not running.done():
                    running.cancel()
                    await asyncio.wait({running}, timeout=1.0)
            if not running.cancelled():
                running.result()

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
            async with asyncio.timeout(LAST_WORD), self._delivery() as docket:
                open_ = set(await self._store.open_runs())
                for run in sorted(self._walks.unfinished & open_):
                    await self._store.release_lease(run, self._instance)
                    # a key of its own: the delivery that began this walk may still count as known
                    await docket.add("walk_run", key=f"{run}/{secrets.token_hex(4)}")(run)
                    logger.info("Run %s is handed over", run)
        except (RedisError, OSError, StoreDown) as fault:
            logger.warning("Not handed over (%s); the runs are taken up when their leases end", fault)

    @staticmethod
    async def _quietly(what: str, act: Awaitable[None], seconds: float) -> None:
        """An outage is logged; what was to be done is done again later, or lapses by itself."""
        try:
            async with asyncio.timeout(seconds):
                await act
        except (StoreDown, TimeoutError) as fault:
            logger.warning("This bot could not %s: %s", what, str(fault) or "Redis does not answer")
