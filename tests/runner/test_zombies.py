"""A walker that was frozen, replaced and thawed: nothing it does arrives, in the store or on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from actions.engine.fold import fold
from actions.engine.journal import Took
from actions.engine.runner import Walked
from tests.runner.stories import Case, check, points_of, until
from tests.runner.virtual import run

Tried = Callable[[str, int], None]

CASES = [
    Case(1),
    Case(2),
    Case(2, ill=True),
    Case(2, fails=(("app2", "switch/forward", "effected"),)),
    Case(2, fails=(("app1", "health/forward", "claimed"),)),
]


async def replaced(case: Case, point: int) -> None:
    """Frozen at the point; another finishes; thawed."""
    scene = case.make()
    zombie, other = scene.bot(), scene.bot()
    zombie.at[point] = zombie.freeze
    walking = asyncio.create_task(zombie.walk())
    await until(lambda: zombie.is_frozen)
    assert await other.walk() is Walked.ENDED
    await scene.settle()
    check(scene, case)
    before = (scene.told(), scene.effects())
    zombie.thaw()
    assert await walking in (Walked.FENCED, Walked.ENDED)
    await scene.settle()
    assert (scene.told(), scene.effects()) == before


async def beside(case: Case, point: int) -> None:
    """Thawed while its successor is at work: exactly one of them gets to the end."""
    scene = case.make()
    zombie, other = scene.bot(), scene.bot()
    zombie.at[point] = zombie.freeze
    both = [asyncio.create_task(zombie.walk())]
    await until(lambda: zombie.is_frozen)
    both.append(asyncio.create_task(other.walk()))
    await asyncio.sleep(1.3)
    zombie.thaw()
    ends = await asyncio.gather(*both)
    assert Walked.ENDED in ends
    await scene.settle()
    check(scene, case)


def test_a_zombie_changes_nothing_wherever_it_was_frozen(tried: Tried) -> None:
    async def story() -> int:
        count = 0
        for case in CASES:
            for point in range(await points_of(case)):
                await replaced(case, point)
                count += 1
        return count

    count = run(story())
    tried("points at which a walker was frozen, replaced and thawed", count)
    assert count > 400


def test_a_zombie_that_wakes_beside_its_successor(tried: Tried) -> None:
    async def story() -> int:
        count = 0
        for case in CASES[1:4]:
            for point in range(await points_of(case)):
                await beside(case, point)
                count += 1
        return count

    count = run(story())
    tried("points at which a walker was frozen and thawed beside its successor", count)
    assert count > 250


def test_a_store_that_lost_a_second_does_not_lock_the_servers_out() -> None:
    """The new fence is above every server's, too."""

    async def story() -> None:
        case = Case(2)
        scene = case.make()
        for server in scene.servers.values():
            server.fence = 41
        assert await scene.bot().walk() is Walked.ENDED
        check(scene, case)
        assert fold(scene.told()).fence == 42

    run(story())


def test_a_run_that_has_ended_is_left_alone() -> None:
    async def story() -> None:
        case = Case(1)
        scene = case.make()
        await scene.bot().walk()
        told, fence = scene.told(), scene.servers["app1"].fence
        assert await scene.bot().walk() is Walked.ENDED
        assert (scene.told(), scene.servers["app1"].fence) == (told, fence)
        assert len([entry for entry in told if isinstance(entry, Took)]) == 1

    run(story())
