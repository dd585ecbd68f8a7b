"""The last step need not succeed: a server that dies in it holds neither the run nor its environment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from actions.engine.fold import Phase, State
from actions.engine.journal import Failed, Outcome, Waiting, Way
from actions.engine.plan import Again
from actions.engine.runner import Walked
from tests.runner.model import CLAIMED, Server, Site, Store
from tests.runner.stories import MIGRATIONS, Case, Scene, blue_green, check, until
from tests.runner.virtual import run

Tried = Callable[[str, int], None]

CASE = Case(2)
FOR_EVER = 10_000.0
SOON = 8.0
"""Seconds after which a run has ended that a dead server would otherwise hold for its patience of 120."""


def spared(scene: Scene, state: State) -> list[str]:
    """The servers that could not be cleaned up."""
    marks = {name: state.mark("retain", name, Way.FORWARD) for name in scene.servers}
    return [name for name, mark in marks.items() if mark and mark.phase is Phase.FAILED]


def is_well(scene: Scene) -> State:
    """It ended well, nobody was waited for, and what could not be done is said."""
    state = check(scene, CASE)
    assert state.ended and state.ended.outcome is Outcome.DONE
    assert not [entry for entry in scene.told() if isinstance(entry, Waiting)]
    assert ("could not be cleaned up" in state.ended.summary) == bool(spared(scene, state))
    return state


async def last_step(scene: Scene) -> list[int]:
    """The points of an undisturbed walk after the last step was written down."""
    bot = scene.bot()
    assert await bot.walk() is Walked.ENDED
    await scene.settle()
    begun = max(n for n, name in enumerate(bot.points) if name == "wrote started+started")
    return list(range(begun, len(bot.points)))


async def gone_at(scene: Scene, point: int, hit: str, seconds: float) -> State:
    """That server is gone from that point on for so long; the run as it ended, within SOON."""
    bot = scene.bot()

    def go() -> None:
        scene.servers[hit].down()
        asyncio.get_running_loop().call_later(seconds, scene.servers[hit].up.set)

    bot.at[point] = go
    async with asyncio.timeout(30):
        assert await bot.walk() is Walked.ENDED
    await scene.settle()
    return is_well(scene)


def test_the_words() -> None:
    async def story() -> None:
        scene = CASE.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("retain", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        began = asyncio.get_running_loop().time()
        assert await walking is Walked.ENDED
        assert asyncio.get_running_loop().time() - began < SOON
        state = is_well(scene)
        assert state.ended and state.ended.summary == (
            "v1.2 is live on production. It took 16 s. "
            "app2 could not be cleaned up; its old releases stay until the next deploy."
        )
        (failed,) = [entry for entry in scene.told() if isinstance(entry, Failed)]
        assert failed.why == "it does not answer (no route to host); whether it ran there is not known"

    run(story())


@pytest.mark.parametrize("seconds", [1.0, 60.0, FOR_EVER], ids=["a moment", "a minute", "for ever"])
def test_gone_at_every_point_of_the_last_step(seconds: float, tried: Tried) -> None:
    async def story() -> int:
        points = await last_step(CASE.make())
        given_up = 0
        for point in points:
            for hit in ("app1", "app2"):
                given_up += bool(spared(scene := CASE.make(), await gone_at(scene, point, hit, seconds)))
        assert bool(given_up) == (seconds > SOON), "a moment of silence is tried again"
        return 2 * len(points)

    count = run(story())
    tried("points of the last step at which a server went away", count)
    assert count > 20


def test_gone_for_ever_and_the_walker_killed_anywhere_after_it(tried: Tried) -> None:
    """The next walker says it too, and ends the run as soon."""

    async def story() -> int:
        start, count = (await last_step(CASE.make()))[0], 0
        while True:
            scene = CASE.make()
            first = scene.bot()
            first.at[start] = scene.servers["app2"].down
            first.at[start + 1 + count] = first.kill
            if await first.walk() is Walked.ENDED:
                return count
            async with asyncio.timeout(SOON):
                assert await scene.bot().walk() is Walked.ENDED
            await scene.settle()
            assert spared(scene, is_well(scene)) == ["app2"]
            count += 1

    count = run(story())
    tried("points at which a walker was killed beside a server that is gone", count)
    assert count > 10


def test_handed_over_and_taken_from_a_zombie_in_the_last_step() -> None:
    """The fence still holds: what a walker that was replaced has to say of the step does not arrive."""

    async def story() -> None:
        scene = CASE.make()
        zombie, handing, last = scene.bot(), scene.bot(), scene.bot()
        walking = asyncio.create_task(zombie.walk())
        await until(lambda: scene.store.state().mark("retain", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        zombie.freeze()
        handing.use_stop = True
        handed = asyncio.create_task(handing.walk())
        await asyncio.sleep(1)
        handing.stop.set()
        assert await handed is Walked.HANDED_OVER
        assert await last.walk() is Walked.ENDED
        before = scene.told()
        zombie.thaw()
        assert await walking in (Walked.FENCED, Walked.ENDED)
        assert scene.told() == before
        assert spared(scene, is_well(scene)) == ["app2"]

    run(story())


def test_a_connection_that_breaks_again_and_again_is_joined_to_the_end_of_the_job() -> None:
    """It answers in between, so nothing is given up, and nothing happens twice."""

    async def story() -> None:
        scene = CASE.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("retain", "app2", Way.FORWARD))
        for _ in range(10):
            await asyncio.sleep(0.1)
            scene.servers["app2"].cut()
        assert await walking is Walked.ENDED
        assert spared(scene, is_well(scene)) == []

    run(story())


def test_nobody_is_asked_about_a_lost_job_of_a_step_that_need_not_succeed() -> None:
    async def story() -> None:
        plan = blue_green(("app1",))
        steps = [replace(step, again=Again.ASK) if step.name == "retain" else step for step in plan.steps]
        server = Server("app1", MIGRATIONS)
        server.loses["retain/forward"] = [CLAIMED]
        scene = Scene({"app1": server}, Store(replace(plan, steps=tuple(steps))), Site([server]))
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.DONE and state.question is None
        assert spared(scene, state) == ["app1"]

    run(story())
