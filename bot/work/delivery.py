"""docket as far as it is used here: it brings a run to one of the bots, and an expiry at its time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from docket import Docket, Retry, Worker
from redis.exceptions import RedisError

from bot.store import StoreDown

DELIVERY = 5.0
"""Seconds for which docket may take to store a delivery; its own client would wait for ever."""

_EXPIRY_RETRY = Retry(attempts=None, delay=timedelta(seconds=2))

logger = logging.getLogger(__name__)


class Delivery:
    """`begin` is called with each run that comes to this bot, and returns at once; `expire` with each expiry.

    docket's worker takes nothing new after an outage until its longest task has ended: so no task is a walk.
    """

    def __init__(
        self,
        url: str,
        instance: str,
        ttl_s: float,
        begin: Callable[[str], None],
        expire: Callable[[str], Awaitable[None]],
    ) -> None:
        self._url, self._instance, self._ttl = url, instance, ttl_s
        self._begin, self._expire = begin, expire
        self._docket: Docket | None = None

    async def bring(self, run: str, key: str) -> None:
        """Bring the run to some bot; once, while a delivery of the same key is under way. Raises StoreDown."""
        try:
            async with asyncio.timeout(DELIVERY), self._open() as docket:
                await docket.add("walk_run", key=f"{run}/{key}")(run)
        except (RedisError, OSError) as fault:
            raise StoreDown(f"Redis does not answer, so run {run} was not delivered ({fault}).") from fault

    async def at(self, when: datetime, change: str) -> None:
        """Bring the change's expiry to some bot at that time, once at least. Raises StoreDown."""
        try:
            async with asyncio.timeout(DELIVERY), self._open() as docket:
                await docket.add("expire", when=when, key=f"expire/{change}/{int(when.timestamp())}")(change)
        except (RedisError, OSError) as fault:
            said = f"Redis does not answer, so the expiry of {change} is not scheduled ({fault})."
            raise StoreDown(said) from fault

    async def serve(self, stop: asyncio.Event) -> None:
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

    def _new_docket(self) -> Docket:
        docket = Docket("chom", self._url)

        async def walk_run(run: str) -> None:
            self._begin(run)

        async def expire(change: str, retry: Retry = _EXPIRY_RETRY) -> None:
            await self._expire(change)

        docket.register(walk_run)
        docket.register(expire)
        return docket

    @asynccontextmanager
    async def _open(self) -> AsyncGenerator[Docket, None]:
        """The docket that serves, or one for a moment where this process does not serve."""
        if self._docket is not None:
            yield self._docket
            return
        async with self._new_docket() as docket:
            yield docket

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
