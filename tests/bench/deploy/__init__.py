"""The whole deploy beside other tools, on one real server: ten steps, one migration, 20 MB, all in the same rounds.

The server is the lab's. Each tool deploys an artifact of its own once a round, in another order each round, and every
result is checked. What a tool agreed on with sshd is read from sshd's log.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path
from statistics import median

from tests.bench.deploy import builds, upload
from tests.bench.deploy.host import ground
from tests.bench.deploy.ours import PAUSES, Ours, ours
from tests.bench.deploy.peers import Peers
from tests.bench.ratio import Row

ROUNDS, FEWEST, ENOUGH = 7, 3, 480.0
"""Rounds; on a slow machine fewer, once so many seconds have passed."""
OURS, FLOOR, AGAIN = "ours", "the steps alone", " again"
TIMES = {OURS: 3, FLOOR: 3, FLOOR + AGAIN: 3}
"""How often in a round, once where nothing is said: these differ by little, and take little time."""
ABOVE = 0.2
"""Seconds that ours may take more than the steps alone."""


async def measure(directory: Path) -> list[Row]:
    """A row for each peer, and one for what ours takes more than the steps alone."""
    return await asyncio.to_thread(_measure, directory)


def _measure(directory: Path) -> list[Row]:
    with ground(directory) as server:
        peers = Peers(server)
        tools = [OURS, *peers.every, *(name + AGAIN for name in peers.every)]
        start = server.cursor()
        with ours(server, len(tools) + ROUNDS * sum(TIMES.get(tool, 1) for tool in tools)) as bot:
            agreed = dict[str, str]()
            took = {name: list[float]() for name in tools}
            chance, number = random.Random(4), 0
            begun = time.monotonic()
            for turn in range(ROUNDS + 1):
                if turn > FEWEST and time.monotonic() - begun > ENOUGH:
                    break
                order = [tool for tool in tools if not tool.endswith(AGAIN)]
                if turn:
                    order = [tool for tool in tools for _ in range(TIMES.get(tool, 1))]
                    chance.shuffle(order)
                for tool in order:
                    number += 1
                    since = server.cursor() if tool != OURS else start
                    seconds = _deploy(tool, number - 1, peers, bot)
                    print(f"    round {turn}, {tool}: {seconds:.3f} s", file=sys.stderr, flush=True)
                    if turn:
                        took[tool].append(seconds)
                    else:
                        agreed[tool] = server.agreed("ops" if tool == OURS else "deploy", since)
            return [*_rows(took, agreed, bot), *upload.rows(server, bot.bot.directory / "id_ed25519")]


def _deploy(tool: str, number: int, peers: Peers, bot: Ours) -> float:
    os.sync()
    time.sleep(0.5)
    version = builds.version(number)
    if tool == OURS:
        seconds = bot.deploy(version)
        bot.check(version)
        return seconds
    artifact = bot.bot.directory / "artifacts" / f"chom-{version}.tar.gz"
    seconds = peers.every[tool.removesuffix(AGAIN)](artifact)
    peers.check(version)
    return seconds


def _rows(took: dict[str, list[float]], agreed: dict[str, str], bot: Ours) -> list[Row]:
    own, floor = took[OURS], took[FLOOR]
    once = own[:: TIMES[OURS]], floor[:: TIMES[FLOOR]], took[FLOOR + AGAIN][:: TIMES[FLOOR + AGAIN]]
    parts = ", ".join(f"{name} {median(seconds[1:]) * 1000:.0f}" for name, seconds in bot.parts.items())
    said = f"{agreed[OURS]}; without the {PAUSES:g} s of pauses in the check from outside; in ms: {parts}"
    rows = [Row("deploy - the steps alone", "s", own, floor, took[FLOOR + AGAIN], ABOVE, plus=True, note=said)]
    for name in [name for name in took if name != OURS and AGAIN not in name]:
        peer, again = (took[name], took[name + AGAIN]) if name != FLOOR else once[1:]
        above = median(a - b for a, b in zip(peer, once[1], strict=True))
        note = f"{above:+.3f} s above the steps alone; {agreed[name]}" if name != FLOOR else "one after another, no ssh"
        rows.append(Row(f"deploy / {name}", "s", once[0], peer, again, 1.0, note=note))
    return rows
