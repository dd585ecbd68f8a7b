"""The time for which one bot does what only one does: taken with a lease, kept by renewing, over when it is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from bot.store.link import StoreDown
from bot.tails.lease import Lease

logger = logging.getLogger(__name__)

Job = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Runs beside the turns until the event is set."""


class Work(Protocol):
    """What is done in one tenure; it begins knowing nothing, since others may have done it in between."""

    @property
    def jobs(self) -> Sequence[Job]:
        """What runs all the while."""
        ...

    async def turn(self) -> None:
        """One step, of a second or so where nothing is to be done. It is cancelled where the bot stops meanwhile."""
        ...

    async def close(self, *, stopping: bool) -> None:
        """The end of the tenure; where the bot is `stopping` it still has the lease for some seconds."""
        ...


class Tenure:
    """Has work done, anew in each tenure, as long as this bot has the lease; `what` is for the log."""

    def __init__(self, what: str, lease: Lease, seconds: float) -> None:
        self._what, self._lease, self._seconds = what, lease, seconds

    async def run(self, stop: asyncio.Event, work: Callable[[], Work]) -> None:
        """Until `stop` is set. Raises nothing: what goes wrong is logged, and it begins again."""
        while not stop.is_set():
            try:
                if await guarded(self._what, self._lease.renew) and self._lease.mine:
                    await self._one(stop, work())
                    continue
            except Exception:
                logger.exception("%s stumbled; it begins again", self._what)
            await pause(stop, self._seconds / 3)
        await guarded(self._what, self._lease.give_up)

    async def _one(self, stop: asyncio.Event, work: Work) -> None:
        """From taking the lease to losing it, or to the end."""
        over = asyncio.Event()
        tasks = [asyncio.create_task(job(over)) for job in (self._keep, *work.jobs)]
        tasks += [asyncio.create_task(self._turns(work)), asyncio.create_task(_until(stop))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            over.set()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await work.close(stopping=stop.is_set())

    async def _turns(self, work: Work) -> None:
        while self._lease.mine:
            await work.turn()

    async def _keep(self, over: asyncio.Event) -> None:
        while not await pause(over, self._seconds / 4):
            await guarded(self._what, self._lease.renew)


async def guarded(what: str, act: Callable[[], Awaitable[None]]) -> bool:
    """Do it; False, and a line in the log, where Redis is away."""
    try:
        await act()
    except StoreDown as down:
        logger.warning("%s waits for Redis: %s", what, down)
        return False
    return True


async def pause(event: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; whether it is set."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def _until(event: asyncio.Event) -> None:
    await event.wait()
