"""How long people wait for a page while the bot deploys and rolls back on their server, and while it does nothing.

2,000 clients, 16 of them at once, on a server that has the same two cores as they and the bot. A round has three
stretches, each with a crowd of its own: one with a deploy and a rollback from the command to the last entry, and two of
that length without. Of each stretch the 99th percentile counts, and that no request failed.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from statistics import median, quantiles

from tests.bench.deploy import builds
from tests.bench.deploy.host import Ground, ground
from tests.bench.deploy.ours import Ours, ours
from tests.bench.ratio import Row
from tests.lab import load

ROUNDS = 12
GOAL = 1.1
CALM = 6.5
"""Seconds of a stretch without a deploy: about what one with a deploy takes, its pauses included."""
STRETCHES = DEPLOY, _, _ = "deploy", "calm", "calm again"


async def measure(directory: Path) -> list[Row]:
    """One row."""
    return await asyncio.to_thread(_measure, directory)


def _measure(directory: Path) -> list[Row]:
    p99 = {stretch: list[float]() for stretch in STRETCHES}
    asked, chance = list[int](), random.Random(4)
    with ground(directory) as server, ours(server, ROUNDS + 2) as bot:
        for number in (0, 1):
            bot.deploy(builds.version(number))
        for turn in range(ROUNDS):
            order = list(STRETCHES)
            chance.shuffle(order)
            for stretch in order:
                ms = _stretch(server, bot, builds.version(turn + 2) if stretch == DEPLOY else "")
                p99[stretch].append(quantiles(ms, n=100)[-1])
                asked.append(len(ms))
                print(f"    round {turn}, {stretch}: {p99[stretch][-1]:.0f} ms", file=sys.stderr, flush=True)
    note = f"none of {sum(asked)} requests failed, {median(asked):.0f} in a stretch"
    name, (own, calm, again) = "p99 of pages in a deploy and a rollback / calm", (p99[s] for s in STRETCHES)
    return [Row(name, "ms", own, calm, again, GOAL, note=note)]


def _stretch(server: Ground, bot: Ours, version: str) -> list[float]:
    """Milliseconds of each answer."""
    os.sync()
    time.sleep(0.5)
    with load.crowd(server.vps, server.directory / "crowd.json") as crowd:
        if version:
            before = bot.version()
            bot.deploy(version)
            bot.roll_back(version, before)
        else:
            time.sleep(CALM)
        seen = crowd.end()
    assert seen["failures"] == [], seen["failures"][:20]
    return seen["ms"]
