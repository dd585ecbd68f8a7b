"""How a change ends before it is live: rejected, lapsed, withdrawn or stopped, and buttons that are too late."""

from __future__ import annotations

import pytest

from actions.engine.journal import Done, Ended, Outcome, Started, StopAsked, Took, Way
from actions.engine.plan import Do
from policies.change import Refused
from tests.desk.asking import approved, asked, refused
from tests.desk.conftest import Room


@pytest.mark.parametrize(("given", "kept"), [("   ", ""), ("\n\u200b ", ""), (" not today \n", "not today")])
async def test_a_reason_of_nothing_that_can_be_seen_is_none(room: Room, given: str, kept: str) -> None:
    view = await asked(room)
    rejected = await room.desk.reject(view.change.id, view.change.digest, room.who("lead"), "unix:lead", given)
    assert [said.reason for said in rejected.approvals] == [kept]


async def test_a_reject_ends_it_and_says_who(room: Room) -> None:
    view = await asked(room)
    room_view = await room.desk.reject(view.change.id, view.change.digest, room.who("lead"), "unix:lead", "not today")
    assert isinstance(room_view.verdict, Refused)
    assert "Lena" in room_view.verdict.said and "not today" in room_view.verdict.said
    assert "Lena" in await refused(approved(room, view, "tom"))


async def test_a_request_nobody_answers_expires(room: Room) -> None:
    view = await asked(room)
    room.clock.later(hours=4, seconds=1)
    assert "within 4 hours" in await refused(approved(room, view))
    assert room.work.runs == []


async def test_stop_withdraws_what_waits_and_turns_back_what_runs(room: Room) -> None:
    waiting = await asked(room)
    assert "Nothing is running in staging" in await refused(room.desk.stop("staging", room.who("dev")))
    withdrawn = await room.desk.stop("production", room.who("dev"))
    assert withdrawn.change.id == waiting.change.id
    assert isinstance(withdrawn.verdict, Refused) and "withdrew" in withdrawn.verdict.said
    running = await approved(room, await asked(room))
    await room.desk.stop("", room.who("devops"))
    for who in ("devops", "lead"):
        assert "Omar has pressed Stop (2026-11-23T12:00:00Z), and it is stopping." in await refused(
            room.desk.stop("", room.who(who))
        )
    entries = await room.store.read(running.change.id)
    assert [type(entry) for entry in entries[1:]] == [StopAsked]


@pytest.mark.parametrize("typed", ["", "production"])
async def test_somebody_elses_request_is_withdrawn_only_by_its_id(room: Room, typed: str) -> None:
    waiting = await asked(room)
    said = await refused(room.desk.stop(typed, room.who("lead")))
    assert "nothing was withdrawn" in said and "asked for by Dana" in said and f"`stop {waiting.change.id}`" in said
    assert await room.store.waiting("production") == [waiting.change.id]
    withdrawn = await room.desk.stop(waiting.change.id, room.who("lead"))
    assert withdrawn.verdict.said == "Lena withdrew Dana's request before it started (2026-11-23T12:00:00Z)."


async def test_a_stop_that_comes_too_late_says_so_at_once(room: Room) -> None:
    view = await approved(room, await asked(room))
    id_, now = view.change.id, room.clock.now()
    fence = await room.store.take_fence("production", 0)
    await room.store.append(id_, 1, [Took(now, fence, "w")], fence)
    must = [step for step in view.change.plan.steps if step.name != "retain"]
    for step in must:
        for host in step.hosts if isinstance(step, Do) else ("",):
            marks = [Started(now, step.name, host, Way.FORWARD), Done(now, step.name, host, Way.FORWARD)]
            await room.store.append(id_, await room.store.length(id_), marks, fence)
    length = await room.store.length(id_)
    said = await refused(room.desk.stop("", room.who("lead")))
    assert said == "v1.2 is already live and checked, so stop cannot turn it back. Use `rollback`."
    assert await room.store.length(id_) == length


async def test_stop_with_nothing_going_on_says_so(room: Room) -> None:
    assert "Nothing is running" in await refused(room.desk.stop("", room.who("dev")))


async def test_an_old_button_says_what_is_true_now(room: Room) -> None:
    view = await asked(room)
    await approved(room, view)
    assert "under way" in await refused(approved(room, view, "tom"))
    fence = await room.store.take_fence("production", 0)
    ended = Ended(room.clock.now(), Outcome.DONE, "v1.2 is live on production.")
    await room.store.append(view.change.id, 1, [Took(room.clock.now(), fence, "w"), ended], fence)
    assert "v1.2 is live" in await refused(approved(room, view, "tom"))
    assert "has ended" in await refused(room.desk.stop(view.change.id, room.who("lead")))
