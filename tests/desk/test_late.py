"""An approval whose bot died before it opened the run: the change is started once, and only if it still may be."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from dataclasses import replace

import pytest

from actions.engine.journal import Ended, Opened, Outcome
from bot.desk.desk import Desk, Refusal
from bot.desk.late import LateStarts
from bot.desk.view import ChangeView
from bot.store import Store
from policies.change import Allowed, Approval, Refused, Waiting, Why, Word
from tests.desk.conftest import BLUE, Room, Started
from tests.support.redis import RedisServer


async def left(room: Room, text: str = "deploy v1.2") -> ChangeView:
    """Asked for by Dana and approved by Lena; the bot that took the click is dead, and its time is over."""
    view = await room.desk.propose(text, room.who("dev"))
    approval = Approval("lead", Word.APPROVE, view.change.digest, room.clock.now(), "", "unix:lead")
    await room.store.add_approval(view.change.id, approval, 0)
    room.clock.later(seconds=6)
    return view


async def test_it_is_started_as_by_the_one_who_approved_it(room: Room) -> None:
    change = (await left(room)).change.id
    await LateStarts(room.desk).look()
    (opened,) = await room.store.read(change)
    assert isinstance(opened, Opened) and opened.by == "lead"
    assert room.work.runs == [change]
    await LateStarts(room.desk).look()
    assert len(await room.store.read(change)) == 1


async def test_the_bot_that_took_the_click_is_left_some_time(room: Room) -> None:
    change = (await left(room)).change.id
    room.clock.later(seconds=-3)
    await LateStarts(room.desk).look()
    assert await room.store.read(change) == []


async def test_what_nobody_has_to_approve_is_started_as_by_who_asked(room: Room) -> None:
    """The bot died between the request and the start."""
    preview = await room.desk.preview("deploy v1.2 to staging", room.who("dev"))
    await room.store.put_change(preview.change)
    room.clock.later(seconds=6)
    await LateStarts(room.desk).look()
    (opened,) = await room.store.read(preview.change.id)
    assert isinstance(opened, Opened) and opened.by == "dev"


async def test_what_waits_for_an_approval_is_left_alone(room: Room) -> None:
    view = await room.desk.propose("deploy v1.2", room.who("dev"))
    room.clock.later(hours=1)
    await LateStarts(room.desk).look()
    assert await room.store.read(view.change.id) == []


async def test_two_bots_that_both_see_it_start_it_once(room: Room, redis: RedisServer) -> None:
    changes = [(await left(room)).change.id]
    stores = [Store(redis.url) for _ in range(5)]
    works = [Started() for _ in stores]
    desks = [_desk(room, store, work) for store, work in zip(stores, works, strict=True)]
    try:
        await asyncio.gather(*(LateStarts(desk).look() for desk in desks))
    finally:
        for store in stores:
            await store.close()
    assert [run for work in works for run in work.runs] == changes
    assert len(await room.store.read(changes[0])) == 1


def _desk(room: Room, store: Store, work: Started) -> Desk:
    """The desk of another bot."""
    looking = replace(room.desk.looking, store=store)
    return replace(room.desk, looking=looking, store=store, work=work, _starting=defaultdict(asyncio.Lock))


async def test_it_is_judged_again(room: Room) -> None:
    """An approval does not outlive its time because a bot was away."""
    change = (await left(room)).change.id
    room.clock.later(hours=5)
    await LateStarts(room.desk).look()
    assert await room.store.read(change) == []
    refused = (await room.desk.view(change)).verdict
    assert isinstance(refused, Refused) and refused.why is Why.EXPIRED


async def test_its_plan_is_made_again(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    change = (await left(room)).change.id
    room.shelf.built["v1.2"] = replace(room.shelf.built["v1.2"], sha256="9" * 64)
    with caplog.at_level(logging.WARNING):
        await LateStarts(room.desk).look()
    assert "v1.2 was built again since this was asked" in caplog.text
    refused = (await room.desk.view(change)).verdict
    assert isinstance(refused, Refused) and refused.why is Why.VOID
    assert room.work.runs == []


async def test_who_was_told_that_it_cannot_start_now_starts_it_himself(room: Room) -> None:
    """A server was away at the click: the approver knows, and nothing begins behind his back at night."""
    view = await room.desk.propose("deploy v1.2", room.who("dev"))
    room.servers.down.add("app2")
    with pytest.raises(Refusal, match="app2"):
        await room.desk.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    room.servers.down.clear()
    room.clock.later(minutes=10)
    await LateStarts(room.desk).look()
    assert await room.store.read(view.change.id) == []
    started = await room.desk.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    assert started.run.opened


async def test_a_click_that_died_after_an_earlier_refusal_counts(room: Room) -> None:
    """The second approver's bot died; that the first one was refused no longer holds."""
    view = await room.desk.propose("deploy v1.2", room.who("dev"))
    room.servers.down.add("app2")
    with pytest.raises(Refusal):
        await room.desk.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    room.servers.down.clear()
    approval = Approval("tom", Word.APPROVE, view.change.digest, room.clock.now(), "", "unix:tom")
    await room.store.add_approval(view.change.id, approval, 1)
    room.clock.later(seconds=6)
    await LateStarts(room.desk).look()
    (opened,) = await room.store.read(view.change.id)
    assert isinstance(opened, Opened) and opened.by == "tom"


async def test_a_turn_that_is_not_its_own_is_waited_for_by_a_person(room: Room) -> None:
    """Its environment is taken: it is not started behind the other one when that has ended."""
    first, second = await left(room), await left(room, "deploy v1.1")
    await LateStarts(room.desk).look()
    opened = [view.change.id for view in (first, second) if await room.store.read(view.change.id)]
    assert len(opened) == 1 == len(room.work.runs)
    fence = await room.store.take_fence("production", 0)
    ended = Ended(room.clock.now(), Outcome.TURNED_BACK, "It was turned back.")
    await room.store.append(opened[0], 1, [ended], fence)
    await LateStarts(room.desk).look()
    assert await room.store.open_runs() == []
    (waits,) = [view.change.id for view in (first, second) if view.change.id not in opened]
    now = await room.desk.view(waits)
    assert isinstance(now.verdict, Allowed) and now.held and not now.behind


async def test_who_waits_for_his_turn_is_told_behind_what_and_that_it_is_over_where_the_plan_moved(room: Room) -> None:
    """Both approved at once; the winner went live: nobody has to press Start to hear that the other one is void."""
    first, second = await left(room), await left(room, "deploy v1.1")
    late = LateStarts(room.desk)
    await late.look()
    (runs,) = await room.store.open_runs()
    won, lost = (first, second) if runs == first.change.id else (second, first)
    waits = await room.desk.view(lost.change.id)
    assert (waits.behind, waits.held) == (won.change.plan.title, True)
    await late.look()
    fence = await room.store.take_fence("production", 0)
    done = Ended(room.clock.now(), Outcome.DONE, "It is live on production.")
    await room.store.append(runs, 1, [done], fence)
    new = replace(BLUE, id="20261123_120000", version=won.change.plan.version, activated=(1_795_435_200,))
    for name, seen in room.servers.seen.items():
        room.servers.seen[name] = replace(seen, current=new.id, releases=(new, *seen.releases))
    await late.look()
    over = (await room.desk.view(lost.change.id)).verdict
    assert isinstance(over, Refused) and over.why is Why.VOID and "Nothing was started." in over.said
    assert room.work.runs == [runs] and await room.store.waiting() == []


async def test_what_another_change_has_moved_is_void_before_anybody_approves_it(room: Room) -> None:
    """v1.1 went live meanwhile: the card of v1.2 must not collect approvals for a plan that cannot start."""
    waits = await room.desk.propose("deploy v1.2", room.who("dev"))
    other = await left(room, "deploy v1.1")
    late = LateStarts(room.desk)
    await late.look()
    assert await room.store.open_runs() == [other.change.id]
    await late.look()
    assert isinstance((await room.desk.view(waits.change.id)).verdict, Waiting)
    new = replace(BLUE, id="20261123_110000", version="v1.1", activated=(1_795_435_200,))
    for name, seen in room.servers.seen.items():
        room.servers.seen[name] = replace(seen, current=new.id, releases=(new, *seen.releases))
    fence = await room.store.take_fence("production", 0)
    done = Ended(room.clock.now(), Outcome.DONE, "It is live on production.")
    await room.store.append(other.change.id, 1, [done], fence)
    await late.look()
    over = (await room.desk.view(waits.change.id)).verdict
    assert isinstance(over, Refused) and over.why is Why.VOID and "serves v1.1 now" in over.said
    assert await room.store.waiting() == []


async def test_a_fault_of_ours_keeps_nothing_else_from_starting(
    room: Room, redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = await left(room), await left(room, "deploy v1.1 to production")
    with redis.client() as client:
        client.hset(f"chom:change:{broken.change.id}", "json", "{")
    late = LateStarts(room.desk)
    with caplog.at_level(logging.ERROR):
        await late.look()
        await late.look()
    assert len(await room.store.read(good.change.id)) == 1
    assert [r.getMessage().partition(" (")[0] for r in caplog.records] == [f"Starting {broken.change.id} failed"]
