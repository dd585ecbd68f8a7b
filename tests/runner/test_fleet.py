"""A hundred servers: all at once, one write for those that end together, and one bad one that takes the others back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta

from actions.engine.fold import fold
from actions.engine.journal import Entry, Outcome, Waiting, Way
from tests.runner.model import CLAIMED, NEW, OLD
from tests.runner.stories import Case, check, through, undone, until
from tests.runner.virtual import run
from tests.store.test_journal_cost import step

HOSTS = 100
BAD = "app42"


def test_a_hundred_servers_take_as_long_as_one_and_as_few_writes() -> None:
    async def story(hosts: int) -> tuple[timedelta, int]:
        case = Case(hosts)
        scene = case.make()
        (bot,) = await through(scene, ())
        state = check(scene, case)
        assert state.opened and state.ended
        return state.ended.at - state.opened.at, sum(point.startswith("wrote") for point in bot.points)

    (one, few), (hundred, many) = run(story(1)), run(story(HOSTS))
    assert hundred <= one + timedelta(seconds=0.1)
    assert many <= 2 * few, "appends do not grow with the servers"


def test_one_bad_server_is_named_and_ninety_nine_go_back() -> None:
    async def story() -> None:
        case = Case(HOSTS, fails=((BAD, "switch/forward", CLAIMED),))
        scene = case.make()
        await through(scene, ())
        state = check(scene, case)
        undone(scene, state)
        assert state.ended and state.turned
        assert state.turned.why == f"the switch failed on {BAD} (HTTP 500)"
        assert "100 servers (app1 to app100) were switched back to v1.1." in state.ended.summary
        assert all(server.current == OLD for server in scene.servers.values())
        assert len(state.ended.summary) < 400

    run(story())


def test_a_dead_server_among_ninety_nine_holds_up_none_of_them() -> None:
    """Jobs of two seconds; the dead one keeps a place for its patience of 120 s, and the run waits only for it."""

    async def story() -> None:
        case = Case(HOSTS)
        scene = case.make()
        walking = asyncio.create_task(scene.bot().walk())
        await until(lambda: any(job.endswith("stage/forward") for job in scene.servers[BAD].jobs))
        scene.servers[BAD].down()
        await until(lambda: scene.store.state().waiting)
        state = scene.store.state()
        done = [host for host in scene.servers if (m := state.mark("stage", host, Way.FORWARD)) and m.ended]
        assert set(scene.servers) - set(done) == {BAD} and list(state.waiting) == [BAD]
        scene.servers[BAD].up.set()
        await walking
        assert scene.store.state().ended and all(server.current == NEW for server in scene.servers.values())

    run(story())


def test_a_fleet_that_does_not_answer_is_told_in_a_few_words() -> None:
    async def story() -> None:
        case = Case(HOSTS)
        scene = case.make()
        for server in scene.servers.values():
            server.down()
        await through(scene, ())
        state = scene.store.state()
        assert state.ended and state.ended.outcome is Outcome.TURNED_BACK
        assert state.turned and "app4 did not answer" in state.turned.why and "app5 " not in state.turned.why
        assert "and 96 servers more" in state.turned.why
        waits = Counter(entry.host for entry in scene.told() if isinstance(entry, Waiting))
        assert set(waits.values()) == {1}

    run(story())


def test_a_fold_costs_what_its_entries_cost() -> None:
    """Ten times the entries, about ten times the time: not a hundred times."""

    def cost(steps: int) -> float:
        entries: list[Entry] = [entry for number in range(steps) for entry in step(number)]
        begun = time.process_time()
        state = fold(entries)
        assert len(state.marks) == steps * HOSTS and state.seq == len(entries)
        return time.process_time() - begun

    small, large = min(cost(3) for _ in range(5)), min(cost(30) for _ in range(3))
    assert large < 30 * small


def test_an_earlier_fold_is_not_changed_by_a_later_one() -> None:
    entries = step(1, 2)
    before = fold(entries[:2])
    after = fold(entries[2:], before)
    assert [mark.ended for mark in before.marks.values()] == [None, None]
    assert all(mark.ended for mark in after.marks.values()) and after == fold(entries)
