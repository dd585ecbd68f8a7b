"""kill -9 of a change that needs evidence: between its approval and its start, and while it waits for the evidence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from actions.engine.journal import Opened, Outcome
from bot.store.decisions import Act
from bot.store.proofs import Drill
from policies.change import Waiting
from tests.journeys.scene import KILLED, Scene, Tried
from tests.journeys.town import GOOD, Town
from tests.support.rules import without_rules

BIG = """
[[rules]]
category = 2
because = "it has migrations"
when = { environments = ["production"] }
"""


def rules() -> str:
    """The shipped table, whose Category 2 asks for one Tech Lead and a drill, and is that of every change."""
    text = without_rules()
    needs, evidence = '[{ role = "tech-lead" }, { role = "devops" }]', '["staging", "checks", "branch"]'
    assert needs in text and evidence in text
    return text.replace(needs, '[{ role = "tech-lead" }]').replace(evidence, '["drill"]') + BIG


async def drill(scene: Scene, name: str, passed: bool) -> None:
    made = Drill(name, datetime.now(UTC), "lead", "unix:lead", passed, "restored on app1")
    await scene.store.add_drill(made)


async def waits(scene: Scene) -> None:
    """A bot that serves has read the evidence, and is killed; nothing was started."""
    bot = scene.start("serve", scene.run, hit=False)
    async with asyncio.timeout(30):
        while not await scene.store.evidence(scene.run):  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.02)
    await asyncio.sleep(1.0)
    await asyncio.to_thread(bot.kill)
    await bot.ended()
    assert await scene.store.read(scene.run) == [] and await scene.store.open_runs() == []


async def ends_well(scene: Scene) -> None:
    """Of two bots that come, one starts it, once, by the word of the one who approved."""
    bots = [scene.start("serve", scene.run, instance=name, hit=False) for name in ("bot-1", "bot-2")]
    assert [await bot.ended() for bot in bots] == [0, 0], scene.log[-6000:]
    await scene.check(Outcome.DONE)
    entries = await scene.store.read(scene.run)
    assert [entry.by for entry in entries if isinstance(entry, Opened)] == ["lead"]
    acts = [one.act for one in await scene.store.decisions(scene.run)]
    assert acts.count(Act.APPROVED) == 1 and acts.count(Act.STARTED) == 1


async def test_while_it_waits_for_evidence(town: Town, tried: Tried) -> None:
    """The approval is kept over every kill; the last evidence starts it, also where a bot dies at that very moment."""
    async with Scene.of(town, GOOD, 1, approved=False, rules=rules()) as scene:
        await scene.act("approve", scene.run)
        await waits(scene)
        await waits(scene)
        view = await scene.desk.desk.view(scene.run)
        assert isinstance(view.verdict, Waiting) and not view.verdict.missing and view.verdict.evidence == ("drill",)
        await drill(scene, "drill-1", True)
        await scene.hit("serve", scene.run, at="before append of opened")
        assert await scene.store.read(scene.run) == []
        await ends_well(scene)
        tried(KILLED, 3)


async def test_between_the_approval_and_the_start(town: Town, tried: Tried) -> None:
    """What fell meanwhile is seen: the bot that comes starts nothing until it stands again, and then once."""
    async with Scene.of(town, GOOD, 1, approved=False, rules=rules()) as scene:
        await drill(scene, "drill-1", True)
        await scene.hit("approve", scene.run, at="after the approval")
        assert (await scene.store.approvals(scene.run))[1] == 1 and await scene.store.read(scene.run) == []
        await scene.hit("serve", scene.run, at="before append of opened")
        await drill(scene, "drill-2", False)
        await waits(scene)
        await drill(scene, "drill-3", True)
        await scene.hit("serve", scene.run, at="after append of opened")
        assert [entry.kind for entry in await scene.store.read(scene.run)] == ["opened"]
        await ends_well(scene)
        tried(KILLED, 4)
