"""What rings under a card: each once, to whom it concerns, also where bots die between saying and noting it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from actions.engine.journal import Ended, Opened, Outcome
from bot.slack.messages.notices import notices
from bot.tails.delivery.shown import read_shown, write_shown
from policies.change import Approval, Evidence, Requirement, WhenReady, Word
from tests.slack.changes import CHANGE, URGENT, after, yes
from tests.slack.room import Room, looking
from tests.slack.support import until
from tests.slack.test_tail import Later
from tests.slack.views import STAGES, judged

HALF = timedelta(minutes=30)


def due(name: str, said: dict[str, int] | None = None, **more: object) -> list[str]:
    return [one.key for one in notices(replace(STAGES[name], **more), said or {}, HALF)]  # type: ignore[arg-type]


def test_a_reminder_is_due_once_half_an_hour_is_over_and_only_while_somebody_could_approve() -> None:
    assert due("waiting", now=after(1799)) == [] and due("waiting", now=after(1800)) == ["remind:0"]
    assert due("waiting", {"remind": 0}, now=after(9000)) == []
    assert due("waiting_nobody_can", now=after(9000)) == [] and due("allowed", now=after(9000)) == []
    assert notices(replace(STAGES["waiting"], now=after(9000)), {}, timedelta()) == ()


def test_what_holds_for_half_an_hour_is_reminded_of_after_a_quarter() -> None:
    assert [one.key for one in notices(judged(URGENT, seconds=901), {"tell": 0}, HALF)] == ["remind:0"]


def test_an_emergency_is_told_at_once_to_the_cto_and_to_the_channel() -> None:
    (one,) = notices(STAGES["emergency"], {}, HALF)
    assert one.key == "tell:0" and one.broadcast and "<@U0CTO>" in str(one.card.blocks)
    assert "The checkout answers 500" in one.card.text and "Staging, CI checks and Branch" in one.card.text
    assert due("emergency", {"tell": 0}) == [] and due("waiting") == []


def test_a_review_is_asked_for_at_the_end_and_each_week_once_however_late() -> None:
    week = 7 * 86_400
    at = lambda weeks: after(65 + weeks * week)  # noqa: E731
    said = {"tell": 0}
    assert due("emergency_done", said, now=at(0)) == ["review:0"]
    assert due("emergency_done", {**said, "review": 0}, now=at(1) - timedelta(seconds=1)) == []
    assert due("emergency_done", {**said, "review": 0}, now=at(1)) == ["review:1"]
    assert due("emergency_done", {**said, "review": 1}, now=at(4)) == ["review:4"], "one for the weeks nobody was there"
    assert due("emergency_done", {**said, "review": 4}, now=at(2)) == [], "also where the clock is set back"
    assert due("emergency_reviewed", said, now=at(9)) == []


def test_the_last_gate_rings_for_the_last_approver_and_anew_after_a_new_approval() -> None:
    asks = Requirement(3, "It is big.", CHANGE.requirement.needs, ("drill",), when_ready=WhenReady.ASK)
    change = replace(CHANGE, requirement=asks)
    drill = (Evidence("drill", True, "A drill passed.", after(0)),)
    seen = replace(STAGES["allowed_held"], change=change, evidence=drill, approvals=(yes(change=change),))
    (one,) = notices(seen, {}, HALF)
    assert one.key == "ready:1" and "<@U0LEAD>" in str(one.card.blocks) and not one.broadcast
    assert notices(seen, {"ready": 1}, HALF) == ()
    assert notices(replace(seen, held=False), {}, HALF) == ()
    assert due("allowed_held") == [], "who pressed Start was told why it did not start"


def test_what_was_said_is_noted_and_an_older_note_is_read() -> None:
    noted = replace(read_shown(""), notices={"review": 3}, notice="review:3")
    assert read_shown(write_shown(noted)) == noted
    assert read_shown('{"seq": 3, "approvals": 1, "stage": "", "face": "ab", "thread": 2}').notices == {}


# --- in a thread ---------------------------------------------------------


def heard(room: Room, words: str) -> list[dict[str, object]]:
    return [message for message in room.thread() if words in str(message["blocks"])]


async def urgent(room: Room, clock: Later) -> None:
    """An emergency that has ended."""
    room.looking = looking(room.store, clock)
    room.change = replace(URGENT, at=clock.now().replace(microsecond=0))
    change = room.change
    await room.store.put_change(change)
    said = Approval("devops", Word.APPROVE, change.digest, change.at, "", "T0CHOM:U0DEVOPS")
    await room.store.add_approval(change.id, said, 0)
    await room.store.open_run(change, Opened(change.at, change.id, change.digest, "devops"))
    await room.store.append(change.id, 1, [Ended(change.at, Outcome.DONE, "v1.2 is live on production.")], None)


async def test_those_who_could_approve_are_reminded_once_by_a_new_message(room: Room) -> None:
    clock = Later()
    room.looking = looking(room.store, clock)
    async with room.tail("a"):
        await room.propose()
        await until(lambda: room.says("Approval needed"))
        assert room.thread() == []
        clock.ahead = 1801.0
        await until(lambda: heard(room, "Still waiting: <@U0LEAD>"))
        clock.ahead = 7200.0
        await asyncio.sleep(1.0)
    async with room.tail("b"):
        await asyncio.sleep(1.0)
    assert len(room.thread()) == 1


async def test_the_cto_hears_of_an_emergency_when_it_is_asked_for(room: Room) -> None:
    room.looking = looking(room.store, Later())
    room.change = replace(URGENT, at=room.looking.clock.now().replace(microsecond=0))
    async with room.tail("a"):
        await room.propose()
        await until(lambda: heard(room, "<@U0CTO>: Ola Ops asks for an emergency change"))
    assert (await room.store.approvals(room.change.id))[1] == 0 and await room.store.read(room.change.id) == []


async def test_a_review_nags_each_week_until_it_is_written(room: Room) -> None:
    clock = Later()
    await urgent(room, clock)
    async with room.tail("a"):
        await until(lambda: heard(room, "a second person has to review it"))
        assert len(heard(room, "<@U0CTO>: Ola Ops asks for an emergency change")) == 1
        clock.ahead = 7 * 86_400.0 + 60
        await until(lambda: heard(room, "has been open for 1 week."))
    async with room.tail("b"):
        clock.ahead = 14 * 86_400.0 + 60
        await until(lambda: heard(room, "has been open for 2 weeks."))
        await asyncio.sleep(1.0)
    assert [len(heard(room, words)) for words in ("asks for an emergency", "has been open for")] == [1, 2]


async def begun(room: Room, said: Callable[[], object]) -> None:
    """A tail says all there is, and then its last note is taken back: it died before it was written."""
    async with room.tail("a"):
        await until(said)
        await asyncio.sleep(0.3)
    noted = read_shown(await room.store.shown(room.change.id))
    name, _, _ = noted.notice.partition(":")
    back = {known: number for known, number in noted.notices.items() if known != name}
    await room.store.set_shown(room.change.id, write_shown(replace(noted, notices=back)))


async def test_what_a_bot_said_that_died_before_it_noted_it_is_not_said_again(room: Room) -> None:
    await urgent(room, Later())
    await begun(room, lambda: heard(room, "a second person has to review it"))
    async with room.tail("b"):
        await until_noted(room, "review")
        await asyncio.sleep(0.5)
    assert len(heard(room, "a second person has to review it")) == 1


@pytest.mark.parametrize("name", ["tell", "review"])
async def test_a_bot_that_may_not_look_rather_says_an_alarm_twice_and_a_reminder_not(
    blind_room: Room, name: str
) -> None:
    room = blind_room
    await urgent(room, Later())
    async with room.tail("a"):
        await until(lambda: heard(room, "a second person has to review it"))
        await asyncio.sleep(0.3)
    noted = read_shown(await room.store.shown(room.change.id))
    back = {known: number for known, number in noted.notices.items() if known != name}
    await room.store.set_shown(room.change.id, write_shown(replace(noted, notices=back, notice=f"{name}:0")))
    async with room.tail("b"):
        await until_noted(room, name)
        await asyncio.sleep(0.5)
    assert len(heard(room, "asks for an emergency change")) == 1 + (name == "tell")
    assert len(heard(room, "a second person has to review it")) == 1


async def until_noted(room: Room, name: str) -> None:
    for _ in range(400):
        if name in read_shown(await room.store.shown(room.change.id)).notices:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{name} was never noted")
