"""Answers that get lost, a server that is killed or frozen, and servers that may not be used at all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from actions.engine.journal import Done, Ended, Outcome, Started, StopAsked, Took, Way
from bot.store import NotDurable, Store, StoreDown, Unsafe
from bot.store.durable import is_local
from bot.store.link import LUA
from policies.change import Refused, Why
from tests.store.conftest import MakeStore
from tests.store.samples import AT, approval, change, opened, run_of
from tests.support.redis import LosingProxy, RedisServer, redis_server

ID = "chg-aaaaaa"


@pytest.fixture
def loaded(empty: RedisServer) -> RedisServer:
    """The server knows the scripts, so that the answer that gets lost is a write's and not "no such script"."""
    with empty.client() as client:
        for path in LUA.glob("*.lua"):
            client.script_load(path.read_text(encoding="utf-8"))
    return empty


async def _opened(store: Store) -> int:
    await run_of(store)
    return await store.take_fence("production", 0)


async def test_a_lost_answer_never_makes_a_write_happen_twice_or_fail(
    make_store: MakeStore, loaded: RedisServer
) -> None:
    asked = change()
    direct = make_store()
    async with LosingProxy(loaded) as proxy:
        store = make_store(proxy.url)
        await store.ping()

        async def losing(act: Callable[[], Awaitable[object]]) -> object:
            before = proxy.lost
            proxy.lose_next()
            said = await act()
            assert proxy.lost == before + 1
            return said

        await losing(lambda: store.put_change(asked))
        await losing(lambda: store.open_run(asked, opened(asked)))
        assert await losing(lambda: store.take_fence("production", 0)) == 2
        fence = await direct.fence("production")
        entries = [Took(AT, fence, "a#1"), Started(AT, "switch", "app1", Way.FORWARD)]
        await losing(lambda: store.append(ID, 1, entries, fence))
        await losing(lambda: store.append(ID, 3, [StopAsked(AT, "lead")], None))
        assert await losing(lambda: store.first_time("click", 60)) is True
        assert await store.first_time("click", 60) is False
        assert await losing(lambda: store.set_thread_seq(ID, 2, 0)) is True
        assert await store.set_thread_seq(ID, 2, 0) is False
        assert await losing(lambda: store.lease(ID, "bot-1", 60)) is True
        await losing(lambda: store.set_card(ID, "C1", "1.0"))
        await losing(lambda: store.append(ID, 4, [Ended(AT, Outcome.DONE, "done")], fence))
        assert await losing(lambda: store.hold_instance("bot-1", "me", 60)) == ""
        assert await losing(lambda: store.read(ID)) == await direct.read(ID)
    assert len(await direct.read(ID)) == 5
    assert await direct.open_runs() == []
    with loaded.client() as client:
        touches = [fields["change"] for _, fields in client.xrange("chom:feed")]
    assert touches == [ID] * 5


@pytest.mark.parametrize("warm", [False, True], ids=["connecting", "connected"])
async def test_a_call_that_is_cancelled_never_goes_on(make_store: MakeStore, warm: bool) -> None:
    """Cancelled at each step of the event loop between the question and its answer."""
    for steps in range(200):
        store = make_store()
        if warm:
            await store.ping()
        asking = asyncio.create_task(store.open_runs())
        for _ in range(steps):
            await asyncio.sleep(0)
        if asking.done():
            break
        asking.cancel()
        await asyncio.wait({asking}, timeout=5)
        assert asking.cancelled(), f"it went on after {steps} steps"
    assert steps > 2


async def test_an_approval_whose_answer_was_lost_is_there_once(make_store: MakeStore, loaded: RedisServer) -> None:
    asked = change()
    async with LosingProxy(loaded) as proxy:
        store = make_store(proxy.url)
        await store.put_change(asked)
        for rev, person in enumerate(("lead", "cto")):
            proxy.lose_after(rev)  # the answer to its read of the change, then to its write
            await store.add_approval(asked.id, approval(asked, person), rev)
            assert proxy.lost == rev + 1
    assert [a.person for a in (await make_store().approvals(asked.id))[0]] == ["lead", "cto"]


async def test_kill_9_loses_nothing_acknowledged_and_clients_go_on(tmp_path: Path) -> None:
    with redis_server(tmp_path, fsync="always") as server:
        store, watcher = Store(server.url, patience=15), Store(server.url, patience=15)
        fence = await _opened(store)
        acknowledged = 1
        cursor, _ = await watcher.feed("$", 0.05)
        watching = asyncio.create_task(watcher.feed(cursor, 10))
        for n in range(3):

            async def write(stop: asyncio.Event) -> None:
                nonlocal acknowledged
                while not stop.is_set():
                    entry = Done(AT, f"s{acknowledged}", "app1", Way.FORWARD)
                    await store.append(ID, acknowledged, [entry], fence)
                    acknowledged += 1

            stop = asyncio.Event()
            writing = asyncio.create_task(write(stop))
            await asyncio.sleep(0.15)
            await asyncio.to_thread(server.kill)
            down_at = acknowledged
            await asyncio.sleep(0.1)
            assert down_at > 1 + n
            await asyncio.to_thread(server.start)
            await asyncio.sleep(0.4)
            stop.set()
            await asyncio.wait_for(writing, 10)
            assert acknowledged > down_at
            steps = [entry.step for entry in (await store.read(ID))[1:] if isinstance(entry, Done)]
            assert steps == [f"s{k}" for k in range(1, acknowledged)]
        assert (await asyncio.wait_for(watching, 1))[1] == [ID]
        assert await store.fence("production") == fence
        await store.close()
        await watcher.close()


async def test_a_frozen_server_makes_a_write_late_and_not_double(make_store: MakeStore, empty: RedisServer) -> None:
    store = make_store()
    fence = await _opened(store)
    cursor, _ = await store.feed("$", 0.05)
    watching = asyncio.create_task(store.feed(cursor, 8))  # waits longer than a write does for its answer
    await asyncio.sleep(0.1)
    empty.freeze()
    writing = asyncio.create_task(store.append(ID, 1, [Took(AT, fence, "a#1")], fence))
    await asyncio.sleep(5.5)
    assert not writing.done()
    empty.thaw()
    await asyncio.wait_for(writing, 5)
    assert len(await store.read(ID)) == 2
    assert (await asyncio.wait_for(watching, 1))[1] == [ID]


async def test_a_server_that_stays_away_is_a_sentence(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        store = Store(server.url, patience=0.3, walk_patience=0.6)
        fence = await _opened(store)
        assert await store.ping()
        await asyncio.to_thread(server.kill)
        assert not await store.ping()
        began = time.monotonic()
        with pytest.raises(StoreDown) as down:
            await store.read(ID)
        assert time.monotonic() - began < 0.5
        assert str(down.value).startswith(f"Redis at 127.0.0.1:{server.port} does not answer (connection refused). ")
        assert server.password not in str(down.value)
        began = time.monotonic()
        with pytest.raises(StoreDown):
            await store.append(ID, 1, [Took(AT, fence, "a#1")], fence)
        assert 0.3 < time.monotonic() - began < 1.0
        with pytest.raises(StoreDown):
            await store.feed("0-0", 0.1)
        await store.close()


async def test_a_wrong_password_is_said_at_once(server: RedisServer) -> None:
    store = Store(server.url.replace(server.password, "wrong"), patience=30)
    with pytest.raises(StoreDown, match="refuses the password; correct CHOM_REDIS_URL"):
        await asyncio.wait_for(store.check_durable(False), 2)
    await store.close()


async def test_a_server_that_forgets_is_refused_unless_accepted(tmp_path: Path, server: RedisServer) -> None:
    kept = Store(server.url)
    await kept.check_durable(False)
    await kept.close()
    with redis_server(tmp_path, aof=False) as forgets:
        store = Store(forgets.url)
        with pytest.raises(NotDurable) as refused:
            await store.check_durable(False)
        assert '"appendonly yes"' in str(refused.value)
        assert "i_accept_losing_approvals = true under [redis]" in str(refused.value)
        await store.check_durable(True)
        with forgets.client() as client:
            client.config_set("appendonly", "yes")
            await store.check_durable(False)
            client.config_set("maxmemory", "100mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(NotDurable, match="maxmemory-policy noeviction"):
            await store.check_durable(False)
        await store.close()


async def test_no_password_is_for_this_machine_only(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with redis_server(tmp_path, password=False) as server:
        store = Store(server.url)
        with caplog.at_level(logging.WARNING):
            await store.check_durable(False)
        assert "has no password" in caplog.text
        await store.close()
        # 127.0.0.2 is this machine too, and as an address it is like any other
        elsewhere = Store(server.url.replace("127.0.0.1", "127.0.0.2"))
        with server.client() as client:
            client.config_set("bind", "127.0.0.1 127.0.0.2")
        for accepts in (False, True):
            with pytest.raises(Unsafe, match="requirepass"):
                await elsewhere.check_durable(accepts)
        await elsewhere.close()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("redis://:x@127.0.0.1:6379/0", True),
        ("redis://localhost/0", True),
        ("redis://[::1]:6379/0", True),
        ("unix:///run/redis.sock", True),
        ("redis://10.0.0.5:6379/0", False),
        ("rediss://redis.example.org/0", False),
    ],
)
def test_what_counts_as_this_machine(url: str, local: bool) -> None:
    assert is_local(url) is local


async def test_a_refusal_whose_answer_was_lost_stands(make_store: MakeStore, loaded: RedisServer) -> None:
    asked = change()
    async with LosingProxy(loaded) as proxy:
        store = make_store(proxy.url)
        await store.put_change(asked)
        proxy.lose_after(1)
        assert await store.refuse(asked.id, Refused("The server moved.", Why.VOID))
        assert proxy.lost == 1
    assert await make_store().refused(asked.id) == Refused("The server moved.", Why.VOID)
