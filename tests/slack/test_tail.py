"""Cards and threads against a real Redis and a strict Slack: once each, true in the end, whatever fails between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from actions.engine.journal import Entry, Opened
from actions.engine.ports import Clock
from bot.looking import Looking
from bot.planning import Planning
from bot.slack.web import new_client, new_session
from bot.store import Store, StoreDown
from bot.tails.lease import NAME
from bot.tails.pace import Minute, Pace
from bot.tails.shown import Shown, read_shown, write_shown
from bot.tails.slack import SlackTail
from policies.change import Approval, Change, Refused, Why, Word
from tests.slack.support import QUICK, RealClock, Slack, seen_text, start_slack, until
from tests.slack.views import CHANGE, FINISHED, PEOPLE, SWITCHED, TURNED, ended
from tests.support.redis import RedisServer, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(Path(tmp_path_factory.mktemp("redis"))) as one:
        yield one


@dataclass
class Room:
    """A Slack, a store, and tails that come and go."""

    slack: Slack
    store: Store
    looking: Looking
    change: Change

    def tail(self, name: str, pace: Pace = QUICK) -> Any:
        return tailing(self, name, pace)

    async def propose(self) -> None:
        await self.store.put_change(self.change)

    async def approve(self) -> None:
        said = Approval("lead", Word.APPROVE, self.change.digest, self.change.at, "", "T0CHOM:U0LEAD")
        await self.store.add_approval(self.change.id, said, 0)

    async def walk(self, entries: Sequence[Entry], pause: float = 0.0) -> None:
        """Open the run and write its journal, as a walker does."""
        await self.propose()
        await self.approve()
        assert isinstance(entries[0], Opened)
        await self.store.open_run(self.change, replace(entries[0], digest=self.change.digest))
        for entry in entries[1:]:
            await self.store.append(self.change.id, await self.store.length(self.change.id), [entry], None)
            await asyncio.sleep(pause)

    def cards(self) -> list[dict[str, Any]]:
        return [m for m in self.slack.messages() if m.get("metadata", {}).get("event_type") == "chom_card"]

    def thread(self) -> list[dict[str, Any]]:
        return [m for m in self.slack.messages() if m.get("thread_ts") and m["thread_ts"] != m["ts"]]

    def says(self, words: str) -> bool:
        """Whether the only card says this."""
        cards = self.cards()
        return len(cards) == 1 and words in seen_text(cards[0])

    def told(self) -> str:
        return "\n".join(seen_text(message | {"text": ""}) for message in self.thread())


@asynccontextmanager
async def tailing(room: Room, name: str, pace: Pace) -> AsyncIterator[SlackTail]:
    """One bot's tail."""
    settings, session, stop = room.slack.settings(), new_session(), asyncio.Event()
    client = new_client(settings, session, token=settings.bot_token, retrying=False)
    tail = SlackTail(client, room.store, room.looking, settings, instance=name, pace=pace)
    running = asyncio.create_task(tail.run(stop))
    try:
        yield tail
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)
        await session.close()


@pytest.fixture
async def room(redis: RedisServer) -> AsyncIterator[Room]:
    with redis.client() as client:
        client.flushall()
    slack, store, clock = await start_slack(limits=False), Store(redis.url), RealClock()
    change = replace(CHANGE, at=clock.now().replace(microsecond=0))
    yield Room(slack, store, looking(store, clock), change)
    await store.close()
    await slack.server.close()


def looking(store: Store, clock: Clock) -> Looking:
    """The desk's own eyes."""
    return Looking(Planning(None, {}, "", None, None), store, PEOPLE, clock)


async def test_a_change_gets_one_card_that_follows_it_to_its_end(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        (card,) = room.cards()
        assert await room.store.card(room.change.id) == ("C0DEPLOYS", card["ts"])
        await room.approve()
        opened = replace(FINISHED[0], digest=room.change.digest)
        await room.store.open_run(room.change, opened)
        await until(lambda: room.says("Starting."))
        await room.store.append(room.change.id, 1, FINISHED[1:6], None)
        await until(lambda: room.says("Running."))
        await room.store.append(room.change.id, 6, FINISHED[6:], None)
        await until(lambda: room.says("v1.2 is live on production") and "Done" in room.told())
    (card,) = room.cards()
    assert card["metadata"]["event_payload"] == {"change": room.change.id, "revision": f"{len(FINISHED)}.1"}
    (end,) = [m for m in room.thread() if m.get("subtype") == "thread_broadcast"]
    assert "It took 24 s." in end["text"] and end["thread_ts"] == card["ts"]
    assert room.told().count("2 migrations applied") == 1


async def test_rejected_and_lapsed_requests_lose_their_buttons(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        said = Approval("lead", Word.REJECT, room.change.digest, room.change.at, "", "T0CHOM:U0LEAD")
        await room.store.add_approval(room.change.id, said, 0)
        await until(lambda: room.says("Rejected by Lea Lead"))
    assert "chom_approve" not in str(room.cards())
    assert room.thread() == []


async def test_a_request_lapses_on_its_card_without_anybody_touching_it(room: Room) -> None:
    class Later(RealClock):
        ahead = 0.0

        def now(self):
            from datetime import timedelta

            return super().now() + timedelta(seconds=self.ahead)

    clock = Later()
    room.looking = looking(room.store, clock)
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        clock.ahead = 4 * 3600 + 1
        await until(lambda: room.says("Lapsed."))
    assert "chom_approve" not in str(room.cards())


async def test_the_failing_steps_output_is_in_the_thread_and_the_end_is_said_in_the_channel(room: Room) -> None:
    async with room.tail("a"):
        await room.walk(TURNED)
        await until(lambda: room.says("Turned back.") and "Asked for by Dana Dev" in room.told())
    assert "HTTP 500 Internal Server Error" in room.told()
    assert [m.get("subtype") for m in room.thread()].count("thread_broadcast") == 1
    assert "2026_11_01_000001_create_orders" in seen_text(room.cards()[0])


async def test_slack_is_down_for_the_whole_deploy_and_everything_is_right_when_it_is_back(room: Room) -> None:
    await room.slack.stand_in.fault({"slack": "down", "seconds": 60})
    async with room.tail("a"):
        await room.walk(FINISHED)
        await asyncio.sleep(0.3)
        assert room.slack.messages() == []
        await room.slack.stand_in.fault({"slack": "up"})
        await until(lambda: room.says("v1.2 is live on production") and "Done" in room.told())
    assert len(room.cards()) == 1 and room.told().count("2 migrations applied") == 1


async def test_a_bot_that_comes_late_brings_everything_up_to_date(room: Room) -> None:
    await room.walk(FINISHED)
    async with room.tail("a"):
        await until(lambda: room.says("v1.2 is live on production") and "Done" in room.told())
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


async def test_a_lost_answer_leaves_a_card_that_is_kept_true_and_at_most_one_copy(room: Room) -> None:
    await room.slack.stand_in.fault({"slack": "lost", "method": "chat.postMessage", "count": 1, "seconds": 30})
    async with room.tail("a"):
        await room.propose()
        await until(lambda: len(room.cards()) == 2)
        await room.approve()
        await until(lambda: "Lea Lead" in seen_text(room.cards()[1]))
    known = await room.store.card(room.change.id)
    assert known == ("C0DEPLOYS", room.cards()[1]["ts"])


async def test_an_update_that_was_lost_is_made_again(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.slack.stand_in.fault({"slack": "lost", "method": "chat.update", "count": 1, "seconds": 30})
        await room.store.refuse(room.change.id, Refused("Dana Dev withdrew the request.", Why.REJECTED))
        await until(lambda: room.says("Withdrawn."))


async def test_two_bots_tell_everything_once(room: Room) -> None:
    async with room.tail("a"), room.tail("b"):
        await room.walk(FINISHED, pause=0.03)
        await until(lambda: room.says("v1.2 is live on production") and "Done: Deploy" in room.told())
    told = room.told()
    assert told.count("2 migrations applied") == 1 and told.count("answered well 3 times") == 1
    assert told.count("Done: Deploy") == 1 and len(room.cards()) == 1


async def test_when_the_tailing_bot_dies_another_goes_on_within_seconds(room: Room) -> None:
    await room.store.hold_instance(NAME, "dead", 0.5)
    async with room.tail("b"):
        begun = time.monotonic()
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        assert 0.2 < time.monotonic() - begun < 4


async def test_what_was_claimed_and_perhaps_not_told_is_told_by_the_next(room: Room) -> None:
    """A bot that died between the claim and the call: better twice than never."""
    await room.walk(TURNED)
    await room.store.set_thread_seq(room.change.id, len(TURNED), 0)
    async with room.tail("b"):
        await until(lambda: "HTTP 500" in room.told() and "Asked for by Dana Dev" in room.told())


async def test_a_bot_that_lost_the_lease_writes_nothing_more(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        assert await room.store.hold_instance(NAME, "other", 30, stale="a") == ""
        await asyncio.sleep(QUICK.lease)
        await room.approve()
        await asyncio.sleep(0.5)
        assert "Approved by" not in seen_text(room.cards()[0])


async def test_progress_is_coalesced_and_the_end_comes_at_once(room: Room) -> None:
    slow = replace(QUICK, card=0.8)
    updates: list[float] = []
    async with room.tail("a", slow):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        memory = room.slack.stand_in.memory
        await room.approve()
        await room.store.open_run(room.change, replace(SWITCHED[0], digest=room.change.digest))
        seen = ""
        for entry in SWITCHED[1:]:
            await room.store.append(room.change.id, await room.store.length(room.change.id), [entry], None)
            await asyncio.sleep(0.05)
            edited = memory.channels["C0DEPLOYS"][0].get("edited", {}).get("ts", "")
            if edited != seen:
                updates.append(time.monotonic())
                seen = edited
        assert 1 <= len(updates) <= 5 < len(SWITCHED)
        rest = FINISHED[len(SWITCHED) :]
        await room.store.append(room.change.id, len(SWITCHED), rest, None)
        begun = time.monotonic()
        await until(lambda: room.says("v1.2 is live on production"))
        assert time.monotonic() - begun < 0.6


async def test_an_older_success_loses_its_roll_back_when_something_newer_runs(room: Room) -> None:
    async with room.tail("a"):
        await room.walk(FINISHED)
        await until(lambda: room.says("v1.2 is live on production") and "chom_rollback" in str(room.cards()))
        newer = replace(room.change, id="chg-newer2", at=RealClock().now())
        await room.store.put_change(newer)
        await until(lambda: len(room.cards()) == 2)
        assert "chom_rollback" in str(room.cards()[0])
        await room.store.open_run(newer, replace(FINISHED[0], change=newer.id, digest=newer.digest))
        await until(lambda: "chom_rollback" not in str(room.cards()[0]))


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
        await until(lambda: room.says("v1.2 is live on production") and "Done: Deploy" in room.told())
        await asyncio.sleep(0.8)
    assert room.store.away > 3 and len(room.cards()) == 1
    assert room.told().count("2 migrations applied") == 1 and room.told().count("Done: Deploy") == 1
    await room.store.close()
    room.store = plain


async def test_the_last_pictures_are_sent_when_the_bot_stops(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.store.refuse(room.change.id, Refused("Dana Dev withdrew the request.", Why.REJECTED))
        await asyncio.sleep(0.02)
    assert room.says("Withdrawn.")
    assert await room.store.hold_instance(NAME, "next", 1) == ""


def test_a_minute_keeps_its_reserve() -> None:
    minute = Minute(5)
    for second in range(3):
        assert minute.wait(second, 2) == 0.0
        minute.count(second)
    assert minute.wait(3, 2) == 57.0
    assert minute.wait(3, 0) == 0.0
    minute.count(3)
    minute.count(3)
    assert minute.wait(4, 0) == 56.0
    assert minute.wait(60.5, 0) == 0.0


def test_what_another_version_noted_is_not_believed() -> None:
    assert read_shown(write_shown(Shown(3, 1, "running", "ab", 2))) == Shown(3, 1, "running", "ab", 2)
    assert read_shown("") == Shown()
    assert read_shown('{"seq": "many"}') == Shown()


def test_the_journal_used_here_is_whole() -> None:
    assert ended("x", "", 1).kind == "done" and FINISHED[: len(SWITCHED)] == SWITCHED
