"""A message that may stand in Slack though nobody knows: its answer was lost, or its bot died before it was noted."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace

import pytest

from bot.sandbox.slack.limits import Limits, Tier
from bot.slack.cards.live import change_card, metadata
from bot.slack.messages.thread import thread
from bot.tails.delivery.finder import told_metadata
from bot.tails.delivery.shown import Shown, write_shown
from policies.change import Refused, Why
from tests.slack.journals import FINISHED, TURNED
from tests.slack.room import Room
from tests.slack.support import seen_text, until

LOST = {"slack": "lost", "method": "chat.postMessage", "seconds": 60}


async def test_a_card_whose_answer_was_lost_is_found_and_not_posted_again(room: Room) -> None:
    await room.slack.stand_in.fault(LOST | {"count": 1})
    async with room.tail("a"):
        await room.propose()
        await until(lambda: len(room.cards()) == 1)
        await room.approve()
        await until(lambda: room.says("Approved by"))
        await asyncio.sleep(0.3)
    assert await room.store.card(room.change.id) == ("C0DEPLOYS", room.cards()[0]["ts"])


async def test_every_first_answer_is_lost_and_all_is_said_once(room: Room) -> None:
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        await room.slack.stand_in.fault(LOST)
        await room.walk(TURNED, pause=0.02)
        await until(lambda: room.says("Turned back") and len(room.thread()) >= 3)
        await room.slack.stand_in.fault({"slack": "up"})
        await until(lambda: "Asked for by Dana Dev" in room.told())
        await asyncio.sleep(0.3)
    lines = [line for message in room.thread() for line in seen_text(message | {"text": ""}).splitlines()]
    twice = [line for line, times in Counter(lines).items() if times > 1 and line.strip("`")]
    assert len(room.cards()) == 1 and twice == []


async def test_a_bot_that_died_between_the_post_and_its_note_left_a_card_that_is_found(room: Room) -> None:
    """All that the next bot knows is that one was about to be posted."""
    await room.propose()
    view = await room.looking.view(room.change.id)
    card = change_card(view)
    room.post(card, metadata=metadata(view, "0.0"))
    await room.store.set_shown(room.change.id, write_shown(Shown(tried=True)))
    async with room.tail("b"):
        await room.approve()
        await until(lambda: room.says("Approved by"))
    assert len(room.cards()) == 1


async def test_a_bot_that_died_before_the_post_left_nothing_and_it_is_posted(room: Room) -> None:
    await room.propose()
    await room.store.set_shown(room.change.id, write_shown(Shown(tried=True)))
    async with room.tail("b"):
        await until(lambda: room.says("Approval needed"))
    assert len(room.cards()) == 1


async def test_a_copied_card_of_another_change_is_not_taken_for_it(room: Room) -> None:
    await room.propose()
    other = replace(await room.looking.view(room.change.id), change=replace(room.change, id="chg-other1"))
    room.post(change_card(other), metadata=metadata(other, "0.0"))
    await room.store.set_shown(room.change.id, write_shown(Shown(tried=True)))
    async with room.tail("b"):
        await until(lambda: len(room.cards()) == 2)


@pytest.mark.parametrize("told", [0, 1, 2])
async def test_what_was_claimed_and_perhaps_told_is_looked_up_entry_by_entry(room: Room, told: int) -> None:
    """Dead between the claim and the note, after so many of the messages had reached Slack."""
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
    await room.walk(FINISHED)
    view = await room.looking.view(room.change.id)
    messages = thread(FINISHED, 0, view)
    for said in messages[:told]:
        room.post(said.card, thread_ts=room.cards()[0]["ts"], metadata=told_metadata(room.change.id, said.upto))
    await room.store.set_thread_seq(room.change.id, messages[max(told - 1, 0)].upto, 0)
    async with room.tail("b"):
        await until(lambda: room.says("is live on production") and len(room.thread()) >= len(messages))
        await asyncio.sleep(0.3)
    assert [m["text"] for m in room.thread()] == [said.card.text for said in messages]


async def test_nothing_is_looked_up_where_there_is_no_doubt(room: Room) -> None:
    calls: list[str] = []

    class Listening(Limits):
        def spend(self, method: str, tier: Tier) -> None:
            calls.append(method)

    room.slack.stand_in.workspace.limits = Listening(time.time, on=False)
    async with room.tail("a"):
        await room.slack.stand_in.fault({"slack": "429", "method": "chat.postMessage", "count": 1, "seconds": 1})
        await room.walk(FINISHED, pause=0.01)
        await until(lambda: room.says("is live on production") and "Asked for by Dana Dev" in room.told())
        await room.store.put_change(replace(room.change, id="chg-newer2"))
        await until(lambda: len(room.cards()) == 2)
        await room.store.refuse("chg-newer2", Refused("Dana Dev withdrew the request.", Why.WITHDRAWN))
        await until(lambda: "Withdrawn" in seen_text(room.cards()[1]))
    assert set(calls) == {"chat.postMessage", "chat.update"}


async def test_without_the_scope_a_lost_answer_leaves_a_card_that_is_kept_true_and_at_most_one_copy(
    blind_room: Room,
) -> None:
    room = blind_room
    await room.slack.stand_in.fault(LOST | {"count": 1})
    async with room.tail("a"):
        await room.propose()
        await until(lambda: len(room.cards()) == 2)
        await room.approve()
        await until(lambda: "Approved by" in seen_text(room.cards()[1]))
    assert await room.store.card(room.change.id) == ("C0DEPLOYS", room.cards()[1]["ts"])


async def test_without_the_scope_what_was_perhaps_not_told_is_told(blind_room: Room) -> None:
    """Better twice than never."""
    room = blind_room
    await room.walk(TURNED)
    await room.store.set_thread_seq(room.change.id, len(TURNED), 0)
    async with room.tail("b"):
        await until(lambda: "HTTP 500" in room.told() and "Asked for by Dana Dev" in room.told())


async def test_slack_is_too_busy_to_be_looked_into_and_the_card_waits(room: Room) -> None:
    await room.propose()
    await room.store.set_shown(room.change.id, write_shown(Shown(tried=True)))
    await room.slack.stand_in.fault({"slack": "429", "method": "conversations.history", "count": 1, "seconds": 1})
    async with room.tail("b"):
        await asyncio.sleep(0.4)
        assert room.cards() == []
        await until(lambda: room.says("Approval needed"))
