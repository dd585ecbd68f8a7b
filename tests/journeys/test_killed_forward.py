"""kill -9 of a real bot anywhere in a deploy that succeeds, over real SSH and Redis: as if nothing had happened."""

from __future__ import annotations

import pytest

from actions.engine.journal import Outcome
from tests.journeys.scene import KILLED, Scene, Tried, around
from tests.journeys.town import GOOD, MIGRATIONS, Town

VERBS = ("stage", "backup", "migrate", "health", "switch", "restart", "retain")
COPYING = "started stage forward+started backup forward"
SERVED = "started restart forward+started verify forward"
ALONE_BEGUN = ("expect", "migrate", "health", "switch", "retain")
WRITES = ["took", *(f"started {step} forward" for step in ALONE_BEGUN), COPYING, SERVED]
WRITES += [f"done {step} forward" for step in (*VERBS, "expect", "verify")]

ENTRIES = [point for what in (*WRITES, "ended") for point in around(f"append of {what}")]
JOBS = [f"{when} of {verb} forward{end}" for verb in VERBS for when, end in (("before begin", ""), ("after begin", ""))]
UPLOAD = ["before the upload", "in mid-upload", "after the upload"]
FENCES = [*around("the store's fence"), *around("a host's fence")]

ALONE = [
    *UPLOAD,
    *around("a host's fence"),
    *around("append of took"),
    *around(f"append of {COPYING}"),
    *around(f"append of {SERVED}"),
    *around("append of done migrate forward"),
    *around("append of ended"),
    *(f"after begin of {verb} forward" for verb in VERBS),  # before it is where `started` was written, and no further
    "after the end of migrate forward",
    "after the end of switch forward",
]


async def test_one_bot_after_another_killed_at_every_point_of_one_deploy(town: Town, tried: Tried) -> None:
    async with Scene.of(town, GOOD, 1) as scene:
        await scene.hit_everywhere()
        state = await scene.check(Outcome.DONE)
        assert state.applied == MIGRATIONS
        assert set(scene.tried) >= {*ENTRIES, *FENCES, *UPLOAD}
        assert all(any(point.startswith(job) for point in scene.tried) for job in JOBS)
        tried(KILLED, len(scene.tried))


@pytest.mark.parametrize("point", ALONE)
async def test_killed_once_with_two_servers(town: Town, tried: Tried, point: str) -> None:
    """The first server to come to the point is there; where the other one is by then is up to it."""
    async with Scene.of(town, GOOD, 2) as scene:
        await scene.hit(at=point)
        await scene.finish()
        state = await scene.check(Outcome.DONE)
        assert state.applied == MIGRATIONS
        tried(KILLED, 1)
