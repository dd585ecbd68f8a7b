"""What runs usually take, read from the journals of the same action in the same environment."""

from __future__ import annotations

from datetime import timedelta

from actions.engine.journal import Done, Ended, Entry, Outcome, Started, Took, Way
from actions.engine.plan import hosts_of
from bot.desk.estimate import Usual
from bot.desk.looking import HELD
from bot.desk.view import ChangeView
from tests.desk.conftest import Room


async def run_through(
    room: Room, text: str, seconds: float, outcome: Outcome = Outcome.DONE, wait: timedelta = HELD
) -> ChangeView:
    """Ask, approve where that is needed, and write a journal in which every step took so long."""
    view = await room.desk.propose(text, room.who("dev"))
    if not view.run.opened:
        view = await room.desk.approve(view.change.id, view.change.digest, room.who("lead"), "unix:lead")
    fence = await room.store.take_fence(view.change.environment, 0)
    now = room.clock.now()
    entries: list[Entry] = [Took(now, fence, "w")]
    for step in view.change.plan.steps:
        hosts = hosts_of(step) or ("",)
        entries += [Started(now, step.name, host, Way.FORWARD) for host in hosts]
        now += timedelta(seconds=seconds)
        entries += [Done(now, step.name, host, Way.FORWARD) for host in hosts]
    await room.store.append(view.change.id, 1, [*entries, Ended(now, outcome, "It ended.")], fence)
    room.clock.time = now + wait
    return view


async def test_what_a_run_usually_takes_is_read_from_its_own_kind(room: Room) -> None:
    await run_through(room, "deploy v1.2", 10)
    await run_through(room, "deploy v1.2", 500, Outcome.TURNED_BACK)
    await run_through(room, "deploy v1.2 to staging", 70)
    await run_through(room, "rollback", 30)
    waiting = await room.desk.propose("deploy v1.2", room.who("dev"))
    assert waiting.usual.steps["stage"] == 10 and waiting.usual.total == 10 * len(waiting.change.plan.steps)
    preview = await room.desk.preview("rollback", room.who("dev"))
    assert preview.usual.steps["health"] == 30
    started = await room.desk.propose("deploy v1.1 to staging", room.who("dev"))
    assert started.run.opened and started.usual.steps["switch"] == 70


async def test_a_first_run_and_one_that_is_over_have_nothing_usual(room: Room) -> None:
    first = await room.desk.propose("deploy v1.2", room.who("dev"))
    assert first.usual == Usual()
    done = await run_through(room, "deploy v1.2 to staging", 10)
    assert (await room.desk.view(done.change.id)).usual == Usual()


async def test_the_past_is_not_read_again_for_every_look(room: Room) -> None:
    await run_through(room, "deploy v1.2 to staging", 1)
    await run_through(room, "deploy v1.1 to staging", 3, wait=timedelta(0))
    view = await room.desk.propose("deploy v1.2 to staging", room.who("dev"))
    assert view.usual.steps["stage"] == 1
    room.clock.later(seconds=60)
    assert (await room.desk.view(view.change.id)).usual.steps["stage"] == 2
