"""Homes while Slack, Redis, a server or a bot is away: delayed, never wrong, and right when it is back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from bot.tails.homes.home import NAME
from policies.change import Refused, Why
from tests.slack.lobby import SWIFT, Lobby, asked, fresh
from tests.slack.support import until
from tests.support.redis import RedisServer


async def test_slack_shows_an_older_home_than_was_sent(here: Lobby) -> None:
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet", "staging · v1.1")
        here.slack.stand_in.memory.views.clear()
        await here.open("dev")
        await here.shows("dev", "All quiet")


async def test_slack_is_down_and_everything_is_right_when_it_is_back(here: Lobby) -> None:
    change = fresh()
    async with here.tail("a"):
        await here.open("dev", "lead")
        await here.shows("lead", "All quiet")
        await here.shows("dev", "All quiet")
        await here.slack.stand_in.fault({"slack": "down", "seconds": 60})
        await asked(here, change)
        await here.settled()
        assert "All quiet" in here.shown("lead")
        await here.slack.stand_in.fault({"slack": "up"})
        await here.shows("lead", "1 decision waits for you")
        await here.shows("dev", "Waits for others")


async def test_told_to_be_slower_it_waits_so_long(here: Lobby) -> None:
    async with here.tail("a"):
        await here.slack.stand_in.fault({"slack": "429", "method": "views.publish", "count": 1, "seconds": 1.2})
        begun = time.monotonic()
        await here.open("dev")
        await here.shows("dev", "All quiet")
        assert time.monotonic() - begun >= 1.0 and here.calls("dev") == 2


async def test_a_lost_answer_costs_a_call_and_no_truth(here: Lobby) -> None:
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet", "staging · v1.1")
        await here.slack.stand_in.fault({"slack": "lost", "method": "views.publish", "count": 1, "seconds": 30})
        await asked(here, fresh())
        await here.shows("dev", "Waits for others")
        await here.store.refuse("chg-home22", Refused("Dana Dev withdrew the request.", Why.WITHDRAWN))
        await here.shows("dev", "All quiet")


async def test_what_a_bot_that_died_in_the_call_has_perhaps_sent_is_not_believed(here: Lobby) -> None:
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet", "staging · v1.1")
        await here.slack.stand_in.fault({"slack": "slow", "method": "views.publish", "delay": 30})
        await asked(here, fresh())
        await until(lambda: here.calls("dev") == 2)
    await here.slack.stand_in.fault({"slack": "up"})
    (view,) = here.slack.stand_in.memory.views.values()
    view.update(hash="1.arrived", blocks=[])
    await here.store.refuse("chg-home22", Refused("Dana Dev withdrew the request.", Why.WITHDRAWN))
    async with here.tail("b"):
        await here.shows("dev", "All quiet", "staging · v1.1")


async def test_whom_slack_does_not_know_is_not_tried_again(here: Lobby) -> None:
    async with here.tail("a"):
        await here.store.home_opened("T0CHOM:U0NOBODY", "", keep=True)
        await until(lambda: ("U0NOBODY", "") in here.published)
        await here.settled()
        assert here.calls("nobody") == 1 and await here.store.home_readers() == {}


async def test_another_bot_takes_over_and_answers_what_was_opened_in_between(here: Lobby) -> None:
    await here.store.hold_instance(NAME, "dead", 0.5)
    await here.open("dev")
    async with here.tail("b"):
        await here.shows("dev", "All quiet", seconds=4)
        assert await here.store.hold_instance(NAME, "c", 1) == "b"


async def test_a_bot_that_lost_the_lease_publishes_nothing_more(here: Lobby) -> None:
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet", "staging · v1.1")
        assert await here.store.hold_instance(NAME, "other", 30, stale="a") == ""
        await asyncio.sleep(SWIFT.lease)
        await asked(here, fresh())
        await here.settled()
        assert here.calls("dev") == 1


async def test_two_bots_send_each_home_once(here: Lobby) -> None:
    async with here.tail("a"), here.tail("b"):
        await here.open("dev", "lead", "cto")
        for who in ("dev", "lead", "cto"):
            await here.shows(who, "All quiet", "staging · v1.1")
        await asked(here, fresh())
        for who in ("dev", "lead", "cto"):
            await here.shows(who, "Deploy v1.2 to production")
        await here.settled()
        assert all(here.calls(who) <= 3 for who in ("dev", "lead", "cto"))
        assert len({hash_ for _, hash_ in here.published if hash_}) == sum(bool(h) for _, h in here.published)


async def test_redis_away_and_back_only_delays_it(here: Lobby, redis: RedisServer) -> None:
    here.store.link.patience = 0.1
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet")
        redis.kill()
        await asyncio.sleep(0.5)
        redis.start()
        await asyncio.sleep(0.2)
        await asked(here, fresh())
        await here.shows("dev", "Waits for others")


async def test_a_frozen_server_delays_nobodys_home(here: Lobby) -> None:
    here.servers.frozen, here.patience = {"app2"}, 1.5
    async with here.tail("a"):
        begun = time.monotonic()
        await here.open("dev")
        told = await here.shows("dev", "staging · v1.1")
        assert "*production*\nThe servers are being looked at …" in told and time.monotonic() - begun < 2
        await here.shows("dev", "production · v1.1", "on app1\n✗ app2 does not answer within 1.5 s.")
        await here.shows("dev", "Not every server of production answers.")


async def test_a_server_that_went_away_is_told_with_what_it_served(here: Lobby) -> None:
    async with here.tail("a", replace(SWIFT, look=0.2, look_going=0.2)):
        await here.open("dev")
        await here.shows("dev", "production · v1.1")
        here.servers.away = {"app2"}
        told = await here.shows("dev", "✗ app2 does not answer: ssh, 3 times. It was last seen <!date^")
        assert "on app1 and app2" in told
        here.servers.away = set()
        await until(lambda: "✗" not in here.shown("dev"))


async def test_a_change_that_cannot_be_read_darkens_nothing_else(here: Lobby) -> None:
    await asked(here, fresh())
    await asked(here, fresh("chg-odd222"))
    await here.store.link.ask("HSET", "chom:change:chg-odd222", "json", '{"of": "another version"}')
    async with here.tail("a"):
        await here.open("lead")
        await here.shows("lead", "1 decision waits for you", "production · v1.1")
