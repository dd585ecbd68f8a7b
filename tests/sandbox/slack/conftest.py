"""A stand-in on a free port, the real slack_sdk client and the real Bolt app against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.api import make_app
from bot.sandbox.slack import SlackStandIn

Json = dict[str, Any]


class StillWorld:
    """A world in which nothing moves; `faults` are what it was told to break."""

    def __init__(self) -> None:
        self.faults: list[Json] = []

    def servers(self) -> list[Json]:
        return [
            {
                "name": "app1",
                "environment": "production",
                "release": "20261101_100000",
                "version": "v1.0",
                "weights": {"stable": 100, "canary": 0},
                "traffic": {"requests": 12, "failed": 0, "rps": 2.0},
                "releases": [{"id": "20261101_100000", "version": "v1.0", "current": True}],
            }
        ]

    def minutes(self) -> Json:
        return {}

    def annotations(self) -> list[Json]:
        return []

    async def fault(self, spec: Json) -> Json:
        if "kill" not in spec:
            raise ValueError("The world knows only “kill”.")
        self.faults.append(spec)
        return {"killed": spec["kill"]}

    def behave(self, spec: Json) -> Json:
        self.faults.append(spec)
        return spec

    def info(self) -> Json:
        return {"chom_toml": "/tmp/chom.toml", "versions": ["v1.0", "v1.2"]}


@dataclass
class Sandbox:
    """One running stand-in."""

    slack: SlackStandIn
    world: StillWorld
    base: str
    http: aiohttp.ClientSession
    clock: list[float] = field(default_factory=lambda: [0.0])

    def client(self, token: str = "xoxb-sandbox") -> AsyncWebClient:
        return AsyncWebClient(token, base_url=f"{self.base}/api/", session=self.http, retry_handlers=[])

    async def post(self, act: str, status: int = 200, headers: dict[str, str] | None = None, **body: Any) -> Json:
        async with self.http.post(f"{self.base}/sandbox/{act}", json=body, headers=headers) as answer:
            said = await answer.json()
            assert answer.status == status, said
            return said

    async def state(self) -> Json:
        async with self.http.get(f"{self.base}/sandbox/state") as answer:
            assert answer.status == 200
            return await answer.json()

    async def deploys(self) -> list[Json]:
        return (await self.state())["channels"]["deploys"]

    @asynccontextmanager
    async def bolt(
        self, set_up: Callable[[AsyncApp], None], ping_interval: float = 10
    ) -> AsyncIterator[AsyncSocketModeHandler]:
        """The real Bolt app, connected over Socket Mode."""
        app = AsyncApp(client=self.client())
        set_up(app)
        handler = AsyncSocketModeHandler(app, "xapp-sandbox", ping_interval=ping_interval)
        await handler.connect_async()
        try:
            yield handler
        finally:
            await handler.close_async()


Start = Callable[..., Awaitable[Sandbox]]


@pytest.fixture
async def start(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Start]:
    """Start a stand-in with the arguments of SlackStandIn."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    running: list[tuple[TestServer, aiohttp.ClientSession]] = []

    async def begin(**options: Any) -> Sandbox:
        slack, world = SlackStandIn(**options), StillWorld()
        server = TestServer(make_app(slack, world), host="127.0.0.1")
        await server.start_server()
        http = aiohttp.ClientSession()
        running.append((server, http))
        return Sandbox(slack, world, f"http://127.0.0.1:{server.port}", http)

    yield begin
    for server, http in running:
        await http.close()
        await server.close()


@pytest.fixture
async def sandbox(start: Start) -> Sandbox:
    """One without rate limits and with a short patience."""
    return await start(limits=False, ack_seconds=0.4)
