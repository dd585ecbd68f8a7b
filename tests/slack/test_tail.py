"""Cards and threads against a real Redis and a strict Slack: once each, at Slack's pace, true in the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime, timedelta

from bot.tails.delivery.shown import Shown, read_shown, write_shown
from bot.tails.lease import NAME
from policies.change import Approval, Refused, Why, Word
from tests.slack.journals import FINISHED, STAGED, SWITCHED, TURNED, begun, ended
from tests.slack.room import Room, looking
from tests.slack.support import QUICK, RealClock, seen_text, until


class Later(RealClock):
    """So many seconds later than now."""

    ahead = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.ahead)


async def test_a_change_gets_one_card_that_follows_it_to_its_end(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        (card,) = room.cards()
        async with asyncio.timeout(5):
            while await room.store.card(room.change.id) != ("C0DEPLOYS", card["ts"]):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await room.approve()
        opened = replace(FINISHED[0], digest=room.change.digest)
        await room.store.open_run(room.change, opened)
        await until(lambda: room.says("Starting."))
        await room.store.append(room.change.id, 1, FINISHED[1:6], None)
        await until(lambda: room.says("Running."))
        await room.store.append(room.change.id, 6, FINISHED[6:], None)
        await until(lambda: room.says("v1.2 is live on production") and "Something wrong?" in room.told())
    (card,) = room.cards()
    assert card["metadata"]["event_payload"] == {"change": room.change.id, "revision": f"{len(FINISHED)}.1"}
    assert "It took 24 s." in card["text"], "the channel reads it there"
    end = room.thread()[-1]
    assert "It took 24 s." in end["text"] and end["thread_ts"] == card["ts"] and "subtype" not in end
    assert room.told().count("Migrations on app1: 2 applied") == 1


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
    clock = Later()
    room.looking = looking(room.store, clock)
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        clock.ahead = 4 * 3600 + 1
        await until(lambda: room.says("Lapsed."))
    assert "chom_approve" not in str(room.cards())


async def test_how_long_a_step_has_been_running_is_kept_true_while_nothing_happens(room: Room) -> None:
    clock = Later()
    room.looking = looking(room.store, clock)
    opened = replace(STAGED[0], at=clock.now())
    async with room.tail("a"):
        await room.walk([opened, *STAGED[1:], begun("migrate", "app1", 50)])
        await until(lambda: room.says("Started at"))
        clock.ahead = 185.0
        await until(lambda: room.says("3 min so far."))
    assert len(room.cards()) == 1


async def test_the_failing_steps_output_and_the_end_are_said_in_the_channel_too(room: Room) -> None:
    async with room.tail("a"):
        await room.walk(TURNED)
        await until(lambda: room.says("Turned back.") and "Asked for by Dana Dev" in room.told())
    heard = [seen_text(m) for m in room.thread() if m.get("subtype") == "thread_broadcast"]
    assert len(heard) == 2 and "HTTP 500 Internal Server Error" in heard[0] and "Turned back" in heard[1]
    assert "2026_11_01_000001_create_orders" in seen_text(room.cards()[0])


async def test_two_bots_tell_everything_once(room: Room) -> None:
    async with room.tail("a"), room.tail("b"):
        await room.walk(FINISHED, pause=0.03)
        await until(lambda: room.says("v1.2 is live on production") and "Something wrong?" in room.told())
    told = room.told()
    assert told.count("Migrations on app1: 2 applied") == 1 and told.count("3 good answers in a row") == 1
    assert told.count("Something wrong?") == 1 and len(room.cards()) == 1


async def test_progress_is_coalesced_and_the_end_comes_at_once(room: Room) -> None:
    slow = replace(QUICK, card=0.8)
    updates: list[float] = []
    async with room.tail("a", slow):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        memory = room.slack.stand_in.memory
        await room.approve()
        await room.store.open_run(room.change, replace(SWITCHED[0], digest=room.change.digest))
        seen = memory.channels["C0DEPLOYS"][0]["blocks"]
        for entry in SWITCHED[1:]:
            await room.store.append(room.change.id, await room.store.length(room.change.id), [entry], None)
            await asyncio.sleep(0.05)
            shown = memory.channels["C0DEPLOYS"][0]["blocks"]
            if shown != seen:
                updates.append(time.monotonic())
                seen = shown
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


async def test_the_last_pictures_are_sent_when_the_bot_stops(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.store.refuse(room.change.id, Refused("Dana Dev withdrew the request.", Why.WITHDRAWN))
        await asyncio.sleep(0.02)
    assert room.says("Withdrawn.")
    assert await room.store.hold_instance(NAME, "next", 1) == ""


def test_what_another_version_noted_is_not_believed() -> None:
    assert read_shown(write_shown(Shown(3, 1, "running", "ab", 2, True))) == Shown(3, 1, "running", "ab", 2, True)
    assert read_shown('{"seq": 3, "approvals": 1, "stage": "", "face": "ab", "thread": 2}').thread == 2
    assert read_shown("") == Shown()
    assert read_shown('{"seq": "many"}') == Shown()


def test_the_journal_used_here_is_whole() -> None:
    assert ended("x", "", 1).kind == "done" and FINISHED[: len(SWITCHED)] == SWITCHED
