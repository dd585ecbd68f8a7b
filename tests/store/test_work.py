"""Bots as real processes on a real Redis: shared, killed, stopped, frozen; every effect happens exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from actions.engine.clock import SystemClock
from actions.engine.fold import fold
from actions.engine.journal import Entry, Opened, Outcome, Took
from actions.engine.ports import World
from bot.store import Store
from bot.work import Work
from tests.store.conftest import MakeStore
from tests.store.model_hosts import AlwaysWell, FileHosts, effects, file_plan
from tests.store.samples import AT, change
from tests.store.waiting import until
from tests.support.redis import RedisServer
from tests.support.unbuilt import NoArtifacts

ROOT = Path(__file__).parents[2]
StartBot = Callable[..., "BotProcess"]


class BotProcess:
    """One bot; its log is in the directory."""

    def __init__(self, directory: Path, url: str, instance: str, ttl: float, seconds: float) -> None:
        self.log = directory / f"{instance}.log"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.store.bot_process", str(directory), instance, str(ttl), str(seconds)],
                cwd=ROOT,
                env={**os.environ, "CHOM_REDIS_URL": url},
                stdout=log,
                stderr=log,
            )
        self.pid = self._process.pid

    def signal(self, number: int) -> None:
        """Send it."""
        self._process.send_signal(number)

    async def ended(self, seconds: float) -> int:
        """Its exit status."""
        return await asyncio.to_thread(self._process.wait, seconds)

    def reap(self) -> None:
        """Gone, whatever it did."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait(10)


@pytest.fixture
def start_bot(tmp_path: Path, empty: RedisServer) -> Iterator[StartBot]:
    """Starts bot processes that are gone afterwards."""
    with ExitStack() as stack:

        def start(instance: str, ttl: float = 2.0, seconds: float = 0.3) -> BotProcess:
            bot = BotProcess(tmp_path, empty.url, instance, ttl, seconds)
            stack.callback(bot.reap)
            return bot

        yield start


@contextmanager
def told(*bots: BotProcess) -> Iterator[None]:
    """On failure, the bots' logs go into the report."""
    try:
        yield
    except BaseException:
        for bot in bots:
            print(f"--- {bot.log.name}\n{bot.log.read_text()[-6000:]}")  # noqa: T201
        raise


class Desk:
    """Opens runs as the desk does, and looks at them."""

    def __init__(self, store: Store, server: RedisServer, directory: Path) -> None:
        self.store, self._server, self._directory = store, server, directory
        world = World(FileHosts(directory, 0), NoArtifacts(), store, AlwaysWell(), SystemClock())
        self.work = Work(world, store, instance="desk", redelivery=2, redis_url=server.url)

    async def open(self, n: int = 0, steps: int = 4) -> str:
        """A run of its own environment, delivered."""
        id_, environment = f"chg-{'abcdefghij'[n] * 6}", f"env-{n}"
        asked = change(id_, environment, of=file_plan(environment, f"app{n}", steps))
        await self.store.put_change(asked)
        await self.store.open_run(asked, Opened(AT, id_, asked.digest, "lead"))
        await self.work.start(id_)
        return id_

    async def serving(self, *names: str) -> None:
        """Until bots of these names take deliveries."""
        with self._server.client() as client:

            async def all_there() -> bool:
                there = [str(key).partition("#")[0] for key in client.zrange("chom:workers", 0, -1)]
                return set(names) <= set(there)

            await until(all_there, 30)

    async def none_open(self) -> bool:
        return not await self.store.open_runs()

    async def takers(self, run: str) -> list[str]:
        """The instances that took the run over, in order."""
        entries: list[Entry] = await self.store.read(run)
        return [entry.worker.partition("#")[0] for entry in entries if isinstance(entry, Took)]

    async def acted(self) -> bool:
        """Whether anything happened on a server."""
        return bool(effects(self._directory))

    async def taken(self, run: str, times: int) -> bool:
        return len(await self.takers(run)) >= times

    async def taken_by(self, run: str, instance: str) -> bool:
        return instance in await self.takers(run)

    async def ended_well(self, run: str) -> bool:
        ended = fold(await self.store.read(run)).ended
        return ended is not None and ended.outcome is Outcome.DONE


@pytest.fixture
def desk(make_store: MakeStore, empty: RedisServer, tmp_path: Path) -> Desk:
    """A desk without a worker, like the shell's."""
    return Desk(make_store(), empty, tmp_path)


def once(directory: Path, runs: list[str], steps: int = 4) -> bool:
    """Every step of every run happened, and none twice."""
    return sorted(job for job, _ in effects(directory)) == sorted(
        f"{run}/s{n}/forward" for run in runs for n in range(1, steps + 1)
    )


async def test_two_bots_share_ten_runs_and_one_is_killed(tmp_path: Path, desk: Desk, start_bot: StartBot) -> None:
    bots = {name: start_bot(name) for name in ("bot-1", "bot-2")}
    with told(*bots.values()):
        await desk.serving(*bots)
        runs = [await desk.open(n) for n in range(10)]

        async def both_took() -> bool:
            takers = {taker for run in runs for taker in await desk.takers(run)}
            return takers == {"bot-1", "bot-2"} and len(effects(tmp_path)) >= 12

        await until(both_took, 15)
        bots["bot-1"].signal(signal.SIGKILL)
        held = [run for run in await desk.store.open_runs() if (await desk.takers(run))[-1:] == ["bot-1"]]
        assert held, "it was killed too late to prove anything"
        await until(desk.none_open, 60)
        assert all([await desk.ended_well(run) for run in runs])
        assert all([await desk.taken_by(run, "bot-2") for run in held])
        assert once(tmp_path, runs)


async def test_a_stopped_bot_hands_over_within_two_seconds(tmp_path: Path, desk: Desk, start_bot: StartBot) -> None:
    bots = {name: start_bot(name, ttl=60, seconds=0.8) for name in ("bot-1", "bot-2")}
    with told(*bots.values()):
        await desk.serving(*bots)
        run = await desk.open(steps=3)
        await until(desk.acted, 5)
        (first,) = await desk.takers(run)
        began = time.monotonic()
        bots[first].signal(signal.SIGTERM)
        await until(lambda: desk.taken(run, 2), 2)
        assert await bots[first].ended(4) == 0
        assert time.monotonic() - began < 4
        await until(desk.none_open, 10)
        assert set(await desk.takers(run)) == set(bots)
        assert await desk.ended_well(run)
        assert once(tmp_path, [run], 3)


async def test_a_killed_bot_takes_its_runs_up_at_once_when_it_is_back(
    tmp_path: Path, desk: Desk, start_bot: StartBot
) -> None:
    killed = start_bot("bot-1", ttl=60)
    with told(killed):
        await desk.serving("bot-1")
        run = await desk.open()
        await until(desk.acted, 5)
        killed.signal(signal.SIGKILL)
        # not reaped yet: a zombie is gone all the same
        start_bot("bot-1", ttl=60)
        await until(lambda: desk.taken(run, 2), 15)
        assert await desk.takers(run) == ["bot-1", "bot-1"]
        await until(desk.none_open, 10)
        assert await desk.ended_well(run)
        assert once(tmp_path, [run])


async def test_a_frozen_bot_that_wakes_up_does_nothing_more(tmp_path: Path, desk: Desk, start_bot: StartBot) -> None:
    frozen = start_bot("bot-1", ttl=2, seconds=0.5)
    with told(frozen):
        await desk.serving("bot-1")
        run = await desk.open()
        await until(desk.acted, 5)
        frozen.signal(signal.SIGSTOP)
        other = start_bot("bot-2", ttl=2, seconds=0.5)
        with told(other):
            await until(lambda: desk.taken_by(run, "bot-2"), 20)
            frozen.signal(signal.SIGCONT)
            await until(desk.none_open, 15)
            assert await desk.takers(run) == ["bot-1", "bot-2"]
            assert await desk.ended_well(run)
            assert once(tmp_path, [run])
            assert {pid for _, pid in effects(tmp_path)} == {frozen.pid, other.pid}
            other.signal(signal.SIGTERM)
            await other.ended(5)
            later = await desk.open(1, steps=1)
            await until(desk.none_open, 10)
            assert await desk.takers(later) == ["bot-1"]
