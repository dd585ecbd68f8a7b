"""A whole deploy to 1, 10 and 100 servers at once, journal and all, over connections that are kept.

The servers are on this machine too, so that they and the bot share its cores: what they took of the processor (sshd,
chom-host, unpacking) is divided by the cores and taken off, since a hundred machines do that beside each other.
The look from outside, which waits for its seconds, is left out.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from actions.engine.journal import Outcome
from actions.engine.ports import Hosts
from tests.bench.ratio import Row
from tests.support.farm import Farm
from tests.support.rollout import Rollout, rollout

SERVERS, ROUNDS = 100, 6
SIZE = 200_000
"""Bytes of the artifact: small, so that what a server costs is seen and not how fast this machine encrypts."""
GOAL = 2.0


@dataclass(slots=True)
class _Seconds:
    """A round each."""

    wall: list[float] = field(default_factory=list[float])
    servers: list[float] = field(default_factory=list[float])
    """Processor time of the servers."""
    bot: list[float] = field(default_factory=list[float])
    """Processor time of this process."""

    def less(self) -> list[float]:
        """What is left without the servers' own work."""
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
    async with Farm(directory / "farm", SERVERS, cores) as farm, rollout(directory, SIZE) as made:
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
        f"{median(many.wall):.2f} s as it was, of which the servers' own work is {median(many.servers):.2f} s "
        f"of processor on {os.cpu_count()} cores; the bot's own {median(many.bot):.2f} s{more}"
    )
    name = f"a deploy to {number} servers / to one"
    return Row(name, "s", many.less(), one.less(), again.less(), GOAL, note=note)
