"""What nobody has to approve: it starts at once, or waits for a hand where it came second."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.engine.journal import Ended, Outcome
from bot.desk.view import ChangeView
from policies.change import Refused, Why
from tests.desk.asking import approved, asked, refused
from tests.desk.conftest import Room


async def test_staging_needs_nobody(room: Room) -> None:
    view = await asked(room, "deploy v1.2 to staging")
    assert view.run.opened is not None
    assert room.work.runs == [view.change.id]


async def left_waiting(room: Room) -> ChangeView:
    """Asked for by Dana together with another one, which was first, runs, and is turned back."""
    texts = ("deploy v1.2 to staging", "deploy v1.1 to staging")
    await asyncio.gather(*(asked(room, text) for text in texts), return_exceptions=True)
    (runs,), (waits,) = await room.store.open_runs(), await room.store.waiting("staging")
    fence = await room.store.take_fence("staging", 0)
    ended = Ended(room.clock.now(), Outcome.TURNED_BACK, "It was turned back.")
    await room.store.append(runs, 1, [ended], fence)
    return await room.desk.view(waits)


@pytest.mark.parametrize("who", ["dev", "lead", "devops"])
async def test_what_nobody_has_to_approve_and_was_second_is_started_by_hand(room: Room, who: str) -> None:
    view = await left_waiting(room)
    started = await approved(room, view, who)
    assert started.run.opened and started.run.opened.by == who
    assert started.approvals == ()
    assert "has started and is under way" in await refused(approved(room, view, who))
    assert await room.store.open_runs() == [view.change.id]


@pytest.mark.parametrize("who", ["dev", "lead", "devops"])
async def test_what_nobody_has_to_approve_and_was_second_is_rejected(room: Room, who: str) -> None:
    view = await left_waiting(room)
    for _ in range(2):
        now = await room.desk.reject(view.change.id, view.change.digest, room.who(who), f"unix:{who}", "not today.")
        assert now.verdict == Refused(f"{room.who(who).name} rejected it: not today.", Why.REJECTED)
    assert "rejected it: not today." in await refused(approved(room, view))
    assert await room.store.waiting() == [] == await room.store.open_runs()


async def test_what_nobody_has_to_approve_and_nobody_started_lapses(room: Room) -> None:
    view = await left_waiting(room)
    room.clock.later(hours=5)
    assert (await room.desk.view(view.change.id)).verdict.said == "It was not started within 4 hours."


async def test_what_nobody_has_to_approve_is_not_for_everybody_to_start_or_reject(room: Room) -> None:
    view = await left_waiting(room)
    tom = replace(room.who("tom"), roles=frozenset())
    digest, said = view.change.digest, "Only Dana or somebody with a role, such as a Tech Lead, can start or reject"
    assert said in await refused(room.desk.approve(view.change.id, digest, tom, "unix:tom"))
    assert said in await refused(room.desk.reject(view.change.id, digest, tom, "unix:tom"))
    assert await room.store.waiting("staging") == [view.change.id]
