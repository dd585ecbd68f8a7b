"""The network fails under a real bot: connections cut, a server frozen, Redis killed, a bot stopped past its lease."""

from __future__ import annotations

import asyncio
import signal

from actions.engine.journal import Outcome, Returned, Took, Waiting
from tests.journeys.scene import Scene
from tests.journeys.town import GOOD, MIGRATIONS, SLOW, Town, eventually


async def in_mid_migration(scene: Scene) -> None:
    """Until the second of its two migrations runs."""
    await eventually(lambda: f"migrated {MIGRATIONS[0]}" in scene.servers[0].effects())


async def test_connections_are_cut_in_mid_migration(town: Town) -> None:
    async with Scene.of(town, SLOW, 2) as scene:
        bot = scene.start(hit=False)
        await in_mid_migration(scene)
        app1 = scene.servers[0]
        for _ in range(2):
            before = {agent.pid for agent in app1.agents()}
            for server in scene.servers:
                server.cut()
            await eventually(lambda before=before: {agent.pid for agent in app1.agents()} - before)
        assert f"migrated {MIGRATIONS[1]}" not in scene.servers[0].effects(), "cut too late to prove anything"
        assert await bot.ended() == 0
        state = await scene.check(Outcome.DONE)
        assert state.applied == MIGRATIONS


async def test_a_server_is_frozen_in_mid_migration_and_thaws(town: Town) -> None:
    async with Scene.of(town, SLOW, 2) as scene:
        bot = scene.start(hit=False)
        await in_mid_migration(scene)
        scene.servers[0].freeze()
        try:
            await scene.until(lambda state: "app1" in state.waiting)
        finally:
            scene.servers[0].thaw()
        assert await bot.ended() == 0
        state = await scene.check(Outcome.DONE)
        assert state.applied == MIGRATIONS
        said = [type(entry) for entry in await scene.store.read(scene.run) if isinstance(entry, Waiting | Returned)]
        assert said == [Waiting, Returned]


async def test_redis_is_killed_while_servers_work(town: Town) -> None:
    """Under the staging, under the migration, and once more while it is being answered."""
    async with Scene.of(town, SLOW, 2) as scene:
        bot = scene.start(hit=False)
        await scene.until(lambda state: any(step == "stage" for step, _, _ in state.marks))
        await asyncio.to_thread(town.redis.restart)
        await in_mid_migration(scene)
        await asyncio.to_thread(town.redis.kill)
        await eventually(lambda: f"migrated {MIGRATIONS[1]}" in scene.servers[0].effects())
        await asyncio.to_thread(town.redis.start)
        assert await bot.ended() == 0
        state = await scene.check(Outcome.DONE)
        assert state.applied == MIGRATIONS
        took = [entry for entry in await scene.store.read(scene.run) if isinstance(entry, Took)]
        assert len(took) == 1, "the walk was not to end with Redis"


def refused(scene: Scene) -> bool:
    """Whether a server has refused a bot that was replaced."""
    logs = [server.logs / "chom-host.log" for server in scene.servers]
    return any("a newer bot has taken over" in log.read_text() for log in logs if log.exists())


async def test_a_bot_stopped_past_its_lease_and_continued_begins_nothing_more(town: Town) -> None:
    async with Scene.of(town, GOOD, 2) as scene:
        zombie = scene.start(only=("before begin of migrate",), number=signal.SIGSTOP)
        await zombie.stopped()
        await scene.finish("bot-2")
        state = await scene.check(Outcome.DONE)
        zombie.go_on()
        assert await zombie.ended() == 0, scene.log[-6000:]
        after = await scene.check(Outcome.DONE)
        assert after == state and after.worker.startswith("bot-2#")
        assert refused(scene), "it never tried"


async def test_a_bot_stopped_past_its_lease_writes_nothing_beside_its_successor(town: Town) -> None:
    """The successor is held in mid-run meanwhile, for less than its lease, so only the fence refuses the zombie."""
    async with Scene.of(town, GOOD, 2) as scene:
        zombie = scene.start(only=("before append of done switch",), number=signal.SIGSTOP)
        await zombie.stopped()
        successor = scene.start(instance="bot-2", only=("before append of done restart",), number=signal.SIGSTOP)
        await successor.stopped()
        before = await scene.store.read(scene.run)
        zombie.go_on()
        await asyncio.sleep(0.3)
        assert await scene.store.read(scene.run) == before
        successor.go_on()
        assert await successor.ended() == await zombie.ended() == 0, scene.log[-6000:]
        state = await scene.check(Outcome.DONE)
        assert state.worker.startswith("bot-2#")


async def test_a_bot_stopped_before_its_switch_cannot_switch_what_was_turned_back(town: Town) -> None:
    async with Scene.of(town, GOOD, 2) as scene:
        zombie = scene.start(only=("before begin of switch",), number=signal.SIGSTOP)
        await zombie.stopped()
        await scene.act("stop", scene.run)
        await scene.finish("bot-2")
        state = await scene.check(Outcome.TURNED_BACK)
        zombie.go_on()
        assert await zombie.ended() == 0, scene.log[-6000:]
        assert await scene.check(Outcome.TURNED_BACK) == state
        assert not any("switch" in job for server in scene.servers for job in scene.begun(server))
        assert refused(scene), "it never tried"
