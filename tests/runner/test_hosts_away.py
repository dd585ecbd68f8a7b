"""A server that does not answer: waited for with patience on the way forward, and for ever on the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from actions.engine.journal import Outcome, Returned, Waiting, Way
from actions.engine.runner import Walked
from tests.runner.bot import Bot
from tests.runner.model import NEW, OLD
from tests.runner.stories import Case, Scene, check, check_fleet, check_journal, check_once, points_of, undone, until
from tests.runner.virtual import run

Tried = Callable[[str, int], None]


def entries(scene: Scene, kind: type) -> list[object]:
    return [entry for entry in scene.told() if isinstance(entry, kind)]


def test_gone_while_turning_back_is_an_open_obligation() -> None:
    """It survives a kill and a hand-over, says so once, holds up nobody else, and ends when the server returns."""

    async def story() -> None:
        case = Case(2, ill=True)
        scene = case.make()
        first = scene.bot()
        walking = asyncio.create_task(first.walk())
        await until(lambda: scene.store.state().mark("verify", "", Way.FORWARD))
        scene.servers["app2"].down()
        await asyncio.sleep(60)

        state = scene.store.state()
        assert state.ended is None and scene.store.locked
        assert state.waiting["app2"].way is Way.BACK
        assert state.waiting["app2"].why.startswith("it serves v1.2, and it does not answer (")
        assert scene.servers["app1"].current == OLD and NEW not in scene.servers["app1"].releases
        assert scene.servers["app2"].current == NEW

        first.kill()
        assert await walking is None
        second = scene.bot()
        second.use_stop = True
        walking = asyncio.create_task(second.walk())
        await asyncio.sleep(3600)
        assert len(entries(scene, Waiting)) == 1
        second.stop.set()
        assert await walking is Walked.HANDED_OVER

        walking = asyncio.create_task(scene.bot().walk())
        await asyncio.sleep(3600)
        scene.servers["app2"].up.set()
        async with asyncio.timeout(40):
            assert await walking is Walked.ENDED
        assert len(entries(scene, Waiting)) == len(entries(scene, Returned)) == 1
        undone(scene, check(scene, case))

    run(story())


def test_gone_on_the_way_forward_for_less_than_the_patience() -> None:
    async def story() -> None:
        case = Case(2)
        scene = case.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("health", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        await asyncio.sleep(60)
        assert scene.store.state().waiting["app2"].way is Way.FORWARD
        scene.servers["app2"].up.set()
        assert await walking is Walked.ENDED
        check(scene, case)
        assert len(entries(scene, Waiting)) == len(entries(scene, Returned)) == 1

    run(story())


def test_a_moment_of_silence_is_not_told() -> None:
    async def story() -> None:
        case = Case(2)
        scene = case.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("switch", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        await asyncio.sleep(1)
        scene.servers["app2"].up.set()
        assert await walking is Walked.ENDED
        check(scene, case)
        assert not entries(scene, Waiting)

    run(story())


def test_gone_from_the_start() -> None:
    """Which server, what was tried, what to do; nothing changed anywhere."""

    async def story() -> None:
        scene = Case(2).make()
        scene.servers["app2"].down()
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
        assert state.ended.summary == (
            "v1.2 is not live on production: app2 did not answer for 2 min (no route to host). Look at app2; "
            "nothing was changed. It took 2 min."
        )
        assert not scene.effects()

    run(story())


def test_gone_for_longer_than_the_patience_is_turned_back_where_it_answers() -> None:
    async def story() -> None:
        scene = Case(2).make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().mark("switch", "app2", Way.FORWARD))
        scene.servers["app2"].down()
        await asyncio.sleep(200)
        state = scene.store.state()
        assert state.way is Way.BACK and state.ended is None
        assert scene.servers["app1"].current == OLD
        assert state.waiting["app2"].why.startswith("it serves v1.1 or v1.2, and it does not answer")
        scene.servers["app2"].up.set()
        assert await walking is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
        check_fleet(scene, state)
        check_once(scene)

    run(story())


async def away(case: Case, point: int, seconds: float, hit: str) -> Scene:
    """That server is gone from that point on, for so long."""
    scene = case.make()
    scene.patience = 30.0
    bot = scene.bot()

    def go() -> None:
        scene.servers[hit].down()
        asyncio.get_running_loop().call_later(seconds, scene.servers[hit].up.set)

    bot.at[point] = go
    try:
        assert await bot.walk() is Walked.ENDED
        await scene.settle()
        state = scene.store.state()
        assert state.ended and not scene.store.locked and not state.waiting
        check_fleet(scene, state)
        check_journal(scene.told())
        check_once(scene)
    except BaseException as fault:
        fault.add_note(f"{case}, {hit} gone at {point} for {seconds} s: {[e.kind for e in scene.told()]}")
        raise
    return scene


@pytest.mark.parametrize("case", [Case(2), Case(2, ill=True)], ids=["good", "turned back"])
@pytest.mark.parametrize("seconds", [10.0, 300.0], ids=["shortly", "for long"])
def test_gone_at_every_point(case: Case, seconds: float, tried: Tried) -> None:
    async def story() -> int:
        count = await points_of(case)
        for point in range(count):
            for hit in ("app1", "app2"):
                scene = await away(case, point, seconds, hit)
                if seconds < scene.patience:
                    check(scene, case)
        return 2 * count

    tried("points at which a server went away and came back", run(story()))


@pytest.mark.parametrize("case", [Case(2), Case(2, ill=True)], ids=["good", "turned back"])
def test_connections_cut_at_every_point(case: Case, tried: Tried) -> None:
    """An answer that was lost is asked for again: nothing happens twice, and the run ends as if nothing had been."""

    async def story() -> int:
        count = await points_of(case)
        for point in range(count):
            scene = case.make()
            bot = scene.bot()
            bot.at[point] = lambda scene=scene: [server.cut() for server in scene.servers.values()]
            assert await bot.walk() is Walked.ENDED
            await scene.settle()
            check(scene, case)
        return count

    tried("points at which every connection was cut", run(story()))


def test_no_server_is_asked_for_anything_before_it_refuses_older_walkers() -> None:
    """One that was away at the take-over gets the fence on its return, before its first job."""

    async def story() -> None:
        case = Case(2)
        scene = case.make()
        bot: Bot = scene.bot()
        scene.servers["app2"].down()
        walking = asyncio.create_task(bot.walk())
        await asyncio.sleep(30)
        assert scene.servers["app2"].fence == 0
        scene.servers["app2"].up.set()
        assert await walking is Walked.ENDED
        check(scene, case)
        asked = [name for name in bot.points if name.startswith("app2 ")]
        first_job = next(n for n, name in enumerate(asked) if "begin" in name or "join" in name)
        assert "app2 fenced" in asked[:first_job]

    run(story())
