"""`python -m bot serve` as the bench has it: a process of its own, a real Redis, a server over real SSH, a Slack."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot.sandbox.child import Child
from bot.sandbox.slack import people
from tests.support.redis import free_port, redis_server
from tests.support.releases import release, source
from tests.support.sshd import TestServer

_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
APP_TOKEN = "xapp-ours"
Said = Callable[[], Awaitable[str]]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES} | dict(more)


@asynccontextmanager
async def started(command: Sequence[str]) -> AsyncIterator[tuple[Child, Said]]:
    """A Python process; `await said()` is the next line that it prints. Killed afterwards."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    child = Child([sys.executable, *command], _environment({}), lines.put_nowait)
    await child.start()
    try:
        yield child, lambda: asyncio.wait_for(lines.get(), 30)
    finally:
        await child.stop(0)


@dataclass(frozen=True, slots=True)
class Around:
    """What a bot needs around it, running. `slack` is the stand-in's address."""

    slack: str
    redis_url: str
    server: TestServer
    directory: Path

    def toml(self, mode: str, port: int) -> Path:
        """A chom.toml for one bot."""
        login, here = self.server.login, self.directory
        tables: dict[str, dict[str, object]] = {
            "bot": {
                "listen": f"127.0.0.1:{port}",
                "instance": "bench",
                "state_dir": str(here / "state"),
                "ssh_key": str(login.client_key),
            },
            "slack": {"mode": mode, "team": people.TEAM, "channel": people.CHANNEL},
            "artifacts": {"source": str(here / "artifacts")},
            "environments.production": {"hosts": ["app1"]},
            "hosts.app1": {
                "address": login.address,
                "port": login.port,
                "user": login.user,
                "host_key": login.host_key,
            },
            "people.dev": {"name": "Dev", "slack": [f"{people.TEAM}:{people.person('dev').id}"]},
        }
        lines: list[str] = []
        for name, table in tables.items():
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
            if name == "environments.production":
                lines.append('probes = [{ url = "http://127.0.0.1:9/health" }]')
        path = here / f"chom-{port}.toml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def secrets(self) -> dict[str, str]:
        """What the bot finds in its environment."""
        return {
            "SLACK_BOT_TOKEN": people.BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_SIGNING_SECRET": people.SIGNING_SECRET,
            "SLACK_API_URL": f"{self.slack}/api/",
            "CHOM_REDIS_URL": self.redis_url,
        }

    @asynccontextmanager
    async def bot(self, mode: str) -> AsyncIterator[tuple[Child, str, float]]:
        """A bot that is ready: its process, its address, and the seconds from its start to /readyz saying so."""
        port = free_port()
        said: list[str] = []
        command = [sys.executable, "-m", "bot", "serve", "--config", str(self.toml(mode, port))]
        child = Child(command, _environment(self.secrets()), said.append)
        begun = time.perf_counter()
        await child.start()
        try:
            took = await until_ready(f"http://127.0.0.1:{port}", begun)
            yield child, f"http://127.0.0.1:{port}", took
        except TimeoutError:
            raise AssertionError("The bot was not ready within 30 s:\n" + "\n".join(said[-40:])) from None
        finally:
            await child.stop(15)


async def until_ready(address: str, begun: float) -> float:
    """Seconds since `begun` when /readyz says ok. Raises TimeoutError after 30."""
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{address}/readyz") as answer:
                    if answer.status == 200:
                        return time.perf_counter() - begun
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.01)


@asynccontextmanager
async def around(directory: Path, sockets: Mapping[str, str]) -> AsyncIterator[Around]:
    """Redis, the stand-in and a server with chom-host; `sockets` is app token -> WebSocket address."""
    source(directory / "artifacts", {"v1.2": release("v1.2"), "v1.1": release("v1.1")})
    server = TestServer(directory / "app1")
    standin = ["-m", "tests.bench.standin", json.dumps(dict(sockets))]
    with redis_server(directory / "redis") as redis:
        async with started(standin) as (_, said), server:
            yield Around(await said(), redis.url, server, directory)
