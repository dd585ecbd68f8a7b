"""kill -9 around what people decide and what servers make a run wait for: each said once, each acted on once."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from actions.engine.journal import Opened, Outcome, Way
from bot.desk.desk import Refusal
from tests.journeys.scene import KILLED, Scene, Tried, around, crash
from tests.journeys.town import GOOD, ILL, MIGRATIONS, SLOW, Town, eventually


async def kinds(scene: Scene) -> Counter[str]:
    """How often each kind of entry is in the journal."""
    return Counter(entry.kind for entry in await scene.store.read(scene.run))


async def test_the_click_that_starts_it(town: Town, tried: Tried) -> None:
    """Killed before: nothing was started, and the next click starts it. Killed after: a bot finds the run."""
    before, after = around("append of opened")
    async with Scene.of(town, GOOD, 1, approved=False) as scene:
        await scene.hit("approve", scene.run, at=before)
        assert await scene.store.open_runs() == [] and await kinds(scene) == {}
        await scene.hit("approve", scene.run, at=after)
        assert await kinds(scene) == {"opened": 1}
        await scene.act("approve", scene.run)
        await scene.finish()
        await scene.check(Outcome.DONE)
        assert (await kinds(scene))["opened"] == 1
        tried(KILLED, 2)


async def test_the_click_whose_bot_is_gone(town: Town, tried: Tried) -> None:
    """The approval is stored and nothing was started: of two bots that come, one starts it, without another click."""
    async with Scene.of(town, GOOD, 1, approved=False) as scene:
        await scene.hit("approve", scene.run, at="before the approval")
        assert (await scene.store.approvals(scene.run))[1] == 0
        await scene.hit("approve", scene.run, at="after the approval")
        assert (await scene.store.approvals(scene.run))[1] == 1 and await kinds(scene) == {}
        await scene.hit("serve", scene.run, at="before append of opened")
        assert await kinds(scene) == {}
        bots = [scene.start("serve", scene.run, instance=name, hit=False) for name in ("bot-1", "bot-2")]
        assert [await bot.ended() for bot in bots] == [0, 0], scene.log[-6000:]
        await scene.check(Outcome.DONE)
        entries = await scene.store.read(scene.run)
        assert [entry.by for entry in entries if isinstance(entry, Opened)] == ["lead"]
        tried(KILLED, 3)


async def test_stop(town: Town, tried: Tried) -> None:
    before, after = around("append of stop asked")
    async with Scene.of(town, GOOD, 2) as scene:
        await scene.hit(at="before begin of switch")
        await scene.hit("stop", scene.run, at=before)
        await scene.hit("stop", scene.run, at=after)
        await scene.act("stop", scene.run)
        await scene.finish()
        state = await scene.check(Outcome.TURNED_BACK)
        assert (await kinds(scene))["stop asked"] == 1 and state.turned and state.turned.by == "lead"
        assert not any("switch" in job for server in scene.servers for job in scene.begun(server))
        tried(KILLED, 3)


async def test_a_lost_migration_and_the_answer_to_its_question(town: Town, tried: Tried) -> None:
    """A person is asked, the answer counts once, and what was applied before is not applied again."""
    async with Scene.of(town, SLOW, 1) as scene:
        (server,) = scene.servers
        before, after = around("append of asked migrate")
        first = asyncio.create_task(scene.hit(at=before))
        await eventually(lambda: f"migrated {MIGRATIONS[0]}" in server.effects())
        await crash(server)
        await first
        await scene.hit(at=after)
        answer = ("answer", scene.run, "migrate", "app1", "try again")
        for point in around("append of answered migrate"):
            await scene.hit(*answer, at=point)
        await scene.act(*answer)
        for point in around("append of started migrate"):
            await scene.hit(at=point)
        # whether it ran once more and was lost again cannot be told now, so nobody guesses
        bot = scene.start(hit=False)
        await scene.until(lambda state: state.question)
        assert scene.begun(server).count("migrate/forward") == 1
        await scene.act(*answer)
        assert await bot.ended() == 0
        state = await scene.check(Outcome.DONE, again=("migrate/forward",))
        assert state.applied == MIGRATIONS
        assert (await kinds(scene))["asked"] == (await kinds(scene))["answered"] == 2
        tried(KILLED, len(scene.tried))


async def test_a_server_is_gone_while_turning_back(town: Town, tried: Tried) -> None:
    """The obligation stays open over every restart, the environment locked, until the server is back."""
    async with Scene.of(town, ILL, 2) as scene:
        app1, app2 = scene.servers
        await scene.hit(at="before append of failed verify")
        await app2.kill()
        for point in around("append of waiting app2"):
            await scene.hit(at=point)
        bot = scene.start(hit=False)
        state = await scene.until(lambda state: state.seq > len(scene.tried) and app1.served() != scene.green)
        assert state.way is Way.BACK and state.ended is None and app2.served() == scene.green
        assert "app2" in state.waiting and "v1.4" in state.waiting["app2"].why
        with pytest.raises(Refusal, match=r"Deploy v1\.4"):
            await scene.desk.desk.propose(f"deploy {GOOD}", scene.desk.settings.people["dev"])
        await asyncio.to_thread(bot.kill)
        await bot.ended()
        await app2.start()
        for point in around("append of returned app2"):
            await scene.hit(at=point)
        await scene.finish()
        await scene.check(Outcome.TURNED_BACK)
        assert (await kinds(scene))["waiting"] == (await kinds(scene))["returned"] == 1
        tried(KILLED, len(scene.tried) + 1)
