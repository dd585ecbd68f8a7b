"""A whole deploy to 1, 10 and 100 servers at once, journal and all, over connections that are kept.

The goal: so many servers take at most twice the seconds of one, plus the processor time that the work costs the servers
(sshd, chom-host, unpacking). A hundred machines would have that time beside each other; here they and the bot share the
cores, so it is their processor time divided by the cores. It is taken off the many only: the one has its own whole.

Both are measured twice: with servers whose artisan commands wait as long as the lab's server works on them, which is
what a deploy to a real server mostly is; and with servers whose commands are done at once. No server is like these:
a deploy to one takes a tenth of a second, and the bot's own work for a hundred is more than twice that.
Their files lie in memory, since a hundred servers do not wait for one disk; the bot's journal lies on it.
The look from outside, which waits for its seconds, is left out, and so are migrations, which run on one server anyhow.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from actions.engine.journal import Outcome
from actions.engine.ports import Hosts
from tests.bench.ratio import Row
from tests.support.farm import Farm
from tests.support.rollout import Rollout, rollout

SERVERS, ROUNDS = 100, 9
SIZE = 200_000
"""Bytes of the artifact: small, so that what a server costs is seen and not how fast this machine encrypts."""
GOAL = 2.0
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
CACHES = ("config:cache", "route:cache", "view:cache")
LAB = {**dict.fromkeys(CACHES, 0.165), "queue:restart": 0.095}
"""Seconds, as measured with the lab's Laravel on two idle cores: the three caches at once, and the queue's restart."""


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


@dataclass(slots=True)
class _Kind:
    """Servers of one kind, as so many were deployed to."""

    name: str
    artisan: dict[str, float]
    """Seconds that each command waits."""
    one: _Seconds = field(default_factory=_Seconds)
    again: _Seconds = field(default_factory=_Seconds)
    ten: _Seconds = field(default_factory=_Seconds)
    hundred: _Seconds = field(default_factory=_Seconds)

    def rows(self) -> list[Row]:
        return [self._row(10, self.ten), self._row(SERVERS, self.hundred)]

    def _row(self, number: int, many: _Seconds) -> Row:
        note = (
            f"{median(many.wall):.2f} s as it was; the servers took {median(many.servers):.2f} s of processor on "
            f"{os.cpu_count()} cores, for one {median(self.one.servers):.3f} s; the bot {median(many.bot):.2f} s"
        )
        name = f"{number} {self.name} servers, less their work / one"
        return Row(name, "s", many.less(), self.one.wall, self.again.wall, GOAL, note=note)


async def _round(farm: Farm, made: Rollout, hosts: Hosts, number: int, seconds: _Seconds) -> None:
    names = farm.names[:number]
    work, bot, wall = farm.spent(), time.process_time(), time.perf_counter()
    state, release = await made.deploy(hosts, names)
    seconds.wall.append(time.perf_counter() - wall)
    seconds.bot.append(time.process_time() - bot)
    seconds.servers.append(farm.spent() - work)
    assert state.ended and state.ended.outcome is Outcome.DONE, state.ended
    assert {farm.served(name) for name in names} == {release}


async def measure(directory: Path) -> list[Row]:
    """Interleaved rounds: one, ten, a hundred, one again, of each kind."""
    kinds = _Kind("waiting", LAB), _Kind("instant", {})
    cores = os.cpu_count() or 1
    async with AsyncExitStack() as stack:
        memory = stack.enter_context(TemporaryDirectory(prefix="chom-farm-", dir=MEMORY))
        farm = await stack.enter_async_context(Farm(Path(memory, "farm"), SERVERS, cores, caches=CACHES))
        made = await stack.enter_async_context(rollout(directory, SIZE))
        hosts, bot = farm.hosts(made.shelf.open), time.process_time()
        connecting = time.perf_counter()
        await asyncio.gather(*(hosts.survey(name) for name in farm.names))
        connecting, bot = time.perf_counter() - connecting, time.process_time() - bot
        for _ in range(ROUNDS):
            for kind in kinds:
                farm.artisan(kind.artisan)
                for number, seconds in ((1, kind.one), (10, kind.ten), (SERVERS, kind.hundred), (1, kind.again)):
                    await _round(farm, made, hosts, number, seconds)
        await hosts.close()
    rows = [row for kind in kinds for row in kind.rows()]
    once = f"connecting to {SERVERS} took {connecting:.2f} s, {bot:.2f} s of the bot's processor; {SIZE / 1e6:g} MB"
    return [*rows[:-1], replace(rows[-1], note=f"{rows[-1].note}\n    {once}")]
