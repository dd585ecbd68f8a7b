"""Many deploys at once, and a Slack that counts what it is called with and what it refuses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import RateLimited
from bot.sandbox.slack.limits import Limits, Tier
from bot.store import Store
from tests.support.ages import Ages, Messages, changes, deploy


@dataclass
class Strict(Limits):
    """Slack's limits as the stand-in keeps them."""

    calls: Counter[str] = field(default_factory=Counter[str])
    refused: int = 0

    def spend(self, method: str, tier: Tier) -> None:
        self.calls[method] += 1
        with self._counted():
            Limits.spend(self, method, tier)

    def post(self, channel: str) -> None:
        with self._counted():
            Limits.post(self, channel)

    def _counted(self) -> Counting:
        return Counting(self)


@dataclass
class Counting:
    """Notes a refusal as it passes."""

    limits: Strict

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.limits.refused += isinstance(error, RateLimited)


async def crowd(
    store: Store,
    messages: Messages,
    count: int,
    lasts: tuple[float, float],
    *,
    speed: float = 1.0,
    approved_after: float = 0.0,
) -> Ages:
    """As many deploys at once, one in four of which fails, each to the end of its card. Times are in their seconds."""
    ages, over, dice = Ages(messages, speed), asyncio.Event(), random.Random(count)
    watching = asyncio.create_task(ages.watch(over))
    walks = [
        deploy(
            store,
            change,
            ages,
            dice.uniform(*lasts) / speed,
            fails=n % 4 == 3,
            approved_after=approved_after / speed,
        )
        for n, change in enumerate(changes(count))
    ]
    await asyncio.gather(*walks)
    over.set()
    await asyncio.wait_for(watching, 40 / speed + 10)
    return ages
