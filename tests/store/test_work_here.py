"""Delivery within one process: names, expiries, failures, outages, and a stop while Redis is away."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actions.engine.clock import SystemClock
from actions.engine.codec import dump
from actions.engine.fold import fold
from actions.engine.journal import Ended, Opened, Outcome, Took
from actions.engine.ports import Job, OnLine, Result, World
from bot.store import Store
from bot.store.instance import InstanceName, InstanceTaken, this_process
from bot.work import OnExpire, Work
from tests.store.conftest import MakeStore
from tests.store.model_hosts import AlwaysWell, FileHosts, effects, file_plan
from tests.store.samples import AT, change
from tests.store.waiting import until
from tests.support.redis import RedisServer
from tests.support.unbuilt import NoArtifacts

MakeWork = Callable[..., Work]


class FailingHosts(FileHosts):
    """Servers on which the first `times` requests meet a fault in our own code."""

    times = 0

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        if self.times:
            self.times -= 1
            raise RuntimeError("a fault that nobody foresaw")
        return await super().run(host, job, on_line)


@pytest.fixture
def hosts(tmp_path: Path) -> FailingHosts:
    return FailingHosts(tmp_path, 0.2)


@pytest.fixture
def make_work(make_store: MakeStore, empty: RedisServer, hosts: FailingHosts) -> MakeWork:
    """Makes the work of one bot, with a store of its own."""

    def make(instance: str = "bot-1", ttl: float = 2.0, on_expire: OnExpire | None = None) -> Work:
        store = make_store()
        world = World(hosts, NoArtifacts(), store, AlwaysWell(), SystemClock(), patience=10)
        return Work(world, store, instance=instance, redelivery=ttl, redis_url=empty.url, on_expire=on_expire)

    return make


@asynccontextmanager
async def serving(work: Work) -> AsyncIterator[asyncio.Event]:
    """It serves meanwhile; what stops it in time is set afterwards."""
    stop = asyncio.Event()
    task = asyncio.create_task(work.serve(stop))
    try:
        yield stop
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def open_run(store: Store, n: int = 0, steps: int = 2) -> str:
    """A run of an environment of its own, not delivered yet."""
    id_, environment = f"chg-{'abcdefghij'[n] * 6}", f"env-{n}"
    asked = change(id_, environment, of=file_plan(environment, f"app{n}", steps))
    await store.put_change(asked)
    await store.open_run(asked, Opened(AT, id_, asked.digest, "lead"))
    return id_


async def ended(store: Store, run: str, seconds: float = 10) -> None:
    """Until it has ended, and well."""

    async def end() -> Ended | None:
        return fold(await store.read(run)).ended

    await until(end, seconds)
    last = await end()
    assert last is not None
    assert last.outcome is Outcome.DONE


async def test_a_run_is_delivered_once_however_often_it_is_started(
    make_work: MakeWork, store: Store, tmp_path: Path
) -> None:
    desk = make_work("desk")
    async with serving(make_work()):
        run = await open_run(store)
        await asyncio.gather(*(desk.start(run) for _ in range(20)))
        await ended(store, run)
        await desk.start(run)
        await asyncio.sleep(0.3)
    entries = await store.read(run)
    assert sum(isinstance(entry, Took) for entry in entries) == 1
    assert [job for job, _ in effects(tmp_path)] == [f"{run}/s1/forward", f"{run}/s2/forward"]


async def test_a_run_that_was_never_delivered_is_found(make_work: MakeWork, store: Store) -> None:
    before = await open_run(store, 0)
    async with serving(make_work()):
        await ended(store, before)
        later = await open_run(store, 1)
        await ended(store, later)


async def test_a_walk_that_fails_is_logged_with_a_reference_and_tried_again(
    make_work: MakeWork, store: Store, hosts: FailingHosts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hosts.times = 2
    run = await open_run(store)
    with caplog.at_level(logging.ERROR):
        async with serving(make_work()):
            await ended(store, run, 15)
    failures = [record for record in caplog.records if "reference" in record.getMessage()]
    assert len(failures) == 2
    assert all(record.exc_info for record in failures)
    assert len({job for job, _ in effects(tmp_path)}) == len(effects(tmp_path)) == 2


async def test_an_expiry_reaches_a_bot_and_is_tried_again_when_it_fails(make_work: MakeWork) -> None:
    seen: list[tuple[str, float]] = []

    async def on_expire(change: str) -> None:
        seen.append((change, time.time()))
        if len(seen) == 1:
            raise RuntimeError("the first time it fails")

    when = datetime.now(UTC) + timedelta(seconds=1)
    await make_work("desk").at(when, "chg-aaaaaa")
    async with serving(make_work(on_expire=on_expire)):

        async def twice() -> bool:
            return len(seen) == 2

        await until(twice, 12)
    assert [change for change, _ in seen] == ["chg-aaaaaa"] * 2
    assert seen[0][1] >= when.timestamp()


async def test_redis_is_killed_under_a_run(
    make_work: MakeWork, store: Store, empty: RedisServer, tmp_path: Path
) -> None:
    desk = make_work("desk")
    async with serving(make_work()):
        run = await open_run(store, steps=5)
        await desk.start(run)

        async def two_effects() -> bool:
            return len(effects(tmp_path)) >= 2

        await until(two_effects, 5)
        await asyncio.to_thread(empty.restart)
        await ended(store, run)
        later = await open_run(store, 1, steps=1)
        await desk.start(later)
        await ended(store, later)
    assert len({job for job, _ in effects(tmp_path)}) == len(effects(tmp_path)) == 6
    assert sum(isinstance(entry, Took) for entry in await store.read(run)) == 1


async def test_a_bot_stops_in_seconds_while_redis_is_away(
    make_work: MakeWork, store: Store, empty: RedisServer
) -> None:
    stop = asyncio.Event()
    run = await open_run(store, steps=50)
    task = asyncio.create_task(make_work().serve(stop))
    await until(lambda: store.leased(run), 5)
    await asyncio.to_thread(empty.kill)
    try:
        began = time.monotonic()
        stop.set()
        await asyncio.wait_for(task, 9)
        assert time.monotonic() - began < 6
    finally:
        await asyncio.to_thread(empty.start)


async def test_a_name_has_one_live_bot(make_work: MakeWork, store: Store) -> None:
    async with serving(make_work()) as stop:
        run = await open_run(store, steps=1)
        await ended(store, run)
        with pytest.raises(InstanceTaken, match='instance = "bot-1-2" under'):
            await asyncio.wait_for(make_work().serve(asyncio.Event()), 1)
        with pytest.raises(InstanceTaken):
            await make_work().claim()
        stop.set()
    await asyncio.wait_for(make_work().claim(), 1)


async def test_a_bot_whose_name_was_taken_stops_by_itself(make_work: MakeWork, empty: RedisServer) -> None:
    task = asyncio.create_task(make_work(ttl=0.6).serve(asyncio.Event()))
    with empty.client() as client:

        async def named() -> bool:
            return bool(client.exists("chom:instance:bot:bot-1"))

        await until(named, 5)
        client.set("chom:instance:bot:bot-1", dump(this_process()))
    with pytest.raises(InstanceTaken):
        await asyncio.wait_for(task, 5)


async def test_the_name_of_a_dead_process_is_taken_at_once(store: Store) -> None:
    dead = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await dead.wait()
    me = this_process()
    for gone in (replace(me, token="1", pid=dead.pid, begun="1"), replace(me, token="2", begun="1")):
        assert gone.is_gone
        await store.hold_instance("bot:bot-1", dump(gone), 60)
        name = InstanceName(store, "bot-1", 60)
        await asyncio.wait_for(name.take(), 1)
        await name.keep()
        await name.release()


async def test_a_name_held_elsewhere_is_waited_for(store: Store) -> None:
    elsewhere = replace(this_process(), token="1", machine="another boot")
    assert not elsewhere.is_gone
    await store.hold_instance("bot:bot-1", dump(elsewhere), 0.5)
    await asyncio.wait_for(InstanceName(store, "bot-1", 2).take(), 1.5)
    await store.hold_instance("bot:bot-2", dump(elsewhere), 60)
    began = time.monotonic()
    with pytest.raises(InstanceTaken, match="on another machine"):
        await InstanceName(store, "bot-2", 0.4).take()
    assert 0.5 < time.monotonic() - began < 2
