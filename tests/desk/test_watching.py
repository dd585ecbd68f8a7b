"""The watch after a deploy, on a real Redis: durable, by any bot, once, and never in the way of the next deploy."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from actions.engine.fleet import Limit
from actions.engine.journal import Ended, Observed, Opened, Outcome, Sight
from actions.engine.plan import Probe
from actions.engine.ports import Passed
from actions.engine.telemetry import Blind, Sample
from actions.engine.watched import How
from bot.evidence.staging import Staging
from bot.store import Store
from bot.watching import Watching
from bot.watching.eyes import Eyes
from policies.change import Change, Requirement
from tests.desk.conftest import Room
from tests.support.redis import RedisServer

BY_PROBES = "by its probes alone: chom.toml names no metrics for errors and latency there"


@dataclass
class Site:
    """What probes get, and what Prometheus says."""

    why: str = ""
    errors: float | None = 0.0

    async def probe(self, probe: Probe) -> Passed:
        return Passed(not self.why, self.why)

    async def query(self, promql: str, at: object = None) -> tuple[Sample, ...]:
        if self.errors is None:
            raise Blind("Prometheus at http://p:9090 cannot be reached.")
        return (Sample({}, self.errors),)


def watching(room: Room, site: Site, store: Store | None = None, *, metrics: bool = True) -> Watching:
    looking = replace(room.desk.looking, store=store or room.store, _usual={})
    eyes = Eyes(looking.planning, site, site if metrics else None)
    return Watching(looking, store or room.store, eyes, room.clock, every=10.0)


@pytest.fixture
def site(room: Room) -> Site:
    environments = room.desk.planning.environments
    assert isinstance(environments, dict)
    environments["production"] = replace(environments["production"], limits=(Limit("errors", "errors", 0.05),))
    environments["staging"] = replace(environments["staging"], staging=True)
    return Site()


async def deployed(room: Room, text: str = "deploy v1.2", watch_minutes: int = 1) -> Change:
    """It ran, ended well, and its release is served."""
    view = await room.desk.preview(text, room.who("dev"))
    need = Requirement(2, "It is big.", (), watch=timedelta(minutes=watch_minutes))
    change = replace(view.change, requirement=need, at=room.clock.now())
    await room.store.put_change(change)
    await room.store.open_run(change, Opened(room.clock.now(), change.id, change.digest, "dev"))
    fence = await room.store.take_fence(change.environment, 0)
    await room.store.append(change.id, 1, [Ended(room.clock.now(), Outcome.DONE, "It is live.")], fence)
    serve(room, change)
    return change


def serve(room: Room, change: Change) -> None:
    release = str(change.plan.facts["release"])
    for seen in change.plan.hosts:
        host = room.servers.seen[seen.name]
        new = replace(host.releases[0], id=release, version=change.plan.version, sha256=change.plan.sha256)
        room.servers.seen[seen.name] = replace(host, current=release, releases=(new, *host.releases))


async def look(room: Room, one: Watching, times: int = 1, environment: str = "production") -> None:
    for _ in range(times):
        room.clock.later(seconds=10)
        await one.look(environment)


async def observed(room: Room, change: Change) -> list[Observed]:
    return [entry for entry in await room.store.read(change.id) if isinstance(entry, Observed)]


async def test_it_ends_well_once_whoever_looks_and_holds_no_lock(room: Room, site: Site, redis: RedisServer) -> None:
    change = await deployed(room)
    others = [Store(redis.url) for _ in range(3)]
    bots = [watching(room, site), *(watching(room, site, store) for store in others)]
    await look(room, bots[0], 3)
    view = await room.desk.view(change.id)
    assert view.watched and (view.watched.green, view.watched.how) == (30.0, How.WATCHED)
    assert await room.store.open_run_of("production") is None
    for _ in range(4):
        room.clock.later(seconds=10)
        await asyncio.gather(*(bot.look("production") for bot in bots))
    (last,) = await observed(room, change)
    assert last.sight is Sight.WELL and "watched on production for 1 minute" in last.summary
    for store in others:
        await store.close()


async def test_it_goes_on_where_a_dead_bot_left_it(room: Room, site: Site) -> None:
    change = await deployed(room)
    await look(room, watching(room, site), 2)
    room.clock.later(hours=2)
    reborn = watching(room, site)
    await reborn.look("production")
    view = await room.desk.view(change.id)
    assert view.watched and view.watched.green == 20.0 and await observed(room, change) == []
    await look(room, reborn, 4)
    assert [last.sight for last in await observed(room, change)] == [Sight.WELL]


async def test_where_a_bot_died_before_it_wrote_the_end_another_writes_it(room: Room, site: Site) -> None:
    change = await deployed(room)
    await look(room, watching(room, site))
    record = await room.store.watch("production")
    assert record
    await room.store.put_watch(record, replace(record, how=How.WELL, green=60.0), touch=True)
    for _ in range(2):
        await look(room, watching(room, site))
    assert len(await observed(room, change)) == 1


async def test_errors_and_probes_that_fail_end_it_ill(room: Room, site: Site) -> None:
    change, one = await deployed(room), watching(room, site)
    await look(room, one)
    site.errors = 0.4
    await look(room, one, 3)
    (last,) = await observed(room, change)
    assert last.sight is Sight.ILL and "errors are at 0.4, and have to be below 0.05" in last.summary


async def test_a_prometheus_that_is_away_is_not_taken_for_health(room: Room, site: Site) -> None:
    change, one = await deployed(room), watching(room, site)
    site.errors = None
    await look(room, one, 3)
    view = await room.desk.view(change.id)
    assert view.watched and view.watched.green == 0.0 and "could not see errors" in view.watched.said
    await look(room, one, 10)
    (last,) = await observed(room, change)
    assert last.sight is Sight.UNSEEN and "could not see errors" in last.summary


async def test_a_server_that_is_away_stops_the_time_and_a_later_deploy_ends_the_watch(room: Room, site: Site) -> None:
    change, one = await deployed(room), watching(room, site)
    await look(room, one)
    room.servers.down.add("app2")
    await look(room, one, 2)
    record = await room.store.watch("production")
    assert record and record.green == 10.0 and "app2" in record.said
    room.servers.down.clear()
    second = await deployed(room, "deploy v1.1")
    await look(room, one, 8)
    assert await observed(room, change) == [] and len(await observed(room, second)) == 1


async def test_staging_says_how_long_it_has_been_green_and_begins_anew_when_ill(room: Room, site: Site) -> None:
    one = watching(room, site, metrics=False)
    staging = Staging(one, ["staging"])
    asked = (await room.desk.preview("deploy v1.2", room.who("dev"))).change
    wanted = replace(asked, requirement=Requirement(2, "x", (), ("staging",), times={"staging": timedelta(minutes=1)}))

    async def said() -> tuple[bool, str]:
        found = await staging.read(wanted, room.clock.now())
        assert (found.expires is not None) is found.holds
        return found.holds, found.said

    assert "v1.2 is not in staging. Try it there first: `deploy v1.2 to staging`" in (await said())[1]
    there = await deployed(room, "deploy v1.2 to staging")
    await look(room, one, 3, "staging")
    assert await said() == (False, f"v1.2 has been healthy in staging for 0 of 1 minute, {BY_PROBES}.")
    site.why = "HTTP 502"
    await look(room, one, 1, "staging")
    holds, ill = await said()
    assert not holds and "v1.2 is ill in staging" in ill and "HTTP 502" in ill
    site.why = ""
    await look(room, one, 6, "staging")
    assert (await said())[0] is False
    await look(room, one, 1, "staging")
    assert await said() == (True, f"v1.2 has been healthy in staging for 1 minute, {BY_PROBES}.")
    room.shelf.built["v1.2"] = replace(room.shelf.built["v1.2"], sha256="9" * 64)
    wanted = replace(wanted, plan=replace(wanted.plan, sha256="9" * 64))
    assert "another build of v1.2" in (await said())[1]
    wanted = replace(wanted, plan=there.plan)
    await deployed(room, "deploy v1.1 to staging")
    await look(room, one, 1, "staging")
    assert "v1.2 is not in staging: staging serves v1.1" in (await said())[1]
