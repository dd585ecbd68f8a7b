"""A server that crashed in the middle of a job: what is safe runs once more, a migration only when a person says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actions.engine.journal import Asked, Outcome, Way
from actions.engine.runner import Walked
from actions.engine.runner.decide import TRY_AGAIN, TURN_BACK
from tests.runner.model import CLAIMED, EFFECTED, NEW
from tests.runner.stories import MIGRATIONS, Case, Scene, check, check_fleet, check_journal, points_of, undone, until
from tests.runner.virtual import run

Tried = Callable[[str, int], None]

SAFE = ("stage", "health", "switch", "restart", "retain")


def times(scene: Scene, step: str) -> int:
    return sum(effect == step for _, effect, _ in scene.effects())


@pytest.mark.parametrize("phase", [CLAIMED, EFFECTED])
@pytest.mark.parametrize("step", SAFE)
def test_a_safe_step_runs_once_more(step: str, phase: str) -> None:
    async def story() -> None:
        case = Case(1, loses=(("app1", f"{step}/forward", phase),))
        scene = case.make()
        assert await scene.bot().walk() is Walked.ENDED
        state = check(scene, case, once=False)
        mark = state.mark(step, "app1", Way.FORWARD)
        assert mark and mark.attempt == 2
        assert times(scene, f"{step}/forward") == (1 if phase == CLAIMED else 2)

    run(story())


def test_a_safe_step_that_is_lost_every_time_fails() -> None:
    async def story() -> None:
        case = Case(1, loses=(("app1", "switch/forward", EFFECTED),) * 9)
        scene = case.make()
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
        assert "the switch failed on app1 (it was interrupted there 3 times, and left no result)" in state.ended.summary
        assert times(scene, "switch/forward") == 3
        check_fleet(scene, state)
        undone(scene, state)

    run(story())


def test_an_undo_that_is_lost_runs_once_more() -> None:
    async def story() -> None:
        case = Case(2, ill=True, loses=(("app2", "switch/back", CLAIMED), ("app1", "stage/back", EFFECTED)))
        scene = case.make()
        assert await scene.bot().walk() is Walked.ENDED
        undone(scene, check(scene, case, once=False))

    run(story())


async def lost_migration(phase: str) -> tuple[Scene, asyncio.Task[Walked | None]]:
    """A walk that has come to the question."""
    scene = Case(2, loses=(("app1", "migrate/forward", phase),)).make()
    walking = asyncio.create_task(scene.bot().walk())
    await until(lambda: scene.store.state().question)
    return scene, walking


@pytest.mark.parametrize("phase", [CLAIMED, EFFECTED])
def test_a_lost_migration_waits_for_a_person(phase: str) -> None:
    async def story() -> None:
        scene, walking = await lost_migration(phase)
        await asyncio.sleep(5000)
        assert times(scene, "migrate/forward") == (0 if phase == CLAIMED else 1)
        asked = scene.store.state().question
        names = " and ".join(MIGRATIONS)
        known = f"It had applied {names}; whether it had begun more is not known."
        known = "What it did there before is not known." if phase == CLAIMED else known
        assert asked == Asked(
            asked.at,
            "migrate",
            "app1",
            f"app1 was interrupted during the migration. {known} Look at app1, then choose: try again, or turn back.",
            ("try again", "turn back"),
            () if phase == CLAIMED else MIGRATIONS,
        )
        assert scene.store.state().applied == asked.applied
        scene.store.answer(TRY_AGAIN)
        async with asyncio.timeout(30):
            assert await walking is Walked.ENDED
        state = check(scene, Case(2), once=False)
        mark = state.mark("migrate", "app1", Way.FORWARD)
        assert mark and mark.attempt == 2 and state.question is None

    run(story())


def test_a_lost_migration_that_nobody_wants_again() -> None:
    async def story() -> None:
        scene, walking = await lost_migration(EFFECTED)
        scene.store.answer(TURN_BACK)
        assert await walking is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
        assert state.ended.summary.startswith(
            "v1.2 is not live on production: the answer was “turn back”. v1.1 serves as before; nothing was switched. "
            "Applied migrations stay: 2026_11_20_000000_add_points and 2026_11_21_000000_add_index. The migration "
            "failed on app1: it was interrupted there, and whether it did all of its work is not known. It took"
        )
        assert times(scene, "migrate/forward") == 1
        check_fleet(scene, state)

    run(story())


def test_stop_instead_of_an_answer() -> None:
    async def story() -> None:
        scene, walking = await lost_migration(EFFECTED)
        scene.store.stop()
        await until(lambda: scene.store.state().turned, seconds=1.5)
        assert await walking is Walked.ENDED
        check_fleet(scene, scene.store.state())

    run(story())


def test_lost_again_is_asked_again() -> None:
    async def story() -> None:
        scene = Case(1, loses=(("app1", "migrate/forward", CLAIMED), ("app1", "migrate/forward", EFFECTED))).make()
        walking = asyncio.create_task(scene.bot().walk())
        for _ in range(2):
            await until(lambda: scene.store.state().question)
            scene.store.answer(TRY_AGAIN)
        assert await walking is Walked.ENDED
        check(scene, Case(1), once=False)
        assert times(scene, "migrate/forward") == 2

    run(story())


def test_lost_again_while_the_connection_was_cut_is_asked_again() -> None:
    """The answer was for one more time, and that time was used up though nobody heard of it."""

    async def story() -> None:
        scene = Case(1, loses=(("app1", "migrate/forward", EFFECTED),) * 2).make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().question)
        scene.store.answer(TRY_AGAIN)
        await until(lambda: times(scene, "migrate/forward") == 2)
        scene.servers["app1"].down()
        await asyncio.sleep(10)
        scene.servers["app1"].up.set()
        await asyncio.sleep(100)
        assert times(scene, "migrate/forward") == 2 and scene.store.state().question
        scene.store.answer(TURN_BACK)
        assert await walking is Walked.ENDED
        check_fleet(scene, scene.store.state())

    run(story())


async def killed_around_a_loss(phases: tuple[str, ...], point: int, gap: float) -> None:
    """A person says "try again" whenever asked; a walker is killed at the point, and the next comes after the gap."""
    scene = Case(1, loses=tuple(("app1", "migrate/forward", phase) for phase in phases)).make()
    answers = 0

    async def person() -> None:
        nonlocal answers
        while True:
            await asyncio.sleep(2.5)
            if scene.store.state().question:
                answers += 1
                scene.store.answer(TRY_AGAIN)

    answering = asyncio.create_task(person())
    bot = scene.bot()
    bot.at[point] = bot.kill
    await bot.walk()
    await asyncio.sleep(gap)
    assert await scene.bot().walk() is Walked.ENDED
    answering.cancel()
    await scene.settle()
    check(scene, Case(1), once=False)
    assert times(scene, "migrate/forward") + phases.count(CLAIMED) <= 1 + answers


def test_killed_at_every_point_around_a_lost_migration(tried: Tried) -> None:
    """It runs at most once for each time that a person said so, wherever walkers die."""

    async def story() -> int:
        count = await points_of(Case(1)) + 20
        ways = [((phase,), 0.0) for phase in (CLAIMED, EFFECTED)] + [((EFFECTED, EFFECTED), 5.0)]
        for phases, gap in ways:
            for point in range(count):
                await killed_around_a_loss(phases, point, gap)
        return len(ways) * count

    tried("points at which a walker was killed around a lost migration", run(story()))


@pytest.mark.parametrize("code", ["wrong agent", "bad argument"])
def test_a_refused_step_has_not_begun(code: str) -> None:
    async def story() -> None:
        scene = Case(2).make()
        scene.servers["app2"].refuses["switch/forward"] = code
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and f"the switch failed on app2 ({code})" in state.ended.summary
        assert "app1 was switched back to v1.1." in state.ended.summary
        check_fleet(scene, state)
        check_journal(scene.told())
        assert "switch/back" not in {step for step, _ in scene.servers["app2"].effects}

    run(story())


def test_an_undo_refused_until_somebody_repairs_the_server() -> None:
    async def story() -> None:
        case = Case(2, ill=True)
        scene = case.make()
        scene.servers["app2"].refuses["switch/back"] = "wrong agent"
        walking = asyncio.create_task(scene.bot().walk())
        await asyncio.sleep(1000)
        assert scene.store.state().waiting["app2"].why == "it serves v1.1 or v1.2, and it refuses: wrong agent"
        del scene.servers["app2"].refuses["switch/back"]
        async with asyncio.timeout(40):
            assert await walking is Walked.ENDED
        undone(scene, check(scene, case))

    run(story())


def test_an_undo_that_fails_is_said_and_the_rest_is_undone() -> None:
    async def story() -> None:
        scene = Case(2, ill=True, fails=(("app2", "switch/back", CLAIMED),)).make()
        scene.servers["app2"].refuses["stage/back"] = "bad argument"
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and not scene.store.locked
        summary = state.ended.summary
        assert "app1 was switched back to v1.1." in summary
        assert "could not be undone on app2: Switch back to v1.1 (HTTP 500); app2 may still serve v1.2." in summary
        assert "could not be undone on app2: Remove v1.2 again (bad argument); look at app2." in summary
        assert NEW not in scene.servers["app1"].releases

    run(story())
