"""A face in a Slack, over both transports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from bot.sandbox.slack.people import Granted
from bot.slack.app import SlackFace
from bot.store import Store
from policies.change import People
from tests.slack.changes import CHANGE, PEOPLE
from tests.slack.lobby import Lobby, lobby
from tests.slack.room import Room, looking
from tests.slack.support import BRISK, FakeDesk, FakeMemory, RealClock, Slack, serve_http, start_slack
from tests.support.redis import RedisServer


@dataclass
class Faced:
    """The real Bolt app in the stand-in, before a desk that only remembers."""

    slack: Slack
    face: SlackFace
    desk: FakeDesk
    memory: FakeMemory

    async def type(self, text: str, user: str = "dev") -> str:
        return str(await self.slack.stand_in.acts.command(user, "deploys", text))

    async def click(self, ts: str, action: str, value: str = "", user: str = "lead") -> str:
        return str(await self.slack.stand_in.acts.click(user, "deploys", ts, action, value or None))


@asynccontextmanager
async def faced(mode: str, slack: Slack | None = None, memory: FakeMemory | None = None) -> AsyncIterator[Faced]:
    """Connected over Socket Mode ("socket") or signed HTTP ("http"), to a Slack of its own or to this one."""
    own = None if slack else await start_slack(limits=False)
    slack, desk, memory = slack or own, FakeDesk(), memory or FakeMemory()
    assert slack
    face = SlackFace(desk, slack.settings(mode=mode), memory, RealClock(), BRISK)
    server = await serve_http(face) if mode == "http" else None
    if server:
        from bot.sandbox.slack.carrier import Kind
        from bot.sandbox.slack.signed import SignedHttp

        base = f"http://127.0.0.1:{server.port}/slack"
        addresses = {
            Kind.COMMAND: f"{base}/commands",
            Kind.INTERACTIVE: f"{base}/actions",
            Kind.EVENT: f"{base}/events",
        }
        carrier = SignedHttp(addresses, slack.stand_in.workspace.memory.now, options=f"{base}/options")
        slack.stand_in.carrier = carrier
        slack.stand_in.acts = type(slack.stand_in.acts)(slack.stand_in.workspace, carrier)
    await face.start()
    try:
        yield Faced(slack, face, desk, memory)
    finally:
        await face.close()
        if server:
            await server.close()
        if own:
            await own.server.close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture(params=["socket", "http"])
async def both(request: pytest.FixtureRequest) -> AsyncIterator[Faced]:
    """Over each transport."""
    async with faced(request.param) as made:
        yield made


@pytest.fixture
async def bot() -> AsyncIterator[Faced]:
    """Over Socket Mode."""
    async with faced("socket") as made:
        yield made


@pytest.fixture
async def room(redis: RedisServer) -> AsyncIterator[Room]:
    async with _room(redis, await start_slack(limits=False)) as made:
        yield made


@pytest.fixture
async def blind_room(redis: RedisServer) -> AsyncIterator[Room]:
    """Installed without the optional scopes: the bot may not read the channel."""
    granted = Granted.shipped()
    granted = replace(granted, scopes=tuple(scope for scope in granted.scopes if not scope.endswith(":history")))
    async with _room(redis, await start_slack(limits=False, granted=granted)) as made:
        yield made


@asynccontextmanager
async def _room(redis: RedisServer, slack: Slack) -> AsyncIterator[Room]:
    with redis.client() as client:
        client.flushall()
    store, clock = Store(redis.url), RealClock()
    change = replace(CHANGE, at=clock.now().replace(microsecond=0))
    yield Room(slack, store, looking(store, clock), change)
    await store.close()
    await slack.server.close()


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


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    made = await start_slack(limits=False)
    yield made
    await made.server.close()
