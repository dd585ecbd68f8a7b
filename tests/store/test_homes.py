"""Who looks at their Home: told to the tail, kept for a while, and never more than so many."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from bot.store import Store
from bot.store.homes import LATELY, READERS, Opening
from tests.support.redis import RedisServer


async def test_an_opening_is_told_at_once_and_to_a_tail_that_comes_a_moment_later(store: Store) -> None:
    cursor, told = await store.home_openings("", 0.05)
    assert told == []
    waits = asyncio.create_task(store.home_openings(cursor, 5))
    await asyncio.sleep(0.05)
    await store.home_opened("T1:U1", "1.abc", keep=True)
    after, told = await asyncio.wait_for(waits, 1)
    assert told == [Opening("T1:U1", "1.abc", told[0].number)]
    await store.home_opened("T1:U2", "", keep=False)
    _, (second,) = await store.home_openings(after, 0.05)
    assert (second.reader, second.hash) == ("T1:U2", "") and second.number > told[0].number
    assert (await store.home_openings("", 0.05))[1] == [told[0], second]


async def test_only_the_last_who_opened_it_are_kept_and_each_once(store: Store) -> None:
    assert await store.home_readers() == {}
    for number in range(READERS + 5):
        await store.home_opened(f"T1:U{number:03d}", "", keep=True)
    await store.home_opened("T1:U104", "", keep=True)
    await store.home_opened("T1:STRANGER", "", keep=False)
    readers = await store.home_readers()
    assert len(readers) == READERS and "T1:U104" in readers and "T1:STRANGER" not in readers
    assert abs(readers["T1:U104"] - datetime.now(UTC)) < timedelta(seconds=5)
    await store.forget_home("T1:U104")
    assert "T1:U104" not in await store.home_readers()


async def test_who_opened_it_long_ago_is_dropped_by_the_next_who_does(store: Store, empty: RedisServer) -> None:
    long_ago = datetime.now(UTC) - LATELY - timedelta(minutes=1)
    with empty.client() as client:
        client.zadd("chom:homes", {"T1:U1": long_ago.timestamp()})
        assert await store.home_readers() == {}
        await store.home_opened("T1:U2", "", keep=True)
        assert client.zcard("chom:homes") == 1 and client.zscore("chom:homes", "T1:U2")


async def test_nothing_of_it_stays_for_ever(store: Store, empty: RedisServer) -> None:
    await store.home_opened("T1:U1", "", keep=True)
    await store.set_home_shown("T1:U1", "a note")
    assert await store.home_shown("T1:U1") == "a note" and await store.home_shown("T1:U2") == ""
    with empty.client() as client:
        keys = set(client.keys("*"))
        assert len(keys) == 3 and all(0 < client.ttl(key) <= LATELY.total_seconds() for key in keys)
