"""A whole deploy to 1, 10 and 100 servers at once, journal and all, over connections that are kept.

The goal: so many servers take at most twice the seconds of one, plus the processor time that the work costs the servers
(sshd, chom-host, unpacking). A hundred machines would have that time beside each other; here they and the bot share the
cores, so it is their processor time divided by the cores. It is taken off the many only: the one has its own whole.
Their files lie in memory, since a hundred servers do not wait for one disk; the bot's journal lies on it.
The look from outside, which waits for its seconds, is left out.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from actions.engine.journal import Outcome
from actions.engine.ports import Hosts
from tests.bench.ratio import Row
from tests.support.farm import Farm
from tests.support.rollout import Rollout, rollout

SERVERS, ROUNDS = 100, 6
SIZE = 200_000
"""Bytes of the artifact: small, so that what a server costs is seen and not how fast this machine encrypts."""
GOAL = 2.0
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass(slots=True)
class _Seconds:
    """A round each."""

    wall: list[float] = field(default_factory=list[float])
    servers: list[float] = field(default_factory=list[float])
    """Processor time of the servers."""
    bot: list[float] = field(default_factory=list[float])
    """Processor time of this process."""

    def less(self) -> list[float]:
        """What is left without the servers' own work, as it is shared by the cores."""
        return [wall - work / (os.cpu_count() or 1) for wall, work in zip(self.wall, self.servers, strict=True)]


async def _round(farm: Farm, made: Rollout, hosts: Hosts, number: int, seconds: _Seconds) -> None:
    names = farm.names[:number]
    wall, work, bot = time.perf_counter(), farm.spent(), time.process_time()
    state, release = await made.deploy(hosts, names)
    seconds.wall.append(time.perf_counter() - wall)
    seconds.servers.append(farm.spent() - work)
    seconds.bot.append(time.process_time() - bot)
    assert state.ended and state.ended.outcome is Outcome.DONE, state.ended
    assert {farm.served(name) for name in names} == {release}


async def measure(directory: Path) -> list[Row]:
    """Interleaved rounds: one, ten, a hundred, one again."""
    one, ten, hundred, again = (_Seconds() for _ in range(4))
    cores = os.cpu_count() or 1
    async with AsyncExitStack() as stack:
        memory = stack.enter_context(TemporaryDirectory(prefix="chom-farm-", dir=MEMORY))
        farm = await stack.enter_async_context(Farm(Path(memory, "farm"), SERVERS, cores))
        made = await stack.enter_async_context(rollout(directory, SIZE))
        hosts, bot = farm.hosts(made.shelf.open), time.process_time()
        connecting = time.perf_counter()
        await asyncio.gather(*(hosts.survey(name) for name in farm.names))
        connecting, bot = time.perf_counter() - connecting, time.process_time() - bot
        for _ in range(ROUNDS):
            for number, seconds in ((1, one), (10, ten), (SERVERS, hundred), (1, again)):
                await _round(farm, made, hosts, number, seconds)
        await hosts.close()
    once = f"; connecting to {SERVERS} took {connecting:.2f} s, {bot:.2f} s of the bot's processor; {SIZE / 1e6:g} MB"
    return [_row(10, ten, one, again, ""), _row(SERVERS, hundred, one, again, once)]


def _row(number: int, many: _Seconds, one: _Seconds, again: _Seconds, more: str) -> Row:
    note = (
        f"{median(many.wall):.2f} s as it was; the servers took {median(many.servers):.2f} s of processor for it on "
        f"{os.cpu_count()} cores, of one {median(one.servers):.3f} s; the bot's own {median(many.bot):.2f} s{more}"
    )
    name = f"a deploy to {number} servers, less their work / to one"
    return Row(name, "s", many.less(), one.wall, again.wall, GOAL, note=note)
