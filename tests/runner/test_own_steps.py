"""The steps that the bot takes itself: a watch with its deadline, a question with its silence, a comparison."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.engine.journal import Done, Outcome, Started, Way
from actions.engine.plan import Ask, Do, Plan, Watch
from actions.engine.runner import Walked
from actions.engine.runner.decide import GO_ON, TURN_BACK
from tests.runner.bot import Bot
from tests.runner.model import NEW, Server, Site, Store
from tests.runner.stories import MIGRATIONS, Case, Scene, blue_green, check, check_fleet, until
from tests.runner.virtual import run


def scene_of(plan: Plan) -> Scene:
    servers = {seen.name: Server(seen.name, MIGRATIONS) for seen in plan.hosts}
    return Scene(servers, Store(plan), Site(list(servers.values())))


def changed(name: str, **more: object) -> Plan:
    """The blue-green plan with one step changed."""
    plan = blue_green(("app1",))
    return replace(plan, steps=tuple(replace(s, **more) if s.name == name else s for s in plan.steps))


def asking(otherwise: str) -> Plan:
    """It asks before the switch."""
    plan = blue_green(("app1",))
    ask = Ask("sure", "Ask whether to go on", "Shall users see v1.2?", 600, otherwise)
    at = next(n for n, step in enumerate(plan.steps) if step.name == "switch")
    return replace(plan, steps=(*plan.steps[:at], ask, *plan.steps[at:]))


# --- Watch -------------------------------------------------------------------


def test_minute_three_of_five_stays_minute_three() -> None:
    """The deadline is the first walker's, however many follow."""

    async def story() -> None:
        scene = scene_of(changed("verify", seconds=300))
        scene.site.ill = True
        for _ in range(4):
            bot: Bot = scene.bot()
            walking = asyncio.create_task(bot.walk())
            await until(lambda: scene.store.state().mark("verify", "", Way.FORWARD))
            begun = scene.store.state().mark("verify", "", Way.FORWARD)
            await asyncio.sleep(60)
            bot.kill()
            assert await walking is None
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        mark = state.mark("verify", "", Way.FORWARD)
        assert mark and begun and mark.deadline == begun.deadline and mark.ended
        assert 300 <= (mark.ended - mark.started).total_seconds() < 302
        assert [e.step for e in scene.told() if isinstance(e, Started) and e.step == "verify"] == ["verify"]
        assert "the check from outside failed (https://shop/: HTTP 500)" in state.ended.summary
        check_fleet(scene, state)

    run(story())


def test_passes_have_to_be_in_a_row() -> None:
    async def story() -> None:
        scene = scene_of(changed("verify", seconds=300, need=4))
        bot, seen = scene.bot(), []

        async def flapping(probe: object) -> object:
            scene.site.ill = len(seen) in (1, 4)
            seen.append(scene.site.ill)
            return await Site.probe(scene.site, probe)

        scene.site.probe = flapping
        assert await bot.walk() is Walked.ENDED
        assert seen == [False, True, False, False, True, False, False, False, False]
        check(scene, Case(1))

    run(story())


def test_a_walker_that_comes_after_the_deadline_still_looks() -> None:
    """Nobody watched meanwhile, and the release is well: it stays."""

    async def story() -> None:
        scene = scene_of(changed("verify", seconds=30))
        bot = scene.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: scene.store.state().mark("verify", "", Way.FORWARD))
        bot.kill()
        await walking
        await asyncio.sleep(3600)
        assert await scene.bot().walk() is Walked.ENDED
        check(scene, Case(1))

    run(story())


# --- Ask ---------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "outcome"), [(GO_ON, Outcome.DONE), (TURN_BACK, Outcome.TURNED_BACK)])
def test_a_person_decides(choice: str, outcome: Outcome) -> None:
    async def story() -> None:
        scene = scene_of(asking("turn back"))
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().question)
        await asyncio.sleep(300)
        assert scene.servers["app1"].current != NEW
        scene.store.answer(choice)
        assert await walking is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is outcome
        check_fleet(scene, state)

    run(story())


@pytest.mark.parametrize(("otherwise", "outcome"), [(GO_ON, Outcome.DONE), (TURN_BACK, Outcome.TURNED_BACK)])
def test_silence_is_an_answer_too(otherwise: str, outcome: Outcome) -> None:
    """After the deadline of the first walker, though others had to wait for it."""

    async def story() -> None:
        scene = scene_of(asking(otherwise))
        bot = scene.bot()
        bot.use_stop = True
        walking = asyncio.create_task(bot.walk())
        await until(lambda: scene.store.state().question)
        asked = bot.world.clock.now()
        await asyncio.sleep(400)
        bot.stop.set()
        assert await walking is Walked.HANDED_OVER
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: scene.store.state().question is None)
        assert 599 <= (bot.world.clock.now() - asked).total_seconds() <= 602
        assert await walking is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.outcome is outcome
        if outcome is Outcome.TURNED_BACK:
            assert "nobody answered within 10 min" in state.ended.summary
        else:
            said = [e.summary for e in scene.told() if isinstance(e, Done) and e.step == "sure"]
            assert said == ["nobody answered within 10 min"]
        check_fleet(scene, state)

    run(story())


# --- Expect ------------------------------------------------------------------


def test_a_server_that_moved_is_named_and_nothing_is_changed() -> None:
    async def story() -> None:
        scene = Case(2, moved=True).make()
        assert await scene.bot().walk() is Walked.ENDED
        state = scene.store.state()
        assert state.ended and state.ended.summary == (
            "v1.2 is not live on production: app1 serves another v1.1 now than the one that "
            "the plan was made for; nothing was changed. It took less than 1 s."
        )
        assert not scene.effects()

    run(story())


# --- Do ----------------------------------------------------------------------


def test_all_servers_are_staged_before_any_is_switched() -> None:
    async def story() -> None:
        scene = Case(2).make()
        assert await scene.bot().walk() is Walked.ENDED
        steps = [e.step for e in scene.told() if isinstance(e, Done) and e.host]
        assert steps.index("switch") > max(n for n, step in enumerate(steps) if step in ("stage", "health"))

    run(story())


def test_all_servers_are_switched_back_before_any_release_is_removed() -> None:
    async def story() -> None:
        scene = Case(2, ill=True).make()
        assert await scene.bot().walk() is Walked.ENDED
        back = [e.step for e in scene.told() if isinstance(e, Started) and e.way is Way.BACK]
        assert back == ["switch", "switch", "stage", "stage"]

    run(story())


def test_output_is_kept_without_secrets_and_cut() -> None:
    async def story() -> None:
        case = Case(1)
        scene = case.make()
        bot = scene.bot()
        long = ("password=hunter2 " + "x" * 700,) * 30

        async def talkative(*args: object) -> object:
            result = await type(bot.world.hosts).run(bot.world.hosts, *args)
            return replace(result, summary=long[0], lines=long)

        bot.world.hosts.run = talkative
        assert await bot.walk() is Walked.ENDED
        check(scene, case)
        kept = [e for e in scene.told() if isinstance(e, Done) and e.host]
        assert kept and all(len(e.lines) == 20 and len(e.summary) == 500 for e in kept)
        assert all(len(line) == 500 and line.startswith("password=[secret] xxx") for e in kept for line in e.lines)
        assert ("stage", "app1", "password=[secret]") in bot.lines
        assert ("stage", "app1", "1.0 of 1.0 MB are there") in bot.lines

    run(story())


def test_the_words_of_a_good_end() -> None:
    async def story() -> None:
        scene = Case(2, fails=(("app2", "retain/forward", "claimed"),)).make()
        assert await scene.bot().walk() is Walked.ENDED
        assert scene.store.state().ended.summary == (
            "v1.2 is live on production. It took 14 s. "
            "app2 could not be cleaned up; its old releases stay until the next deploy."
        )

    run(story())


def test_a_step_with_jobs_names_them_by_run_step_and_way() -> None:
    async def story() -> None:
        scene = Case(1, ill=True).make()
        await scene.bot().walk()
        jobs = scene.servers["app1"].jobs
        assert {"chg-7f3kq2/switch/forward", "chg-7f3kq2/switch/back"} <= set(jobs)
        assert {job.job.log for job in jobs.values()} == {"deployment_20261123_222151"}
        stage = scene.store.plan.step("stage")
        assert isinstance(stage, Do) and jobs["chg-7f3kq2/stage/forward"].job.timeout == stage.timeout
        assert isinstance(scene.store.plan.step("verify"), Watch)

    run(story())
