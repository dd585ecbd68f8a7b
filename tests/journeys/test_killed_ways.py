"""kill -9 of a real bot in mid-canary and in mid-rolling: nobody stays on the canary or in maintenance mode."""

from __future__ import annotations

import asyncio

from actions.engine.journal import Outcome
from tests.journeys.scene import KILLED, Scene, Tried
from tests.journeys.town import GOOD, ILL, Town

CANARY = "canary stages=50,100"
UP = [
    "after begin of canary forward",
    "after a lease of 50 %",
    "before append of weighed",
    "after a lease of 100 %",
    "after append of measured+done shift forward",
    "after begin of settle forward",
]
DOWN = [
    "after append of failed shift forward+turned back",
    "after begin of canary back",
    "before begin of stage back",
]
ROLLING = [
    "after begin of down forward",
    "after begin of switch forward",
    "before begin of up forward",
    "before append of done between forward",
    "after begin of switch.2 forward",
    "before begin of up.2 forward",
]
ROLLED_BACK = [
    "before append of failed between forward",
    "after append of turned back",
    "after begin of switch back",
    "before begin of down back",
    "after begin of down back",
]


async def hit(scene: Scene, points: list[str], tried: Tried) -> None:
    """One bot after another, each killed at one of the points; the last one walks to the end."""
    for point in points:
        await scene.hit(at=point)
    await scene.finish()
    tried(KILLED, len(points))


async def test_a_good_canary_reaches_everybody(town: Town, tried: Tried) -> None:
    async with Scene.of(town, GOOD, 2, how=CANARY) as scene:
        await hit(scene, UP, tried)
        state = await scene.check(Outcome.DONE)
        assert [stage.weight for stage in state.shifts["shift"].stages] == [50]
        assert all(scene.begun(server).count("probe/forward") == 1 for server in scene.servers)


async def test_a_canary_that_somebody_ends_leaves_nobody_there(town: Town, tried: Tried) -> None:
    async with Scene.of(town, GOOD, 2, how=f"{CANARY} every=60s") as scene:
        first = asyncio.create_task(scene.hit(at="after a lease of 0 %"))
        await scene.until(lambda state: state.shifts)
        await scene.act("stop", scene.run)
        await first
        await hit(scene, DOWN, tried)
        state = await scene.check(Outcome.TURNED_BACK)
        assert state.turned and state.turned.by == "lead"
        assert all(scene.begun(server).count("canary/back") == 1 for server in scene.servers)


async def test_a_good_rolling_deploy_ends_on_both(town: Town, tried: Tried) -> None:
    async with Scene.of(town, GOOD, 2, how="rolling") as scene:
        await hit(scene, ROLLING, tried)
        await scene.check(Outcome.DONE)
        assert all(scene.begun(server).count("up/forward") == 1 for server in scene.servers)


async def test_a_bad_rolling_deploy_is_taken_back_before_the_second_server(town: Town, tried: Tried) -> None:
    async with Scene.of(town, ILL, 2, how="rolling") as scene:
        await hit(scene, ROLLED_BACK, tried)
        await scene.check(Outcome.TURNED_BACK)
        first, second = (set(scene.begun(server)) for server in scene.servers)
        assert {"switch/back", "down/back"} <= first and not {"down/forward", "switch/forward"} & second
