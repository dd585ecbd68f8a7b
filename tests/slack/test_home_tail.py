"""Homes against a real Redis, a strict Slack and the real Bolt: published on open, true afterwards, sent no oftener."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from policies.change import Account, Person, Role
from tests.slack.changes import PEOPLE
from tests.slack.journals import FINISHED
from tests.slack.lobby import SWIFT, V12, Lobby, asked, fresh, started
from tests.slack.support import until


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


async def test_the_servers_are_asked_seldom_however_many_look(here: Lobby) -> None:
    async with here.tail("a", replace(SWIFT, look_going=15)):
        await here.settled()
        assert not here.servers.looks
        for _ in range(5):
            await here.open("dev", "lead", "cto", "devops")
        await here.shows("devops", "production · v1.1")
        await here.settled()
        assert here.servers.looks == {"app1": 1, "app2": 1, "stage1": 1}


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
