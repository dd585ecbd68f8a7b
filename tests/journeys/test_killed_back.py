"""kill -9 of a real bot anywhere in a deploy that fails: the servers end wholly old, each undo once."""

from __future__ import annotations

import pytest

from actions.engine.journal import Outcome
from tests.journeys.scene import KILLED, Scene, Tried, around
from tests.journeys.town import ILL, MIGRATIONS, SICK, Town

HOMEWARD = [
    *around("append of turned back"),
    *around("append of started stage back"),
    "before begin of stage back",
    "after begin of stage back",
    *around("append of done stage back"),
    *around("append of ended"),
]
SWITCHED = [
    *around("append of failed verify forward"),
    *around("append of started switch back"),
    "before begin of switch back",
    "after begin of switch back",
    "after the end of switch back",
    *around("append of done switch back"),
]


def passed(points: list[str], scene: Scene) -> bool:
    """Whether a bot was killed at each of them."""
    return all(any(tried.startswith(point) for tried in scene.tried) for point in points)


async def test_the_health_check_fails_and_bots_are_killed_at_every_point(town: Town, tried: Tried) -> None:
    async with Scene.of(town, SICK, 2) as scene:
        await scene.hit_everywhere()
        state = await scene.check(Outcome.TURNED_BACK)
        assert state.applied == MIGRATIONS and state.ended and MIGRATIONS[1] in state.ended.summary
        assert not any("switch" in job for server in scene.servers for job in scene.begun(server))
        assert passed([*HOMEWARD, *around("append of failed health forward")], scene)
        tried(KILLED, len(scene.tried))


async def test_users_get_errors_and_it_switches_back_and_bots_are_killed_at_every_point(
    town: Town, tried: Tried
) -> None:
    async with Scene.of(town, ILL, 2) as scene:
        await scene.hit_everywhere()
        state = await scene.check(Outcome.TURNED_BACK)
        assert state.turned and "HTTP 500" in state.turned.why
        assert all(scene.begun(server).count("switch/back") == 1 for server in scene.servers)
        assert passed([*HOMEWARD, *SWITCHED], scene)
        tried(KILLED, len(scene.tried))


ALONE = [*SWITCHED[4:], *HOMEWARD[:2], *HOMEWARD[-2:]]


@pytest.mark.parametrize("point", ALONE)
async def test_killed_once_on_the_way_back(town: Town, tried: Tried, point: str) -> None:
    async with Scene.of(town, ILL, 2) as scene:
        await scene.hit(at=point)
        await scene.finish()
        state = await scene.check(Outcome.TURNED_BACK)
        assert state.applied == MIGRATIONS
        assert all(scene.begun(server).count("switch/back") == 1 for server in scene.servers)
        tried(KILLED, 1)
