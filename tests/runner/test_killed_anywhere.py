"""Killed at every write and every boundary of a job, once and twice: the next walker ends it as if nothing had been."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from actions.engine.journal import Way
from tests.runner.bot import Bot
from tests.runner.stories import Case, check, failures, points_of, through, undone
from tests.runner.virtual import run

Tried = Callable[[str, int], None]

EVERY = [case for hosts in (1, 2) for case in (Case(hosts), *failures(hosts))]


async def killed(case: Case, kills: tuple[int, ...], gap: float) -> list[Bot]:
    scene = case.make()
    try:
        bots = await through(scene, kills, gap)
        state = check(scene, case)
        if state.way is Way.BACK:
            undone(scene, state)
    except BaseException as fault:
        fault.add_note(f"{case} killed at {kills}, {gap} s between: {[e.kind for e in scene.store.entries]}")
        raise
    return bots


async def killed_everywhere(case: Case, gap: float) -> int:
    count = await points_of(case)
    for kill in range(count):
        await killed(case, (kill,), gap)
    return count


def test_killed_at_every_point_and_walked_on_at_once(tried: Tried) -> None:
    """The jobs still run; with one server and with two; good, and with each step failing in each of its ways."""

    async def story() -> int:
        return sum([await killed_everywhere(case, 0.0) for case in EVERY])

    count = run(story())
    tried("points at which a walker was killed", count)
    assert count > 2000


def test_killed_at_every_point_and_walked_on_later(tried: Tried) -> None:
    """The jobs have ended meanwhile."""

    async def story() -> int:
        return sum([await killed_everywhere(case, 5.0) for case in EVERY if case.hosts == 1])

    count = run(story())
    tried("points at which a walker was killed", count)
    assert count > 600


@pytest.mark.parametrize(("case", "stride"), [(Case(1), 5), (Case(1, ill=True), 12)], ids=["good", "turned back"])
def test_two_walkers_in_a_row_killed_at_pairs_of_points(case: Case, stride: int, tried: Tried) -> None:
    """Every fifth pair of a good deploy; of one that turns back, every twelfth."""

    async def story() -> int:
        count = 0
        for first in range(await points_of(case)):
            _, second = await killed(case, (first,), 0.0)
            for kill in range(first % stride, len(second.points), stride):
                await killed(case, (first, kill), 0.0)
                count += 1
        return count

    count = run(story())
    tried("pairs of points at which two walkers in a row were killed", count)
    assert count > 400


def test_three_walkers_in_a_row_killed(tried: Tried) -> None:
    """A sample, the same each time, over every case with two servers."""
    chance = random.Random(20261123)
    cases = [Case(2), *failures(2)]

    async def story() -> None:
        for _ in range(400):
            kills = tuple(chance.randrange(60) for _ in range(3))
            await killed(chance.choice(cases), kills, chance.choice((0.0, 1.0, 5.0)))

    run(story())
    tried("triples of points, sampled", 400)
