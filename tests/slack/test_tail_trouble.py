"""Slack, Redis or a bot fails between two pictures: the last one is right all the same, and nothing is told twice."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace

from actions.engine.ports import Conflict
from bot.desk.looking import Looking
from bot.desk.view import ChangeView
from bot.store import Store, StoreDown
from bot.tails.lease import NAME
from policies.change import Refused, Why
from tests.slack.journals import FINISHED, SWITCHED
from tests.slack.room import Room, looking
from tests.slack.support import QUICK, RealClock, seen_text, until
from tests.support.redis import RedisServer


async def test_slack_is_down_for_the_whole_deploy_and_everything_is_right_when_it_is_back(room: Room) -> None:
    await room.slack.stand_in.fault({"slack": "down", "seconds": 60})
    async with room.tail("a"):
        await room.walk(FINISHED)
        await asyncio.sleep(0.3)
        assert room.slack.messages() == []
        await room.slack.stand_in.fault({"slack": "up"})
        await until(lambda: room.says("v1.2 is live on production") and "Something wrong?" in room.told())
    assert len(room.cards()) == 1 and room.told().count("Migrations on app1: 2 applied") == 1


async def test_a_bot_that_comes_late_brings_everything_up_to_date(room: Room) -> None:
    await room.walk(FINISHED)
    async with room.tail("a"):
        await until(lambda: room.says("v1.2 is live on production") and "Something wrong?" in room.told())
    before = len(room.slack.messages())
    async with room.tail("b"):
        await asyncio.sleep(0.5)
    assert len(room.slack.messages()) == before


async def test_told_to_be_slower_it_waits_and_then_shows_the_newest(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.slack.stand_in.fault({"slack": "429", "method": "chat.update", "count": 1, "seconds": 1.2})
        begun = time.monotonic()
        await room.approve()
        await room.store.open_run(room.change, replace(FINISHED[0], digest=room.change.digest))
        await room.store.append(room.change.id, 1, FINISHED[1:], None)
        await until(lambda: room.says("v1.2 is live on production"))
        assert time.monotonic() - begun >= 1.0


async def test_an_update_that_was_lost_is_made_again(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.slack.stand_in.fault({"slack": "lost", "method": "chat.update", "count": 1, "seconds": 30})
        await room.store.refuse(room.change.id, Refused("Dana Dev withdrew the request.", Why.WITHDRAWN))
        await until(lambda: room.says("Withdrawn."))


async def test_when_the_tailing_bot_dies_another_goes_on_within_seconds(room: Room) -> None:
    await room.store.hold_instance(NAME, "dead", 0.5)
    async with room.tail("b"):
        begun = time.monotonic()
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        assert 0.2 < time.monotonic() - begun < 4


async def test_a_bot_that_lost_the_lease_writes_nothing_more(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        assert await room.store.hold_instance(NAME, "other", 30, stale="a") == ""
        await asyncio.sleep(QUICK.lease)
        await room.approve()
        await asyncio.sleep(0.5)
        assert "Approved by" not in seen_text(room.cards()[0])


async def test_a_card_that_was_deleted_in_slack_comes_back(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        room.slack.messages().clear()
        await room.approve()
        await until(lambda: room.says("Approved by"))


async def test_redis_away_and_back_only_delays_the_picture(room: Room, redis: RedisServer) -> None:
    room.store = Store(redis.url, patience=0.1)
    room.looking = looking(room.store, RealClock())
    try:
        async with room.tail("a"):
            await room.propose()
            await until(lambda: room.says("Approval needed"))
            redis.kill()
            await asyncio.sleep(0.5)
            redis.start()
            await asyncio.sleep(0.2)
            await room.approve()
            await until(lambda: room.says("Approved by"))
    finally:
        await room.store.close()


async def test_what_slack_took_while_redis_was_away_is_not_sent_again(room: Room) -> None:
    """Redis goes away between Slack's answer and the note of it."""

    class Forgetful(Store):
        away = 0

        async def set_card(self, id_: str, channel: str, ts: str) -> None:
            self.away += 1
            if self.away == 1:
                raise StoreDown("Redis does not answer.")
            await super().set_card(id_, channel, ts)

        async def set_shown(self, id_: str, note: str) -> None:
            self.away += 1
            if self.away % 2:
                raise StoreDown("Redis does not answer.")
            await super().set_shown(id_, note)

    plain = room.store
    room.store = Forgetful(plain.link.url)
    async with room.tail("a"):
        await room.walk(FINISHED)
        await until(lambda: room.says("v1.2 is live on production") and "Something wrong?" in room.told())
        await asyncio.sleep(0.8)
    assert room.store.away > 3 and len(room.cards()) == 1
    assert room.told().count("Migrations on app1: 2 applied") == 1 and room.told().count("Something wrong?") == 1
    await room.store.close()
    room.store = plain


async def test_what_happens_while_a_change_is_read_is_shown_at_once_and_not_by_the_next_sweep(room: Room) -> None:
    class Slow(Looking):
        async def view(self, change: str) -> ChangeView:
            seen = await super().view(change)
            if not seen.approvals:
                with suppress(Conflict):
                    await room.approve()
                await asyncio.sleep(0.2)
            return seen

    room.looking = Slow(room.looking.planning, room.store, room.looking.roster, room.looking.clock)
    async with room.tail("a", replace(QUICK, sweep=60)):
        await room.propose()
        await until(lambda: room.says("Approved by"))


async def test_nothing_is_missed_between_the_first_look_and_the_feed(room: Room) -> None:
    class Late(Store):
        async def feed(self, cursor: str, block_s: float) -> tuple[str, list[str]]:
            await asyncio.sleep(0.6 if cursor == "$" else 0)
            return await super().feed(cursor, block_s)

    plain, room.store = room.store, Late(room.store.link.url)
    await room.propose()
    async with room.tail("a", replace(QUICK, sweep=60)):
        await asyncio.sleep(0.3)
        await room.approve()
        await until(lambda: room.says("Approved by"))
    await room.store.close()
    room.store = plain


async def test_bots_that_follow_each_other_share_one_minute(room: Room) -> None:
    """The one before has spent all of it: the next one's first decision waits until some of it is free again."""
    short = replace(QUICK, minute=1.5)
    await room.propose()
    async with room.tail("a", short):
        await until(lambda: room.says("Approval needed"))
    for _ in range(short.updates):
        await room.store.spend("chat.update", short.minute)
    begun = time.monotonic()
    async with room.tail("b", short):
        await room.approve()
        await until(lambda: room.says("Approved by"))
        assert time.monotonic() - begun > 1.0
    assert min(await room.store.spent("chat.update")) < 0.5, "and says what it spent itself"


async def test_what_the_last_bot_left_behind_is_shown_at_once_however_many_go_on(room: Room) -> None:
    """Many cards go on, so that a change waits: but not one that may have waited long before this bot came."""
    crowded = replace(QUICK, oldest=30, patience=30, steady=1)
    await room.walk(SWITCHED[:6])
    async with room.tail("a", crowded):
        await until(lambda: room.says("Running"))
    await room.store.append(room.change.id, 6, SWITCHED[6:-1], None)
    async with room.tail("b", crowded):
        await until(lambda: room.revision() == f"{len(SWITCHED) - 1}.1", 3)
        await room.store.append(room.change.id, len(SWITCHED) - 1, SWITCHED[-1:], None)
        await asyncio.sleep(0.5)
        assert room.revision() == f"{len(SWITCHED) - 1}.1"
