"""A run in the store: one an environment, one walker a run, entries in turn, and nothing after the end."""

from __future__ import annotations

import asyncio

import pytest

from actions.engine.journal import Done, Started, StopAsked, Took, Way
from actions.engine.ports import Conflict, Fenced, Occupied
from bot.store import Store
from tests.store.conftest import MakeStore
from tests.store.samples import AT, change, ended, opened, run_of


async def test_an_environment_has_one_run_at_a_time(store: Store) -> None:
    await run_of(store)
    second = change("chg-bbbbbb")
    await store.put_change(second)
    with pytest.raises(Occupied) as busy:
        await store.open_run(second, opened(second))
    assert busy.value.run == "chg-aaaaaa"
    assert await store.read(second.id) == []
    await run_of(store, "chg-cccccc", "staging")
    assert await store.open_runs() == ["chg-aaaaaa", "chg-cccccc"]
    fence = await store.take_fence("production", 0)
    await store.append("chg-aaaaaa", 1, [ended()], fence)
    assert await store.open_run_of("production") is None
    await store.open_run(second, opened(second))
    assert await store.open_run_of("production") == second.id


async def test_a_fence_only_grows_and_is_taken_once(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    taken = await asyncio.gather(*(stores[n % 4].take_fence("production", 0) for n in range(100)))
    assert sorted(taken) == list(range(1, 101))
    assert await stores[0].take_fence("production", 500) == 501
    assert await stores[0].fence("production") == 501
    assert await stores[0].fence("staging") == 0


async def test_a_replaced_walker_writes_nothing(store: Store) -> None:
    await run_of(store)
    old = await store.take_fence("production", 0)
    await store.append("chg-aaaaaa", 1, [Took(AT, old, "a#1")], old)
    new = await store.take_fence("production", old)
    written = await store.read("chg-aaaaaa")
    for entries in ([Started(AT, "switch", "app1", Way.FORWARD)], [Took(AT, old, "a#1")], [ended()]):
        with pytest.raises(Fenced) as behind:
            await store.append("chg-aaaaaa", len(written), entries, old)
        assert (behind.value.mine, behind.value.current) == (old, new)
    assert await store.read("chg-aaaaaa") == written
    assert await store.open_run_of("production") == "chg-aaaaaa"


async def test_entries_are_written_all_or_none_and_in_turn(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    await run_of(stores[0])
    fence = await stores[0].take_fence("production", 0)
    batches = [
        [Started(AT, f"s{n}", "app1", Way.FORWARD), Done(AT, f"s{n}", "app1", Way.FORWARD, "ü €")] for n in range(40)
    ]
    said = await asyncio.gather(
        *(stores[n % 4].append("chg-aaaaaa", 1, batch, fence) for n, batch in enumerate(batches)),
        return_exceptions=True,
    )
    won = [n for n, answer in enumerate(said) if answer is None]
    assert len(won) == 1
    assert all(isinstance(answer, Conflict) for n, answer in enumerate(said) if n not in won)
    assert (await stores[1].read("chg-aaaaaa"))[1:] == batches[won[0]]


async def test_the_same_append_again_is_known_and_a_changed_one_is_not(store: Store) -> None:
    await run_of(store)
    fence = await store.take_fence("production", 0)
    entries = [Took(AT, fence, "a#1"), Started(AT, "switch", "app1", Way.FORWARD)]
    await store.append("chg-aaaaaa", 1, entries, fence)
    await store.append("chg-aaaaaa", 1, entries, fence)
    await store.append("chg-aaaaaa", 3, [StopAsked(AT, "lead")], None)
    await store.append("chg-aaaaaa", 1, entries, fence)
    assert len(await store.read("chg-aaaaaa")) == 4
    for wrong in ([entries[0]] * 2, [*entries, entries[1]], [entries[1]]):
        with pytest.raises(Conflict):
            await store.append("chg-aaaaaa", 1, wrong, fence)
    assert len(await store.read("chg-aaaaaa")) == 4


async def test_a_person_needs_no_fence_and_loses_only_to_the_sequence(store: Store) -> None:
    await run_of(store)
    await store.take_fence("production", 9)
    await store.append("chg-aaaaaa", 1, [StopAsked(AT, "lead")], None)
    with pytest.raises(Conflict):
        await store.append("chg-aaaaaa", 1, [StopAsked(AT, "cto")], None)
    with pytest.raises(Conflict):
        await store.append("chg-aaaaaa", 7, [StopAsked(AT, "cto")], None)


async def test_nothing_follows_the_end(store: Store) -> None:
    await run_of(store)
    fence = await store.take_fence("production", 0)
    assert await store.lease("chg-aaaaaa", "bot-1", 60)
    await store.append("chg-aaaaaa", 1, [ended()], fence)
    await store.append("chg-aaaaaa", 1, [ended()], fence)
    with pytest.raises(Conflict):
        await store.append("chg-aaaaaa", 2, [StopAsked(AT, "lead")], None)
    with pytest.raises(KeyError):
        await store.append("chg-zzzzzz", 0, [StopAsked(AT, "lead")], None)
    assert not await store.lease("chg-aaaaaa", "bot-1", 60)
    assert (await store.holder("chg-aaaaaa"), await store.leased("chg-aaaaaa")) == (None, None)
