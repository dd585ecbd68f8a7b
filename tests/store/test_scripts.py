"""What the store promises, each against a real server and with many clients at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from actions.engine.journal import Opened, StopAsked
from actions.engine.ports import Conflict
from bot.store import Store
from policies.change import Refused, Why, Word
from tests.store.conftest import MakeStore
from tests.store.samples import AT, approval, change, ended, opened, run_of
from tests.support.redis import RedisServer


async def test_a_change_comes_back_as_it_was_with_its_digest(store: Store) -> None:
    asked = change()
    await store.put_change(asked)
    back = await store.change(asked.id)
    assert back == asked
    assert back.digest == asked.digest
    with pytest.raises(KeyError):
        await store.change("chg-zzzzzz")


async def test_a_change_is_stored_once_and_its_id_is_not_taken_by_another(store: Store) -> None:
    asked = change()
    await store.put_change(asked)
    await store.put_change(asked)
    with pytest.raises(Conflict):
        await store.put_change(change(minutes=1))
    assert await store.recent() == [asked.id]


async def test_lists_are_by_environment_and_newest_first(store: Store) -> None:
    await store.put_change(change("chg-aaaaaa", "production", minutes=0))
    await store.put_change(change("chg-bbbbbb", "staging", minutes=1))
    await store.put_change(change("chg-cccccc", "production", minutes=2))
    assert await store.waiting() == ["chg-cccccc", "chg-bbbbbb", "chg-aaaaaa"]
    assert await store.waiting("production") == ["chg-cccccc", "chg-aaaaaa"]
    assert await store.recent("", 2) == ["chg-cccccc", "chg-bbbbbb"]
    await store.settle("chg-aaaaaa")
    assert await store.waiting("production") == ["chg-cccccc"]
    assert await store.recent("production", 10) == ["chg-cccccc", "chg-aaaaaa"]


async def test_two_approvals_at_one_rev_are_one(make_store: MakeStore) -> None:
    asked, stores = change(), [make_store() for _ in range(4)]
    await stores[0].put_change(asked)
    people = [f"p{n}" for n in range(40)]
    said = await asyncio.gather(
        *(stores[n % 4].add_approval(asked.id, approval(asked, who), 0) for n, who in enumerate(people)),
        return_exceptions=True,
    )
    assert sum(answer is None for answer in said) == 1
    assert all(answer is None or isinstance(answer, Conflict) for answer in said)
    stood, rev = await stores[1].approvals(asked.id)
    assert (len(stood), rev) == (1, 1)


async def test_a_started_or_refused_change_takes_no_approval(store: Store) -> None:
    await run_of(store)
    with pytest.raises(Conflict):
        await store.add_approval("chg-aaaaaa", approval(change()), 0)
    other = change("chg-bbbbbb", "staging")
    await store.put_change(other)
    assert await store.refuse(other.id, Refused("The server moved.", Why.VOID))
    with pytest.raises(Conflict):
        await store.add_approval(other.id, approval(other), 0)


async def test_what_was_refused_or_rejected_never_opens(store: Store) -> None:
    refused, rejected = change("chg-aaaaaa"), change("chg-bbbbbb")
    for asked in (refused, rejected):
        await store.put_change(asked)
    await store.refuse(refused.id, Refused("The server moved.", Why.VOID))
    assert await store.refuse(refused.id, Refused("later", Why.REJECTED))
    await store.add_approval(rejected.id, approval(rejected, word=Word.REJECT), 0)
    for asked in (refused, rejected):
        with pytest.raises(Conflict):
            await store.open_run(asked, opened(asked))
    assert await store.refused(refused.id) == Refused("The server moved.", Why.VOID)
    assert await store.refused(rejected.id) is None
    assert refused.id not in await store.waiting()


async def test_a_started_run_is_not_refused_any_more(store: Store) -> None:
    await run_of(store)
    assert not await store.refuse("chg-aaaaaa", Refused("too late", Why.REJECTED))
    assert await store.refused("chg-aaaaaa") is None


async def test_a_thousand_clicks_are_one_start(make_store: MakeStore) -> None:
    asked, stores = change(), [make_store() for _ in range(4)]
    await stores[0].put_change(asked)

    async def click(n: int) -> str:
        store = stores[n % 4]
        approvals, rev = await store.approvals(asked.id)
        try:
            if not approvals:
                await store.add_approval(asked.id, approval(asked), rev)
            await store.open_run(asked, opened(asked))
        except Conflict:
            return "not first"
        return "started"

    said = await asyncio.gather(*(click(n) for n in range(1000)))
    assert said.count("started") == 1
    assert len((await stores[0].approvals(asked.id))[0]) == 1
    assert await stores[2].read(asked.id) == [opened(asked)]


async def test_another_digest_or_an_unknown_change_does_not_open(store: Store) -> None:
    asked = change()
    with pytest.raises(KeyError):
        await store.open_run(asked, opened(asked))
    await store.put_change(asked)
    with pytest.raises(Conflict):
        await store.open_run(asked, Opened(AT, asked.id, "0" * 64, "lead"))
    assert await store.open_runs() == []
    with pytest.raises(KeyError):
        await store.record(asked.id)


async def test_the_record_is_the_stored_plan(store: Store) -> None:
    asked = change()
    await run_of(store)
    record = await store.record(asked.id)
    assert (record.id, record.plan, record.opened) == (asked.id, asked.plan, opened(asked).at)
    assert record.plan.digest() == asked.plan.digest()


async def test_a_lease_has_one_holder_and_lapses(store: Store) -> None:
    await run_of(store)
    run = "chg-aaaaaa"
    assert await store.lease(run, "bot-1", 0.3)
    assert not await store.lease(run, "bot-2", 0.3)
    assert await store.lease(run, "bot-1", 0.3)
    await store.release_lease(run, "bot-2")
    assert await store.leased(run) == "bot-1"
    await asyncio.sleep(0.4)
    assert (await store.leased(run), await store.holder(run)) == (None, "bot-1")
    assert await store.lease(run, "bot-2", 60)
    await store.release_lease(run, "bot-2")
    assert await store.lease(run, "bot-3", 60)
    assert await store.holder(run) == "bot-3"


async def test_first_time_is_true_for_one_of_many(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    said = await asyncio.gather(*(stores[n % 4].first_time("event:Ev1", 60) for n in range(200)))
    assert said.count(True) == 1
    assert await stores[0].first_time("event:Ev2", 0.2)
    await asyncio.sleep(0.3)
    assert await stores[0].first_time("event:Ev2", 0.2)


async def test_a_thread_is_moved_on_by_one_bot(make_store: MakeStore) -> None:
    stores = [make_store() for _ in range(4)]
    await stores[0].put_change(change())
    assert await stores[0].thread_seq("chg-aaaaaa") == 0
    said = await asyncio.gather(*(stores[n % 4].set_thread_seq("chg-aaaaaa", 3, 0) for n in range(100)))
    assert said.count(True) == 1
    assert not await stores[0].set_thread_seq("chg-aaaaaa", 5, 2)
    assert await stores[0].set_thread_seq("chg-aaaaaa", 5, 3)
    assert await stores[3].thread_seq("chg-aaaaaa") == 5


async def test_a_card_is_remembered(store: Store) -> None:
    await store.put_change(change())
    assert await store.card("chg-aaaaaa") is None
    await store.set_card("chg-aaaaaa", "C0DEPLOYS", "1700000000.000100")
    assert await store.card("chg-aaaaaa") == ("C0DEPLOYS", "1700000000.000100")


async def test_the_feed_tells_each_touch_and_misses_none(make_store: MakeStore) -> None:
    reader, writer = make_store(), make_store()
    await writer.put_change(change("chg-aaaaaa"))
    cursor, touched = await reader.feed("$", 0.05)
    assert touched == []
    asked = change("chg-bbbbbb", minutes=1)
    await writer.put_change(asked)
    cursor, touched = await reader.feed(cursor, 1)
    assert touched == [asked.id]
    waits = asyncio.create_task(reader.feed(cursor, 5))
    await asyncio.sleep(0.1)
    await writer.add_approval(asked.id, approval(asked), 0)
    cursor, touched = await asyncio.wait_for(waits, 1)
    assert touched == [asked.id]
    await writer.open_run(asked, opened(asked))
    await writer.append(asked.id, 1, [StopAsked(AT, "lead")], None)
    await writer.settle("chg-aaaaaa")
    cursor, touched = await reader.feed(cursor, 1)
    assert touched == [asked.id, "chg-aaaaaa"]
    assert await reader.feed(cursor, 0.05) == (cursor, [])
    assert (await reader.feed("0-0", 1))[1] == ["chg-aaaaaa", asked.id]


async def test_only_history_stays_for_ever(store: Store, empty: RedisServer) -> None:
    await run_of(store)
    fence = await store.take_fence("production", 0)
    await store.lease("chg-aaaaaa", "bot-1", 60)
    await store.first_time("click", 60)
    await store.hold_instance("bot-1", "me", 60)
    with empty.client() as client:
        stay = {key for key in client.keys("*") if client.ttl(key) == -1}
        assert set(client.keys("*")) - stay == {
            "chom:lease:chg-aaaaaa",
            "chom:first:click",
            "chom:instance:bot-1",
        }
        await store.append("chg-aaaaaa", 1, [ended()], fence)
        assert set(client.keys("*")) == {
            *("chom:change:chg-aaaaaa", "chom:journal:chg-aaaaaa", "chom:fences", "chom:feed"),
            *("chom:recent:", "chom:recent:production", "chom:first:click", "chom:instance:bot-1"),
        }


async def test_expiry_of_requirement_survives_the_way_through_json(store: Store) -> None:
    await store.put_change(change())
    assert (await store.change("chg-aaaaaa")).requirement.expires == timedelta(hours=4)
