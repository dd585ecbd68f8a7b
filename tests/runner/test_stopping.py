"""Stop pressed, and the bot told to go: at every point, and the run is never left half."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actions.engine.journal import Failed, Outcome, TurnedBack, Way
from actions.engine.runner import Walked
from tests.runner.stories import Case, check, check_fleet, check_journal, check_once, points_of, undone, until
from tests.runner.virtual import run

Tried = Callable[[str, int], None]


def test_stop_pressed_at_every_point(tried: Tried) -> None:
    """Turned back, or ignored in words where all that must succeed has."""

    async def pressed(case: Case, point: int) -> bool:
        scene = case.make()
        bot = scene.bot()
        bot.at[point] = scene.store.stop
        assert await bot.walk() is Walked.ENDED
        await scene.settle()
        state = scene.store.state()
        assert state.ended
        check_fleet(scene, state)
        check_journal(scene.told())
        check_once(scene)
        if state.ended.outcome is Outcome.TURNED_BACK:
            undone(scene, state)
            assert state.turned and state.turned.by == "lead"
            assert "it was stopped " in state.ended.summary
        elif state.stop:
            assert "Stop was pressed when that was done already" in state.ended.summary
        return state.ended.outcome is Outcome.TURNED_BACK

    async def story() -> tuple[int, int]:
        back = [await pressed(case, n) for case in (Case(1), Case(2)) for n in range(await points_of(case))]
        return len(back), sum(back)

    count, back = run(story())
    tried("points at which somebody pressed Stop", count)
    assert count > 150 and count * 0.7 < back < count


def test_stop_ends_a_watch_at_once() -> None:
    async def story() -> None:
        case = Case(1, ill=True)
        scene = case.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("verify", "", Way.FORWARD))
        await until(lambda: scene.store.state().mark("smoke", "app1", Way.FORWARD).ended)
        scene.store.stop()
        await until(lambda: scene.store.state().turned, seconds=1.5)
        assert await walking is Walked.ENDED
        assert scene.store.state().turned.why == "it was stopped during the check from outside"

    run(story())


def test_stop_breaks_off_a_watch_and_awaits_the_job_beside_it() -> None:
    async def story() -> None:
        scene = Case(1, ill=True).make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("smoke", "app1", Way.FORWARD))
        scene.store.stop()
        assert await walking is Walked.ENDED
        state = scene.store.state()
        assert state.turned.why == "it was stopped during the check from outside"
        assert state.mark("smoke", "app1", Way.FORWARD).ended <= state.turned.at
        check_fleet(scene, state)

    run(story())


def test_stop_reaches_a_walk_that_waits_for_a_server() -> None:
    async def story() -> None:
        scene = Case(2).make()
        scene.patience = 3600.0
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("stage", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        await asyncio.sleep(100)
        scene.store.stop()
        await until(lambda: scene.store.state().turned, seconds=20)
        scene.servers["app2"].up.set()
        assert await walking is Walked.ENDED
        check_fleet(scene, scene.store.state())

    run(story())


@pytest.mark.parametrize("case", [Case(2), Case(2, ill=True)], ids=["good", "turned back"])
def test_told_to_go_at_every_point(case: Case, tried: Tried) -> None:
    """Handed over within two seconds without a word of failure; the next walker ends it as if nothing had been."""

    async def story() -> int:
        count = await points_of(case)
        for point in range(count):
            scene = case.make()
            bot = scene.bot()
            bot.use_stop = True
            bot.at[point] = bot.stop.set
            walking = asyncio.create_task(bot.walk())
            await until(lambda bot=bot, walking=walking: bot.stop.is_set() or walking.done())
            async with asyncio.timeout(2):
                left = await walking
            if left is Walked.HANDED_OVER:
                turned = any(isinstance(entry, TurnedBack) for entry in scene.told())
                assert turned or not any(isinstance(entry, Failed) for entry in scene.told()) or case.ill
                assert await scene.bot().walk() is Walked.ENDED
            else:
                assert left is Walked.ENDED
            await scene.settle()
            check(scene, case)
        return count

    tried("points at which the bot was told to go", run(story()))
