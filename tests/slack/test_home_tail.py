"""Homes against a real Redis, a strict Slack and the real Bolt: published on open, true afterwards, sent no oftener."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.store import Store
from bot.tails.home import NAME
from policies.change import Account, Approval, Change, People, Person, Refused, Role, Why, Word
from tests.slack.changes import CHANGE, PEOPLE
from tests.slack.journals import FINISHED
from tests.slack.lobby import SWIFT, V12, Lobby, lobby
from tests.slack.support import RealClock, start_slack, until
from tests.support.redis import RedisServer


@pytest.fixture
def people() -> People:
    """Everybody in chom.toml."""
    return PEOPLE


@pytest.fixture
async def here(redis: RedisServer, people: People) -> AsyncIterator[Lobby]:
    with redis.client() as client:
        client.flushall()
    slack, store = await start_slack(limits=False), Store(redis.url)
    async with lobby(slack, store, people) as made:
        yield made
    await store.close()
    await slack.server.close()


def fresh(id_: str = "chg-home22", **more: object) -> Change:
    """Asked for a moment ago."""
    return replace(CHANGE, id=id_, at=RealClock().now().replace(microsecond=0), **more)


async def asked(here: Lobby, change: Change) -> None:
    await here.store.put_change(change)
    await here.store.set_card(change.id, "C0DEPLOYS", "1795442531.000100")


async def started(here: Lobby, change: Change, upto: int) -> None:
    said = Approval("lead", Word.APPROVE, change.digest, change.at, "", "T0CHOM:U0LEAD")
    await here.store.add_approval(change.id, said, 0)
    await here.store.open_run(change, replace(FINISHED[0], change=change.id, digest=change.digest))
    await here.store.append(change.id, 1, FINISHED[1:upto], None)


async def test_it_is_there_within_two_seconds_of_being_opened(here: Lobby) -> None:
    async with here.tail("a"):
        begun = time.monotonic()
        await here.open("dev")
        await here.shows("dev", "All quiet", "production · v1.1", "staging · v1.1", "on app1 and app2")
        assert time.monotonic() - begun < 2
        assert here.calls("dev") == 1 and here.calls("lead") == 0


async def test_a_change_elsewhere_is_on_everybodys_open_home_and_each_sees_their_own(here: Lobby) -> None:
    change = fresh()
    async with here.tail("a"):
        await here.open("dev", "lead")
        await here.shows("dev", "All quiet")
        await here.shows("lead", "All quiet")
        await asked(here, change)
        assert "Waits for others" in await here.shows("dev", "Deploy v1.2 to production")
        assert "Waits for others" not in await here.shows("lead", "1 decision waits for you")
        await until(lambda: here.link("lead").endswith("/archives/C0DEPLOYS/p1795442531000100"))
        await started(here, change, 6)
        for who in ("dev", "lead"):
            assert "Nothing waits for you." in await here.shows(who, "production is running", "Step ")
        await here.store.append(change.id, 6, FINISHED[6:], None)
        for who in ("dev", "lead"):
            await here.shows(who, "All quiet", "✓", "took 24 s · Dana Dev")
        assert here.calls("cto") == here.calls("devops") == 0


async def test_what_has_no_card_yet_is_linked_as_soon_as_it_has(here: Lobby) -> None:
    async with here.tail("a", replace(SWIFT, sweep=60)):
        await here.open("lead")
        await here.shows("lead", "All quiet")
        await here.store.put_change(fresh())
        await here.shows("lead", "1 decision waits")
        assert here.link("lead") == ""
        await here.store.set_card("chg-home22", "C0DEPLOYS", "1795442531.000100")
        await until(lambda: here.link("lead").endswith("p1795442531000100"))


async def test_what_is_shown_already_is_not_sent_again(here: Lobby) -> None:
    change = fresh()
    await asked(here, change)
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "Waits for others", "production · v1.1", "staging · v1.1")
        for _ in range(3):
            await here.open("dev")
            await here.settled()
        assert here.calls("dev") == 1
    async with here.tail("b"):
        await here.settled()
    assert here.calls("dev") == 1


async def test_what_happens_fast_is_sent_seldom_and_its_end_at_once(here: Lobby) -> None:
    change = fresh()
    await asked(here, change)
    async with here.tail("a", replace(SWIFT, view=0.8)):
        await here.open("dev")
        await here.shows("dev", "Waits for others")
        await started(here, change, 2)
        await here.shows("dev", "Deploy v1.2 to production is starting")
        before, last = here.calls("dev"), len(FINISHED) - 1
        for number in range(2, last):
            await here.store.append(change.id, number, [FINISHED[number]], None)
            await asyncio.sleep(0.05)
        assert here.calls("dev") - before <= 4 < last - 2
        await here.store.append(change.id, last, [FINISHED[last]], None)
        await here.shows("dev", "All quiet", seconds=1.5)


@pytest.mark.parametrize("people", [{who: PEOPLE[who] for who in ("lead", "devops")}])
async def test_who_is_in_no_chom_toml_is_told_whom_to_ask_and_nothing_more(here: Lobby) -> None:
    await asked(here, fresh())
    async with here.tail("a"):
        await here.open("dev")
        told = await here.shows("dev", "You are not on the list yet", "<@U0DEVOPS>")
        assert "v1.2" not in told and "Running" not in told
        assert await here.store.home_readers() == {}


GUEST = Person("guest", "Gil Guest", frozenset({Role.TECH_LEAD}), (Account("T0CHOM", "U0GUEST"),))


@pytest.mark.parametrize("people", [PEOPLE | {"guest": GUEST}])
async def test_a_guest_sees_nothing_even_where_chom_toml_lists_them(here: Lobby) -> None:
    await asked(here, fresh())
    async with here.tail("a"):
        await here.open("guest")
        told = await here.shows("guest", "Not for this account", "You are a guest")
        assert "v1.2" not in told and await here.store.home_readers() == {}


async def test_a_home_changed_behind_its_back_is_made_anew(here: Lobby) -> None:
    """As by another bot of the app, or a call whose answer was lost."""
    change = fresh()
    async with here.tail("a"):
        await here.open("dev")
        await here.shows("dev", "All quiet", "staging · v1.1")
        (view,) = here.slack.stand_in.memory.views.values()
        view.update(hash="1.another", blocks=[])
        await asked(here, change)
        await here.shows("dev", "Waits for others")
    hashes = [hash_ for _, hash_ in here.published]
    assert hashes[0] == hashes[-1] == "" and all(hashes[1:-1])


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


async def test_the_servers_are_asked_seldom_however_many_look(here: Lobby) -> None:
    async with here.tail("a", replace(SWIFT, look_going=15)):
        await here.settled()
        assert not here.servers.looks
        for _ in range(5):
            await here.open("dev", "lead", "cto", "devops")
        await here.shows("devops", "production · v1.1")
        await here.settled()
        assert here.servers.looks == {"app1": 1, "app2": 1, "stage1": 1}


async def test_a_frozen_server_delays_nobodys_home(here: Lobby) -> None:
    here.servers.frozen, here.patience = {"app2"}, 1.5
    async with here.tail("a"):
        begun = time.monotonic()
        await here.open("dev")
        told = await here.shows("dev", "staging · v1.1")
        assert "*production*\nThe servers are being looked at …" in told and time.monotonic() - begun < 2
        await here.shows("dev", "production · v1.1", "on app1\n✗ app2 does not answer within 1.5 s.")
        await here.shows("dev", "Not every server of production answers.")


async def test_what_is_live_is_looked_at_again_when_a_run_has_ended(here: Lobby) -> None:
    change = fresh()
    await asked(here, change)
    async with here.tail("a", replace(SWIFT, look_going=60)):
        await here.open("dev")
        await here.shows("dev", "production · v1.1", "Waits for others")
        await started(here, change, 6)
        await here.shows("dev", "production is running")
        here.servers.current = V12.id
        await here.store.append(change.id, 6, FINISHED[6:], None)
        await here.shows("dev", "production · v1.2", "All quiet")


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
