"""A desk on a real Redis, with servers that are only looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, CannotPlan, Environment, Host, Release
from actions.engine.plan import Probe
from actions.engine.ports import Unreachable
from actions.engine.registry import discover
from bot.desk.desk import Desk
from bot.desk.looking import Looking
from bot.desk.planning import Planning
from bot.desk.roster import Roster
from bot.store import Store
from bot.vocabulary import RESERVED
from policies.change import Account, Person, Role
from tests.support.redis import RedisServer
from tests.support.rules import one_lead

BLUE = Release("20261101_100000", "v1.0", "a" * 40, "b" * 64, (1_793_000_000,), ())
OLD = Release("20261001_100000", "v0.9", "a" * 40, "c" * 64, (1_790_000_000,), ())


@dataclass
class Servers:
    """What survey sees; `down` do not answer, `unready` cannot get ready for an upload."""

    seen: dict[str, Host]
    down: set[str] = field(default_factory=set)
    unready: set[str] = field(default_factory=set)
    ready: set[str] = field(default_factory=set)

    async def survey(self, host: str) -> Host:
        await asyncio.sleep(0)
        if host in self.down:
            raise Unreachable(host, "ssh ops@10.0.0.1:22, connection refused", "Is the server up?")
        return self.seen[host]

    async def expect_upload(self, host: str) -> None:
        if host in self.unready:
            raise Unreachable(host, "gone since the survey")
        self.ready.add(host)


@dataclass
class Shelf:
    """Artifacts by version."""

    built: dict[str, Artifact]
    kept: dict[str, Contents] = field(default_factory=dict[str, Contents])
    """What is known to be in an artifact, by its sha256."""

    async def versions(self) -> Sequence[Artifact]:
        return tuple(self.built.values())

    async def contents(self, sha256: str) -> Contents:
        if sha256 not in self.kept:
            raise CannotPlan(f"its artifact ({sha256[:12]}…) is no longer there: put it back.")
        return self.kept[sha256]

    async def resolve(self, version: str) -> Artifact:
        if version not in self.built:
            raise CannotPlan(f"There is no version {version}. The newest are {', '.join(self.built)}.")
        return self.built[version]


@dataclass
class Started:
    """Stands where Work does: notes what was started."""

    runs: list[str] = field(default_factory=list)

    async def start(self, run: str) -> None:
        self.runs.append(run)

    async def at(self, when: datetime, change: str) -> None:
        assert when.tzinfo is not None
        assert change


@dataclass
class Watch:
    """A clock that a test sets."""

    time: datetime = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def later(self, **by: int) -> None:
        self.time += timedelta(**by)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class Room:
    """The desk and all that stands around it."""

    desk: Desk
    servers: Servers
    shelf: Shelf
    work: Started
    clock: Watch
    store: Store

    def who(self, name: str) -> Person:
        return self.desk.people[name]


def _people() -> dict[str, Person]:
    def one(id_: str, name: str, *roles: Role) -> Person:
        return Person(id_, name, frozenset(roles), (Account("T0CHOM", f"U0{id_.upper()}"),), (id_,))

    lead = one("lead", "Lena", Role.TECH_LEAD)
    return {
        "dev": one("dev", "Dana"),
        "lead": replace(lead, accounts=(*lead.accounts, Account("T0CHOM", "U0LEADTWO"))),
        "tom": one("tom", "Tom", Role.TECH_LEAD),
        "devops": one("devops", "Omar", Role.DEVOPS, Role.ON_CALL),
    }


def _artifact(version: str, letter: str, *migrations: str) -> Artifact:
    return Artifact(version, letter * 40, letter * 64, 1_000_000, migrations)


@pytest.fixture
async def room(redis: RedisServer) -> AsyncIterator[Room]:
    with redis.client() as client:
        client.flushall()
    names = ("app1", "app2")
    probe = Probe("http://127.0.0.1:1/health", contains="{version}")
    environments = {
        "production": Environment("production", names, "app1", (probe,)),
        "staging": Environment("staging", ("stage1",), "stage1", (probe,)),
    }
    host = Host("app1", "SHA256:k", "d" * 64, BLUE.id, (BLUE, OLD), (), 10**12, 0)
    servers = Servers({name: replace(host, name=name) for name in (*names, "stage1")})
    shelf = Shelf({"v1.1": _artifact("v1.1", "1"), "v1.2": _artifact("v1.2", "2", "2026_10_01_000000_add_orders")})
    store, clock, work, roster = Store(redis.url), Watch(), Started(), Roster(_people())
    planning = Planning(discover(RESERVED), environments, "production", servers, shelf, None)
    looking = Looking(planning, store, roster, clock)
    yield Room(Desk(planning, looking, store, work, one_lead(), roster, clock), servers, shelf, work, clock, store)
    await store.close()
