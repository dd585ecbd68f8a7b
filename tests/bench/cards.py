"""How old the card of one deploy gets, and each of twenty at once, before a Slack that refuses what Slack refuses.

The tail, the store and the stand-in are real and so is the time; the journals are written as deploys write them, 20 s
for the one and 30 to 50 s for the twenty, one in four of which fails. A card is as old as the first change that it does
not show yet; the twenty begin at once, and nobody has to approve them.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bot.store import Store
from bot.tails.pace import Pace
from tests.bench.ratio import Limit
from tests.slack.changes import CHANGE
from tests.slack.room import Room, looking
from tests.slack.support import RealClock, start_slack
from tests.support.ages import LOOK
from tests.support.crowd import Strict, crowd
from tests.support.redis import redis_server


@asynccontextmanager
async def _room(directory: Path) -> AsyncIterator[tuple[Room, Strict]]:
    """A Slack of its own, a Redis of its own."""
    async with AsyncExitStack() as stack:
        redis = stack.enter_context(redis_server(directory))
        slack, store = await start_slack(), Store(redis.url)
        stack.push_async_callback(slack.server.close)
        stack.push_async_callback(store.close)
        limits = slack.stand_in.workspace.limits = Strict(time.monotonic)
        yield Room(slack, store, looking(store, RealClock()), CHANGE), limits


async def _rows(directory: Path, name: str, count: int, lasts: tuple[float, float], goal: float) -> list[Limit]:
    async with _room(directory) as (room, limits), room.tail("bench", Pace()):
        ages = await crowd(room.store, room.slack.messages, count, lasts, approved_after=3.0 if count == 1 else 0.0)
    note = f"{_calls(limits)}; a card comes within {ages.posted:.1f} s"
    return [
        Limit(f"oldest card, {name}", "s", ages.progress, goal, LOOK, note),
        Limit(f"decisions and ends shown, {name}", "s", ages.news, 3.0, LOOK),
    ]


def _calls(limits: Strict) -> str:
    each = ", ".join(f"{number} {method}" for method, number in sorted(limits.calls.items()))
    return f"{limits.calls.total()} calls to Slack ({each}), {limits.refused} refused with 429"


async def measure(directory: Path) -> list[Limit]:
    """Four lines."""
    one = await _rows(directory / "one", "one deploy", 1, (20, 20), 4.0)
    return one + await _rows(directory / "many", "20 deploys at once", 20, (30, 50), 30.0)
