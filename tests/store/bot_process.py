"""A bot that only works, as a process of its own: python -m tests.store.bot_process DIR INSTANCE TTL SECONDS."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from actions.engine.clock import SystemClock
from actions.engine.ports import World
from bot.store import Store
from bot.work import Work
from tests.store.model_hosts import AlwaysWell, FileHosts
from tests.support.unbuilt import NoArtifacts


async def main(directory: Path, instance: str, ttl: float, seconds: float) -> None:
    """Serve until SIGTERM."""
    store = Store(os.environ["CHOM_REDIS_URL"])
    world = World(FileHosts(directory, seconds), NoArtifacts(), store, AlwaysWell(), SystemClock(), patience=10)
    work = Work(world, store, instance=instance, redelivery=ttl, redis_url=os.environ["CHOM_REDIS_URL"])
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await work.serve(stop)
    await store.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
