"""People with their Homes in a strict Slack, a real store, imagined servers, and bots that come and go."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from actions.engine.fleet import Environment, Host, Release
from actions.engine.ports import Unreachable
from bot.desk.looking import Looking
from bot.desk.planning import Planning, Unlisted
from bot.desk.roster import Roster
from bot.desk.surveys import Surveys
from bot.desk.view import ChangeView
from bot.slack.app import SlackFace
from bot.slack.connection.web import new_client, new_session
from bot.store import Store
from bot.tails.homes.home import keep_homes
from bot.tails.homes.pace import HomePace
from policies.change import Account, Approval, Change, People, Person, Word
from tests.slack.changes import CHANGE
from tests.slack.journals import FINISHED
from tests.slack.support import BRISK, FakeDesk, RealClock, Slack, until

SWIFT = HomePace(view=0.15, turn=0.05, sweep=0.4, look_going=0.3, lease=0.9, backoff=(0.05, 0.2))
"""The pace of Homes, shortened for tests."""
V11 = Release("20261101_100000", "v1.1", "2" * 40, "2" * 64, (1_792_000_000,))
V12 = Release("20261123_140211", "v1.2", "c" * 40, "d" * 64, (1_795_442_600,))


@dataclass
class Servers:
    """Only looked at. Those in `away` do not answer; those in `frozen` hang."""

    current: str = V11.id
    looks: Counter[str] = field(default_factory=Counter)
    away: set[str] = field(default_factory=set)
    frozen: set[str] = field(default_factory=set)

    async def survey(self, host: str) -> Host:
        self.looks[host] += 1
        if host in self.frozen:
            await asyncio.sleep(3600)
        if host in self.away:
            raise Unreachable(host, "ssh, 3 times")
        return Host(host, f"SHA256:{host}", "a" * 64, self.current, (V11, V12), (), 10**11, 1)

    async def expect_upload(self, host: str) -> None:
        return


class Counting(AsyncWebClient):
    """Slack's client, which writes down what it publishes."""

    published: list[tuple[str, str]]
    """(user, hash) of each call."""

    async def api_call(self, api_method: str, **more: Any) -> Any:
        if api_method == "views.publish":
            self.published.append((more["json"]["user_id"], more["json"].get("hash", "")))
        return await super().api_call(api_method, **more)


@dataclass
class Desk(FakeDesk):
    """Acts are only written down; looking is real."""

    looking: Looking | None = None

    async def view(self, change: str) -> ChangeView:
        assert self.looking
        return await self.looking.view(change)

    def person(self, account: Account) -> Person:
        for person in self.people.values():
            if account in person.accounts:
                return person
        raise Unlisted(f"I don't know you: chom.toml lists nobody with your Slack account ({account.user}).")


@dataclass
class Mouth:
    """A face with a client of its own."""

    client: Counting
    face: SlackFace

    def known(self, account: Account) -> Person:
        return self.face.known(account)

    async def link(self, change: str) -> str:
        return await self.face.link(change)


@dataclass
class Lobby:
    """The face hears that a Home is opened; a tail publishes it."""

    slack: Slack
    store: Store
    desk: Desk
    servers: Servers
    face: SlackFace
    planning: Planning
    published: list[tuple[str, str]] = field(default_factory=list)
    patience: float = 10.0

    @asynccontextmanager
    async def tail(self, name: str, pace: HomePace = SWIFT) -> AsyncIterator[None]:
        """One bot's tail."""
        settings, session, stop = self.slack.settings(), new_session(), asyncio.Event()
        plain = new_client(settings, session, token=settings.bot_token, retrying=False)
        client = Counting(plain.token, base_url=plain.base_url, session=session, retry_handlers=[])
        client.proxy, client.published = plain.proxy, self.published
        surveys, clock = Surveys(self.planning, RealClock(), self.patience), RealClock()
        face = Mouth(client, self.face)
        running = asyncio.create_task(
            keep_homes(stop, face, self.store, self.desk, surveys, clock, instance=name, pace=pace)
        )
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(running, 5)
            await session.close()

    async def open(self, *people: str) -> None:
        for who in people:
            await self.slack.stand_in.open_home(who)

    def shown(self, who: str) -> str:
        """All the words of this person's Home."""
        for view in self.slack.stand_in.memory.views.values():
            if view["type"] == "home" and view["user"] == who:
                return "\n".join(_words(view["blocks"]))
        return ""

    def link(self, who: str) -> str:
        """Where the first button beside a row of this person's Home leads."""
        views = self.slack.stand_in.memory.views.values()
        blocks = [b for v in views if (v["type"], v["user"]) == ("home", who) for b in v["blocks"]]
        return next((b["accessory"]["url"] for b in blocks if "accessory" in b), "")

    async def shows(self, who: str, *words: str, seconds: float = 8.0) -> str:
        """Wait until it says all of these."""
        await until(lambda: all(word in self.shown(who) for word in words), seconds)
        return self.shown(who)

    def calls(self, who: str) -> int:
        return sum(user == f"U0{who.upper()}" for user, _ in self.published)

    async def settled(self) -> None:
        """Long enough for everything that is due at this pace."""
        await asyncio.sleep(0.8)


def _words(blocks: list[dict[str, Any]]) -> list[str]:
    found: list[str] = []
    for block in blocks:
        found += [block["text"]["text"]] if "text" in block else []
        found += [e["text"] if isinstance(e["text"], str) else e["text"]["text"] for e in block.get("elements", [])]
    return found


@asynccontextmanager
async def lobby(slack: Slack, store: Store, people: People) -> AsyncIterator[Lobby]:
    """Connected, with nobody's tail running."""
    servers = Servers()
    places = {"production": ("app1", "app2"), "staging": ("stage1",)}
    environments = {name: Environment(name, hosts, hosts[0], ()) for name, hosts in places.items()}
    planning = Planning(None, environments, "production", servers, None, None)
    roster = Roster(people, team="T0CHOM")
    desk = Desk(people=dict(people), roster=roster, looking=Looking(planning, store, roster, RealClock()))
    face = SlackFace(desk, slack.settings(), store, RealClock(), BRISK)
    await face.start()
    try:
        yield Lobby(slack, store, desk, servers, face, planning)
    finally:
        await face.close()


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
