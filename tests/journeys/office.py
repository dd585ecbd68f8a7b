"""The real Bolt, desk, policy and store around a Slack; only the servers are imagined."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, CannotPlan, Environment, Host, Release
from actions.engine.journal import Done, Ended, Outcome, Started, Took, Way
from actions.engine.plan import Probe
from actions.engine.registry import discover
from bot.desk.desk import Desk
from bot.desk.looking import Looking
from bot.desk.planning import Planning
from bot.desk.roster import Roster
from bot.slack.app import SlackFace
from bot.store import Store
from bot.tails.cards.slack import SlackTail
from policies.change import People, Role
from policies.rules import Rules
from tests.slack.changes import PEOPLE
from tests.slack.support import BRISK, QUICK, RealClock, Slack, seen_text, start_slack, until
from tests.support.redis import RedisServer
from tests.support.rules import one_lead

BLUE = Release("20261101_100000", "v1.1", "2" * 40, "2" * 64, (1_792_000_000,), ("m1",))
OLD = Release("20261001_100000", "v1.0", "0" * 40, "0" * 64, (1_790_000_000,), ("m1",))


@dataclass
class Servers:
    """Only looked at; `fences` and disk move all the time, as they do."""

    releases: tuple[Release, ...] = (OLD, BLUE)
    current: str = BLUE.id
    looks: int = 0

    async def survey(self, host: str) -> Host:
        self.looks += 1
        return Host(host, f"SHA256:{host}", "a" * 64, self.current, self.releases, ("m1",), 10**11, self.looks)

    async def expect_upload(self, host: str) -> None:
        return


@dataclass
class Shelf:
    """What was built."""

    made: tuple[Artifact, ...] = (
        Artifact("v1.2", "c" * 40, "d" * 64, 1_000_000, ("m1", "m2")),
        Artifact("v1.1", BLUE.commit, BLUE.sha256, 1_000_000, ("m1",)),
        Artifact("v1.3", "e" * 40, "f" * 64, 1_000_000, ("m1", "m2")),
    )

    async def versions(self) -> tuple[Artifact, ...]:
        return self.made

    async def contents(self, sha256: str) -> Contents:
        raise CannotPlan("its artifact is nowhere.")

    async def resolve(self, version: str) -> Artifact:
        for artifact in self.made:
            if artifact.version == version:
                return artifact
        raise CannotPlan(f"There is no version {version}. The newest are v1.3 and v1.2.")


@dataclass
class Starts:
    """What was handed to the workers."""

    runs: list[str] = field(default_factory=list)

    async def start(self, run: str) -> None:
        self.runs.append(run)

    async def at(self, when: datetime, change: str) -> None: ...


@dataclass
class Office:
    """Everybody at work."""

    slack: Slack
    store: Store
    desk: Desk
    servers: Servers
    starts: Starts
    face: SlackFace

    async def type(self, text: str, user: str = "dev") -> None:
        assert await self.slack.stand_in.acts.command(user, "deploys", text) == "acked"

    async def click(self, action: str, user: str, card: int = -1, value: str = "") -> None:
        ts = self.cards()[card]["ts"]
        assert await self.slack.stand_in.acts.click(user, "deploys", ts, action, value or None) == "acked"

    async def window(self, person: str, callback: str) -> dict[str, Any]:
        """The window that person has open, once there is one."""

        def found() -> list[dict[str, Any]]:
            views = self.slack.stand_in.memory.views.values()
            return [view for view in views if view["user"] == person and view["callback_id"] == callback]

        await until(found)
        return found()[-1]

    def cards(self) -> list[dict[str, Any]]:
        return [m for m in self.slack.messages() if m.get("metadata", {}).get("event_type") == "chom_card"]

    def card(self) -> str:
        return seen_text(self.cards()[-1]) if self.cards() else ""

    async def whispered(self, person: str, words: str) -> str:
        """What only that person sees and says this."""

        def found() -> list[str]:
            return [text for text in map(seen_text, self.slack.whispers(person)) if words in text]

        await until(found)
        return found()[-1]

    async def walk(self, change: str) -> None:
        """What a worker writes when all goes well."""
        now, plan = RealClock().now(), (await self.store.change(change)).plan
        await self.store.append(change, 1, [Took(now, 1, "w")], None)
        for step in plan.steps:
            marks = [Started(now, step.name, "", Way.FORWARD), Done(now, step.name, "", Way.FORWARD)]
            await self.store.append(change, await self.store.length(change), marks, None)
        ended = Ended(now, Outcome.DONE, f"{plan.version} is live on {plan.environment}.")
        await self.store.append(change, await self.store.length(change), [ended], None)


@asynccontextmanager
async def open_office(
    redis: RedisServer,
    people: People = PEOPLE,
    groups: Mapping[Role, str] | None = None,
    rules: Rules | None = None,
) -> AsyncIterator[Office]:
    """An office where nothing has happened yet."""
    with redis.client() as client:
        client.flushall()
    slack, store, clock = await start_slack(limits=False), Store(redis.url), RealClock()
    probes = (Probe("https://shop.example/health", 200, "{version}"),)
    environments = {name: Environment(name, (f"{name}-1",), f"{name}-1", probes) for name in ("production", "staging")}
    servers, starts = Servers(), Starts()
    roster = Roster(people, team="T0CHOM", groups=groups, memory=store)
    planning = Planning(discover(), environments, "production", servers, Shelf(), None)
    looking = Looking(planning, store, roster, clock)
    desk = Desk(planning, looking, store, starts, rules or one_lead(), roster, clock)
    face = SlackFace(desk, slack.settings(), store, clock, BRISK)
    tail = SlackTail(face.client, store, desk, slack.settings(), servers, str, instance="a", pace=QUICK)
    stop = asyncio.Event()
    tailing = asyncio.create_task(tail.run(stop))
    await face.start()
    try:
        yield Office(slack, store, desk, servers, starts, face)
    finally:
        await face.stop_intake()
        stop.set()
        await tailing
        await face.close()
        await store.close()
        await slack.server.close()
