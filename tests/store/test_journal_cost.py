"""What a journal of a hundred servers costs: what is known of it is not read again, unless Redis has forgotten it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from actions.engine.codec import dump
from actions.engine.fold import fold
from actions.engine.journal import Done, Entry, Started, Way
from bot.store import Store
from tests.store.conftest import MakeStore
from tests.store.samples import AT, change, opened
from tests.support.redis import RedisServer

STEPS, HOSTS = 8, 100
KEY = "chom:journal:chg-aaaaaa"


def step(number: int, hosts: int = HOSTS) -> list[Entry]:
    at = AT + timedelta(seconds=number)
    name, names = f"step-{number}", [f"app{host}" for host in range(hosts)]
    begun: list[Entry] = [Started(at, name, host, Way.FORWARD) for host in names]
    return [*begun, *(Done(at, name, host, Way.FORWARD, "done", ("a line of its output",) * 10) for host in names)]


async def begin(store: Store) -> None:
    asked = change()
    await store.put_change(asked)
    await store.open_run(asked, opened(asked))


def sent(server: RedisServer) -> int:
    """Bytes that Redis has sent so far."""
    with server.client() as client:
        return int(client.info("stats")["total_net_output_bytes"])


async def test_a_look_at_a_long_journal_reads_what_is_new(store: Store, empty: RedisServer) -> None:
    await begin(store)
    length = 1
    for number in range(STEPS):
        entries = step(number)
        await store.append("chg-aaaaaa", length, entries, None)
        length += len(entries)
        state = await store.state("chg-aaaaaa")
        assert state.seq == length and state == fold(await store.read("chg-aaaaaa"))
    whole = sum(len(dump(entry)) for entry in await store.read("chg-aaaaaa"))
    before = sent(empty)
    for _ in range(10):
        await store.state("chg-aaaaaa")
        await store.read("chg-aaaaaa")
    assert (sent(empty) - before) < whole / 10, "twenty looks at a journal of which nothing is new"


@pytest.mark.parametrize(("held", "is_read_again"), [(1 << 20, False), (0, True)])
async def test_long_journals_are_not_all_held(
    make_store: MakeStore, empty: RedisServer, held: int, is_read_again: bool
) -> None:
    store = make_store(held=held)
    await begin(store)
    await store.append("chg-aaaaaa", 1, step(1), None)
    size = sum(len(dump(entry)) for entry in await store.read("chg-aaaaaa"))

    await store.read("chg-bbbbbb")
    before = sent(empty)
    await store.read("chg-aaaaaa")
    assert (sent(empty) - before > size / 2) is is_read_again


async def test_two_bots_read_each_others_entries(make_store: MakeStore) -> None:
    one, other = make_store(), make_store()
    await begin(one)
    for number in range(3):
        await (one if number % 2 else other).append("chg-aaaaaa", 1 + number * 4, step(number, 2), None)
        assert (await one.state("chg-aaaaaa")).seq == (await other.state("chg-aaaaaa")).seq == 5 + number * 4
    assert await one.read("chg-aaaaaa") == await other.read("chg-aaaaaa")


async def test_a_redis_that_has_lost_its_last_second_is_believed(store: Store, empty: RedisServer) -> None:
    await begin(store)
    await store.append("chg-aaaaaa", 1, step(1, 2), None)
    assert (await store.state("chg-aaaaaa")).seq == 5
    with empty.client() as client:
        client.ltrim(KEY, 0, 2)
    assert (await store.state("chg-aaaaaa")).seq == 3
    other = step(2, 3)
    await store.append("chg-aaaaaa", 3, other, None)
    assert (await store.read("chg-aaaaaa"))[3:] == other
    with empty.client() as client:
        client.delete(KEY)
    assert await store.read("chg-aaaaaa") == [] and (await store.state("chg-aaaaaa")).seq == 0


async def test_what_one_reader_does_with_its_list_is_its_own_affair(store: Store) -> None:
    await begin(store)
    (await store.read("chg-aaaaaa")).clear()
    assert len(await store.read("chg-aaaaaa")) == 1
