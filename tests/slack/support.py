"""A desk that remembers what it was asked, and a Slack stand-in on a free port for the real Bolt to talk to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.config import SlackSettings
from bot.desk.offers import Choices, Fault, Versions, Wanted
from bot.desk.planning import Refusal
from bot.desk.roster import Roster
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.desk.witness import Witness
from bot.sandbox.api import make_app
from bot.sandbox.slack import SlackStandIn
from bot.slack.app import SlackFace, Waits
from bot.slack.connection.socket import Rhythm
from bot.store.decisions import Decision
from bot.tails.pace import Pace
from policies.change import Account, Person
from tests.slack.changes import PEOPLE
from tests.slack.views import CHOICES, STAGES, VERSIONS
from tests.support.still import StillWorld

Json = dict[str, Any]
QUICK = Pace(card=0.15, turn=0.05, thread=0.1, post=0.02, sweep=0.4, lease=0.9, backoff=(0.05, 0.2), flush=1.0)
"""Slack's pace, shortened for tests."""
BRISK = Waits(again=(0.05, 0.2), socket=Rhythm(ping=0.5, again=(0.05, 0.2), lived=0.0, linger=0.1, ack=1.0))


class RealClock:
    """Now."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class FakeOffers:
    """Two environments, one strategy, and the versions it is told."""

    there: Versions = field(default_factory=lambda: VERSIONS)

    def choices(self) -> Choices:
        return CHOICES

    async def versions(self) -> Versions:
        return self.there


@dataclass
class FakeDesk:
    """Answers every act with `shows`, after `before` has run, and writes down what was asked."""

    shows: ChangeView = STAGES["waiting"]
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    before: Callable[[], Any] = lambda: None
    past: tuple[PastRun, ...] = ()
    going: tuple[ChangeView, ...] = ()
    owed: tuple[ChangeView, ...] = ()
    looked: list[tuple[Any, ...]] = field(default_factory=list)
    wrong: Callable[[Wanted], Any] = lambda wanted: ()
    offers: FakeOffers = field(default_factory=lambda: FakeOffers())
    people: dict[str, Person] = field(default_factory=lambda: dict(PEOPLE))
    seen: tuple[EnvironmentStatus, ...] = ()
    roster: Roster = field(default_factory=lambda: Roster(PEOPLE, team="T0CHOM"))
    written: list[Decision] = field(default_factory=list)
    """Whose wish was refused before it came to the desk."""

    @property
    def witness(self) -> Witness:
        """Writes into `written`."""
        return Witness(self, RealClock(), "e" * 64, str)  # type: ignore[arg-type]

    async def decide(self, decision: Decision) -> None:
        """As the store does."""
        self.written.append(decision)

    async def _act(self, *what: Any) -> ChangeView:
        self.asked.append(what)
        made = self.before()
        if asyncio.iscoroutine(made):
            await made
        return self.shows

    def person(self, account: Account) -> Person:
        for person in PEOPLE.values():
            if account in person.accounts:
                return person
        raise Refusal(f"I don't know you ({account.team}:{account.user}).")

    def help(self, topic: str = "") -> str:
        return f"Help on {topic or 'everything'}:\n  deploy <version> [to <environment>]\nType `deploy v1.2`."

    def shows_only(self, text: str) -> bool:
        return text.startswith("config diff")

    async def propose(self, text: str, who: Person, account: str = "") -> ChangeView:
        assert account, "where a request came from is written down"
        return await self._act("propose", text, who.id)

    async def at_once(self, text: str, who: Person, account: str) -> ChangeView:
        return await self._act("at_once", text, who.id, account)

    async def again(self, change: str, who: Person, account: str) -> ChangeView:
        return await self._act("again", change, who.id, account)

    async def preview(self, text: str, who: Person) -> ChangeView:
        return await self._act("preview", text, who.id)

    async def view(self, change: str) -> ChangeView:
        return self.shows

    async def approve(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        return await self._act("approve", change, digest, who.id, account)

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str = "") -> ChangeView:
        return await self._act("reject", change, digest, who.id, account, reason)

    async def decidable(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        self.looked.append(("decidable", change, digest, who.id))
        return self.shows

    async def faults(self, wanted: Wanted) -> tuple[Fault, ...]:
        made = self.wrong(wanted)
        return await made if asyncio.iscoroutine(made) else made

    async def going_on(self) -> tuple[ChangeView, ...]:
        return self.going

    async def owed_reviews(self) -> tuple[ChangeView, ...]:
        return self.owed

    async def stop(self, change: str, who: Person, account: str) -> ChangeView:
        return await self._act("stop", change, who.id)

    async def answer(self, change: str, step: str, host: str, choice: str, who: Person, account: str) -> ChangeView:
        return await self._act("answer", change, step, host, choice, who.id)

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        await self._act("status", environment)
        return self.seen

    @property
    def reviewing(self) -> FakeDesk:
        """As the desk has it, in a part of its own."""
        return self

    async def reviewable(self, change: str, who: Person, account: str) -> ChangeView:
        self.looked.append(("reviewable", change, who.id))
        return self.shows

    async def review(self, change: str, who: Person, account: str, said: str) -> ChangeView:
        return await self._act("review", change, who.id, account, said)

    async def history(self, environment: str = "", limit: int = 10, *, requests: bool = False) -> tuple[PastRun, ...]:
        return self.past


@dataclass
class FakeMemory:
    """What the handlers ask of the store."""

    cards: dict[str, tuple[str, str]] = field(default_factory=dict)
    opened: list[tuple[str, str, bool]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    async def first_time(self, key: str, ttl_s: int) -> bool:
        new = key not in self.known
        self.known.add(key)
        return new

    async def card(self, id_: str) -> tuple[str, str] | None:
        return self.cards.get(id_)

    async def home_opened(self, reader: str, hash_: str, keep: bool) -> None:
        self.opened.append((reader, hash_, keep))


@dataclass
class Slack:
    """The stand-in and its address."""

    stand_in: SlackStandIn
    base: str
    server: TestServer

    def settings(self, **more: Any) -> SlackSettings:
        given = {
            "team": "T0CHOM",
            "channel": "C0DEPLOYS",
            "bot_token": "xoxb-sandbox",
            "app_token": "xapp-sandbox",
            "signing_secret": "sandbox",
            "api_url": f"{self.base}/api/",
        }
        return SlackSettings(**(given | more))

    def messages(self) -> list[Json]:
        return self.stand_in.memory.channels["C0DEPLOYS"]

    def whispers(self, person: str) -> list[Json]:
        return self.stand_in.memory.ephemerals.get(person, [])

    async def whisper(self, person: str, count: int = 1) -> Json:
        """The newest of what only that person sees, once there are `count`."""
        await until(lambda: len(self.whispers(person)) >= count)
        return self.whispers(person)[-1]


async def start_slack(*doors: Any, **options: Any) -> Slack:
    """A Slack on a free port; `doors` are aiohttp middlewares before it."""
    stand_in = SlackStandIn(**options)
    app = make_app(stand_in, StillWorld())
    app.middlewares.extend(doors)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return Slack(stand_in, f"http://127.0.0.1:{server.port}", server)


async def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"did not come true within {seconds} s"
        await asyncio.sleep(0.01)


async def serve_http(face: SlackFace) -> TestServer:
    """The face's routes on a free port."""
    app = web.Application(client_max_size=1 << 22)
    app.add_routes(face.routes())
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    return server


def seen_text(message: Json) -> str:
    """All the words of a message."""
    parts = [message["text"]]
    for block in message.get("blocks", []):
        parts += [block["text"]["text"]] if "text" in block else []
        parts += [e["text"] if isinstance(e["text"], str) else e["text"]["text"] for e in block.get("elements", [])]
    return "\n".join(parts)
