"""A canary, walked in virtual time: to 100 %, back where it is bad, and never left on users by a bot that died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import pairwise
from typing import Any

import pytest

from actions import canary
from actions.engine.journal import Measured, Outcome, Weighed, Wish, Wished
from tests.pure.making import POOLS, artifact, fleet, host, request
from tests.runner.bot import Bot
from tests.runner.model import CLAIMED, LEASED, NEW, OLD, Server, Site, Store
from tests.runner.stories import MIGRATIONS, Scene, check_journal, check_once, through, until
from tests.runner.virtual import VirtualClock, run
from tests.runner.visitors import Visitors

STAGES = [10, 25, 50, 75, 100]
TAKEN_OVER = 10
"""The point of a bot's walk at which the run is its own."""


def scene(
    servers: int = 2, stages: tuple[str, ...] = canary.STAGES, every: int = 60, **more: Any
) -> tuple[Scene, Visitors]:
    names = [f"app{n + 1}" for n in range(servers)]
    made = {name: Server(name, MIGRATIONS if name == "app1" else ()) for name in names}
    visitors = Visitors(list(made.values()), **more)
    arguments = {"every": every, "stages": stages}
    plan = canary.plan(
        request("canary", arguments),
        fleet(*(host(name, pools=POOLS) for name in names)),
        artifact(migrations=("m1", "m9")),
    )
    return Scene(made, Store(plan), Site(list(made.values())), scrapes=visitors), visitors


def ended(told: Scene, outcome: Outcome) -> str:
    state = told.store.state()
    assert state.ended is not None and not told.store.locked and state.ended.outcome is outcome, state.ended
    check_journal(told.told())
    check_once(told)
    for server in told.servers.values():
        assert server.current == (NEW if outcome is Outcome.DONE else OLD)
        assert server.canary == "" and server.lease.weight == 0, "the canary is stopped"
        assert (NEW in server.releases) is (outcome is Outcome.DONE)
    return state.ended.summary


def walked(story: Callable[[], Coroutine[Any, Any, None]]) -> None:
    run(story())


def test_a_good_one_goes_through_every_stage_to_everybody() -> None:
    async def story() -> None:
        told, visitors = scene()
        await through(told, ())
        assert "v1.2 is live" in ended(told, Outcome.DONE)
        for weights in visitors.weights.values():
            assert weights == [0, *STAGES, 0], "the last 0: all are on the normal pool, which serves v1.2 by then"
        weighed = [entry for entry in told.told() if isinstance(entry, Weighed)]
        assert [entry.weight for entry in weighed] == STAGES
        times = [(b.at - a.at).total_seconds() for a, b in pairwise(weighed)]
        assert all(60 <= time <= 77 for time in times), times
        assert weighed[1].why.startswith("0 of 1"), weighed[1].why

    walked(story)


@pytest.mark.parametrize("fault", [{"failed": 0.2}, {"slow": 0.2}, {"hangs": True}], ids=["fails", "slow", "hangs"])
def test_a_bad_one_is_back_at_nobody(fault: dict[str, Any]) -> None:
    async def story() -> None:
        told, visitors = scene(**fault)
        began = VirtualClock().now()
        await through(told, ())
        said = ended(told, Outcome.TURNED_BACK)
        assert "v1.2 is not live on production: the canary failed (" in said, said
        assert (VirtualClock().now() - began).total_seconds() < 180
        assert all(weights[-1] == 0 and max(weights) == 10 for weights in visitors.weights.values())

    walked(story)


def test_a_canary_pool_that_is_ill_has_no_user() -> None:
    async def story() -> None:
        told, visitors = scene()
        told.servers["app2"].fails["probe/forward"] = CLAIMED
        await through(told, ())
        assert "the check of the canary pool failed on app2" in ended(told, Outcome.TURNED_BACK)
        assert all(weights == [0] for weights in visitors.weights.values())

    walked(story)


def test_where_nothing_can_be_seen_users_go_back_after_two_minutes() -> None:
    async def story() -> None:
        told, visitors = scene()
        bot = told.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: visitors.weights["app1"][-1] == 25)
        visitors.blind = True
        blind = VirtualClock().now()
        await walking
        said = ended(told, Outcome.TURNED_BACK)
        assert "inconclusive" in said and "Prometheus does not answer" in said, said
        assert 100 < (VirtualClock().now() - blind).total_seconds() < 180

    walked(story)


def test_without_users_it_is_extended_then_held_and_a_person_promotes_or_nobody_does() -> None:
    async def story() -> None:
        told, _ = scene(rate=0.01)
        bot = told.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: told.store.state().shifts and told.store.state().shifts["shift"].watched.held)
        shifted = told.store.state().shifts["shift"]
        assert shifted.weight == 10 and shifted.watched.extended == 3
        told.store.entries.append(Wished(VirtualClock().now(), "shift", 10, Wish.PROMOTE, "lead"))
        await until(lambda: told.store.state().shifts["shift"].weight == 25)
        await walking
        assert "Nobody answered for 30 minutes" in ended(told, Outcome.TURNED_BACK)

    walked(story)


def test_a_person_holds_promotes_and_ends_it() -> None:
    async def story() -> None:
        told, visitors = scene()
        walking = asyncio.create_task(told.bot().walk())
        await until(lambda: visitors.weights["app1"][-1] == 10)
        told.store.entries.append(Wished(VirtualClock().now(), "shift", 25, Wish.PROMOTE, "lead"))
        await asyncio.sleep(5)
        assert visitors.weights["app1"][-1] == 10, "it was for another stage than the one that runs"
        told.store.entries.append(Wished(VirtualClock().now(), "shift", 10, Wish.HOLD, "lead"))
        await asyncio.sleep(600)
        assert visitors.weights["app1"][-1] == 10
        told.store.entries.append(Wished(VirtualClock().now(), "shift", 10, Wish.PROMOTE, "lead"))
        await asyncio.sleep(2)
        assert visitors.weights["app1"][-1] == 25
        told.store.stop()
        await asyncio.sleep(1.2)
        assert all(server.lease.weight == 0 for server in told.servers.values()), "within a second"
        await walking
        ended(told, Outcome.TURNED_BACK)

    walked(story)


def test_who_ends_it_waits_for_no_prometheus_and_what_they_want_meanwhile_is_heard() -> None:
    async def story() -> None:
        told, visitors = scene()
        visitors.answers = 7
        walking = asyncio.create_task(told.bot().walk())
        await until(lambda: visitors.weights["app1"][-1] == 10)
        await asyncio.sleep(4)
        told.store.entries.append(Wished(VirtualClock().now(), "shift", 10, Wish.PROMOTE, "lead"))
        await asyncio.sleep(4)
        assert visitors.weights["app1"][-1] == 25
        await asyncio.sleep(4)
        told.store.stop()
        await asyncio.sleep(1)
        assert all(server.lease.weight == 0 for server in told.servers.values()), "within a second"
        await walking
        ended(told, Outcome.TURNED_BACK)

    walked(story)


def test_a_bot_that_died_for_good_leaves_nobody_on_the_canary() -> None:
    async def story() -> None:
        told, visitors = scene()
        bot = told.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: visitors.weights["app1"][-1] == 25)
        bot.kill()
        await walking
        await asyncio.sleep(LEASED + 1)
        assert all(weights[-1] == 0 for weights in visitors.weights.values())
        assert told.store.locked, "the run is open, and the next bot takes it over"
        await through(told, ())
        ended(told, Outcome.DONE)
        said = [e.why for e in told.told() if isinstance(e, Weighed | Measured)]
        news = next(at for at, why in enumerate(said) if "everybody was on stable for" in why)
        assert all("everybody was on stable for" in why for why in said[news:]), "until the end"
        assert not any(e.told for e in told.told() if isinstance(e, Measured)), "people hear of it once"

    walked(story)


def test_minute_three_stays_minute_three() -> None:
    async def story() -> None:
        told, visitors = scene()
        bot = told.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: visitors.weights["app1"][-1] == 25)
        await asyncio.sleep(40)
        since, counts = told.store.state().shifts["shift"].since, told.store.state().shifts["shift"].watched.tallies
        bot.kill()
        await walking
        again = told.bot()
        walking = asyncio.create_task(again.walk())
        await until(lambda: again.points and told.store.state().shifts["shift"].weight == 50)
        stage = told.store.state().shifts["shift"].stages[-1]
        assert (stage.weight, stage.began) == (25, since)
        assert (stage.ended - since).total_seconds() < 77
        assert told.store.state().shifts["shift"].watched.tallies[1].canary.requests >= counts[1].canary.requests
        await walking
        ended(told, Outcome.DONE)

    walked(story)


async def away(told: Scene, bot: Bot, walking: asyncio.Task[object], seconds: float) -> None:
    """It is killed, and none is there for so long."""
    bot.kill()
    await walking
    await asyncio.sleep(seconds)


@pytest.mark.parametrize("kill", range(1, 11))
def test_time_in_which_no_bot_was_there_is_not_the_stages(kill: int) -> None:
    """A bot comes after ten minutes and is killed at a point between its take-over and its first leases."""

    async def story() -> None:
        told, visitors = scene(stages=("25", "100"), every=300)
        bot = told.bot()
        walking = asyncio.create_task(bot.walk())
        await until(lambda: visitors.weights["app1"][-1] == 25)
        await asyncio.sleep(30)
        await away(told, bot, walking, 600)
        second = told.bot()
        walking = asyncio.create_task(second.walk())
        second.at[TAKEN_OVER + kill] = second.kill
        await walking
        assert second.points[TAKEN_OVER] == "wrote took" and "routed 100" not in second.points[-1]
        await asyncio.sleep(7)
        await through(told, ())
        ended(told, Outcome.DONE)
        (stage, *_) = told.store.state().shifts["shift"].stages
        whole = (stage.ended - stage.began).total_seconds() - 600
        assert 300 - LEASED - 1 <= whole <= 300 - LEASED + 20 + 17, (whole, second.points[-3:])
        news = [e for e in told.told() if isinstance(e, Measured) and e.told]
        assert news and all("everybody was on stable for" in e.why for e in news)

    walked(story)


@pytest.mark.parametrize("fault", [{}, {"failed": 0.2}], ids=["good", "bad"])
def test_killed_at_every_point(fault: dict[str, Any]) -> None:
    async def one(kill: int | None) -> Bot:
        told, visitors = scene(stages=("10", "100"), **fault)
        bots = await through(told, () if kill is None else (kill,), gap=7.0)
        ended(told, Outcome.TURNED_BACK if fault else Outcome.DONE)
        for weights in visitors.weights.values():
            assert weights[-1] == 0 and (max(weights) == 10 if fault else max(weights) == 100)
        return bots[0]

    points = len(run(one(None)).points)
    assert points > 60
    for kill in range(0, points, 2 if fault else 5):
        run(one(kill))


def test_one_of_two_servers_that_goes_away_sends_its_users_back_by_itself_and_then_all() -> None:
    async def story() -> None:
        told, visitors = scene()
        walking = asyncio.create_task(told.bot().walk())
        await until(lambda: visitors.weights["app1"][-1] == 25)
        told.servers["app2"].down()
        await asyncio.sleep(LEASED + 1)
        assert visitors.weights["app2"][-1] == 0
        away = [e for e in told.told() if isinstance(e, Measured) and "app2 does not answer" in e.why and e.told]
        assert len(away) == 1, "people hear of it once"
        await until(lambda: visitors.weights["app1"][-1] == 0)
        state = told.store.state()
        assert state.turned and "inconclusive" in state.turned.why
        told.servers["app2"].up.set()
        await walking
        ended(told, Outcome.TURNED_BACK)

    walked(story)
