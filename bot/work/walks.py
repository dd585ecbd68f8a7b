"""The walks of this process: each under a lease that is renewed while it lives, tried again when it fails."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time

from actions.engine.ports import World
from actions.engine.runner import Walked, walk
from bot.store import Store, StoreDown

WORST_WAIT = 60.0
"""Seconds between two tries of a walk that keeps failing, at most."""

logger = logging.getLogger(__name__)


class Walks:
    """At most one walk a run in this process. Losing a lease ends no walk: the fence does, if another took the run."""

    def __init__(self, world: World, store: Store, instance: str, ttl_s: float) -> None:
        self._world, self._store, self._instance, self._ttl = world, store, instance, ttl_s
        self.worker = f"{instance}#{os.getpid()}"
        self.stop = asyncio.Event()
        self.unfinished: set[str] = set()
        """Runs that were walked here and not to their end."""
        self._walks: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, tuple[int, float]] = {}
        """run -> (failures in a row, monotonic time of the next try)."""

    def begin(self, run: str) -> None:
        """Walk the run, unless it is walked here already or this process is stopping."""
        if run not in self._walks and not self.stop.is_set():
            self._walks[run] = asyncio.create_task(self._walk(run), name=f"walk {run}")

    async def is_free(self, run: str) -> bool:
        """Whether nobody walks it and it may be tried now. Raises StoreDown."""
        if run in self._walks or time.monotonic() < self._failed.get(run, (0, 0.0))[1]:
            return False
        return await self._store.leased(run) in (None, self._instance)

    async def settle(self, seconds: float) -> None:
        """Give the walks so long to come to where they can be left, then end them.

        What they began on a host goes on there, and is asked about by the next walk.
        """
        if self._walks:
            await asyncio.wait(self._walks.values(), timeout=seconds)
        left = list(self._walks.values())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _walk(self, run: str) -> None:
        try:
            if not await self._store.lease(run, self._instance, self._ttl):
                return
            self.unfinished.add(run)
            renewing = asyncio.create_task(self._renew(run), name=f"lease of {run}")
            try:
                walked = await walk(run, self._world, self.worker, self.stop)
            finally:
                renewing.cancel()
            self._failed.pop(run, None)
            if walked is not Walked.HANDED_OVER:
                self.unfinished.discard(run)
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
        while True:
            await asyncio.sleep(self._ttl / 4)
            try:
                if not await self._store.lease(run, self._instance, self._ttl):
                    logger.info("The lease of %s is no longer this bot's", run)
                    return
            except StoreDown as fault:
                logger.warning("The lease of %s could not be renewed: %s", run, fault)
