"""Delivery of runs: docket brings a run to one of the bots, a lease keeps it there, and a sweep finds the orphans.

A delivery only starts a walk and returns. Whether the walk lives is told by its lease in the store, not by docket,
whose worker would take nothing new after an outage until its longest task had ended. Safety is neither's: it is the
fence that every walk takes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from docket import Docket, Retry, Worker
from redis.exceptions import RedisError

from actions.engine.ports import World
from actions.engine.runner import Walked, walk
from bot.store import Store, StoreDown
from bot.store_instance import InstanceName

OnExpire = Callable[[str], Awaitable[None]]

HAND_OVER = 2.0
"""Seconds that walks have to reach a point where they can be left, once the bot is told to stop."""
DELIVERY = 5.0
"""Seconds for which docket may take to store a delivery; its own client would wait for ever."""
WORST_WAIT = 60.0
"""Seconds between two tries of a walk that keeps failing, at most."""

_EXPIRY_RETRY = Retry(attempts=None, delay=timedelta(seconds=5))

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
        self._world, self._store, self._url = world, store, redis_url
        self._instance, self._ttl = instance, redelivery
        self._on_expire = on_expire
        self._worker = f"{instance}#{os.getpid()}"
        self._name = InstanceName(store, instance, redelivery)
        self._docket: Docket | None = None
        self._stop = asyncio.Event()
        self._walks: dict[str, asyncio.Task[None]] = {}
        self._unfinished: set[str] = set()
        self._failed: dict[str, tuple[int, float]] = {}
        """run -> (failures in a row, monotonic time of the next try)."""

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
            raise StoreDown(
                f"The expiry of {change} could not be scheduled, Redis does not answer: {fault}."
            ) from fault

    # --- for the process that serves -----------------------------------------

    async def claim(self) -> None:
        """Take this instance's name; `serve` does it too. Raises InstanceTaken, StoreDown."""
        await self._name.take()

    async def serve(self, stop: asyncio.Event) -> None:
        """Walk runs until `stop` is set, then hand them over within seconds.

        Raises InstanceTaken where another live bot has this name; then nothing more is touched.
        """
        await self.claim()
        self._stop = stop
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_name(), name="instance name")
                group.create_task(self._sweep(), name="sweep")
                group.create_task(self._deliver(), name="delivery")
            await self._hand_over()
        except BaseExceptionGroup as faults:
            raise faults.exceptions[0] from faults
        finally:
            await self._abandon()
        await self._quietly("give its name back", self._name.release())

    async def _keep_name(self) -> None:
        while not await self._stopped_within(self._ttl / 3):
            await self._quietly("renew its name", self._name.keep())

    # --- delivery ------------------------------------------------------------

    def _new_docket(self) -> Docket:
        docket = Docket("chom", self._url)

        async def walk_run(run: str) -> None:
            self._begin(run)

        async def expire(change: str, retry: Retry = _EXPIRY_RETRY) -> None:
            if self._on_expire is not None:
                await self._on_expire(change)

        docket.register(walk_run)
        docket.register(expire)
        return docket

    @asynccontextmanager
    async def _delivery(self) -> AsyncIterator[Docket]:
        """The docket that serves, or one for a moment where this process does not serve."""
        if self._docket is not None:
            yield self._docket
            return
        async with self._new_docket() as docket:
            yield docket

    async def _deliver(self) -> None:
        """Take deliveries until stopped, whatever Redis does meanwhile."""
        while not self._stop.is_set():
            try:
                async with self._new_docket() as docket:
                    self._docket = docket
                    try:
                        await self._work(docket)
                    finally:
                        self._docket = None
            except (RedisError, OSError) as fault:
                logger.warning("Redis is away (%s); deliveries wait", fault)
                await self._stopped_within(1.0)

    async def _work(self, docket: Docket) -> None:
        worker = Worker(
            docket,
            name=self._worker,
            concurrency=2,
            redelivery_timeout=timedelta(seconds=self._ttl),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=100),
            schedule_automatic_tasks=False,
        )
        async with worker:
            running = asyncio.create_task(worker.run_forever(), name="docket worker")
            stopping = asyncio.create_task(self._stop.wait(), name="until stopped")
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
        """Walk open runs that nobody walks: at boot those that were this instance's, and nobody's; later, orphans."""
        orphans: set[str] | None = None
        while True:
            try:
                free = {run for run in await self._store.open_runs() if await self._is_free(run)}
                for run in free:
                    ours = orphans is None and await self._store.holder(run) in (None, self._instance)
                    if ours or run in (orphans or ()):
                        self._begin(run)
                orphans = free
            except StoreDown as fault:
                logger.warning("%s", fault)
            if await self._stopped_within(min(1.0, self._ttl / 8)):
                return

    async def _is_free(self, run: str) -> bool:
        if run in self._walks or time.monotonic() < self._failed.get(run, (0, 0.0))[1]:
            return False
        return await self._store.leased(run) in (None, self._instance)

    # --- walking -------------------------------------------------------------

    def _begin(self, run: str) -> None:
        if run not in self._walks and not self._stop.is_set():
            self._walks[run] = asyncio.create_task(self._walk(run), name=f"walk {run}")

    async def _walk(self, run: str) -> None:
        try:
            if not await self._store.lease(run, self._instance, self._ttl):
                return
            self._unfinished.add(run)
            renewing = asyncio.create_task(self._renew(run), name=f"lease of {run}")
            try:
                walked = await walk(run, self._world, self._worker, self._stop)
            finally:
                renewing.cancel()
            self._failed.pop(run, None)
            if walked is not Walked.HANDED_OVER:
                self._unfinished.discard(run)
                await self._store.release_lease(run, self._instance)
        except Exception:
            times = self._failed.get(run, (0, 0.0))[0] + 1
            wait = min(2.0 ** (times - 1), WORST_WAIT)
            self._failed[run] = (times, time.monotonic() + wait)
            reference = secrets.token_hex(4)
            logger.exception("Walking %s failed (reference %s); it is tried again in %.0f s", run, reference, wait)
        finally:
            self._walks.pop(run, None)

    async def _renew(self, run: str) -> None:
        """Keep the lease. Losing it does not stop the walk: the fence does, if somebody else took the run."""
        while True:
            await asyncio.sleep(self._ttl / 4)
            try:
                if not await self._store.lease(run, self._instance, self._ttl):
                    logger.info("The lease of %s is no longer this bot's", run)
                    return
            except StoreDown as fault:
                logger.warning("The lease of %s could not be renewed: %s", run, fault)

    # --- leaving -------------------------------------------------------------

    async def _hand_over(self) -> None:
        """Leave every walk where it stands, and bring its run to whoever is there or comes next."""
        if self._walks:
            await asyncio.wait(self._walks.values(), timeout=HAND_OVER)
        await self._abandon()
        if not self._unfinished:
            return
        try:
            async with asyncio.timeout(HAND_OVER), self._delivery() as docket:
                open_ = set(await self._store.open_runs())
                for run in sorted(self._unfinished & open_):
                    await self._store.release_lease(run, self._instance)
                    # a key of its own: the delivery that began this walk may still count as known
                    await docket.add("walk_run", key=f"{run}/{secrets.token_hex(4)}")(run)
                    logger.info("Run %s is handed over", run)
        except (RedisError, OSError, StoreDown) as fault:
            logger.warning("Not handed over (%s); the runs are taken up when their leases end", fault)

    async def _abandon(self) -> None:
        """End the walks at once. What they began on a host goes on there, and is asked about by the next walk."""
        walks = list(self._walks.values())
        for task in walks:
            task.cancel()
        await asyncio.gather(*walks, return_exceptions=True)

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._stop.wait()
        except TimeoutError:
            return False

    @staticmethod
    async def _quietly(what: str, act: Awaitable[None]) -> None:
        """An outage is logged, and what was to be done is done again or lapses by itself."""
        try:
            await act
        except StoreDown as fault:
            logger.warning("This bot could not %s: %s", what, fault)
