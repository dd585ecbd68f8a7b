"""A server with a site of one page and a canary of it: what it is made of, and what its users and counters say."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.lab.vps import Vps

STABLE, CANARY = "20261121_100000", "20261122_100000"
CLIENTS = [f"browser {number}" for number in range(2000)]
PAGE = """<?php
if (isset($_GET['fail'])) { http_response_code(500); }
if (isset($_GET['us'])) { usleep((int) $_GET['us']); }
echo basename(dirname(__DIR__)), ' ', getenv('CHOM_POOL') ?: 'stable';
"""
TOML = """
[bot]
state_dir = "{directory}"
ssh_key = "{directory}/id_ed25519"
[artifacts]
source = "{directory}"
[environments.production]
hosts = ["pools1"]
probes = [{{ url = "http://{address}/" }}]
[hosts.pools1]
address = "{address}"
host_key = "{key}"
layout = {{ caches = [] }}
canary = {{ files = ["www.conf", "zz-chom.conf"] }}
[people.lea]
name = "Lea"
roles = ["tech-lead"]
"""


@asynccontextmanager
async def site(server: Vps) -> AsyncIterator[Site]:
    connector = aiohttp.TCPConnector(limit=24)
    async with aiohttp.ClientSession(f"http://{server.address}", connector=connector) as session:
        yield Site(session)


class Site:
    """The site, asked as many browsers do."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def page(self, browser: str, **headers: str) -> str:
        """The release and the pool that answered."""
        async with self._session.get("/", headers={"User-Agent": browser, **headers}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def on_canary(self) -> set[str]:
        """The clients that the canary answers."""
        pages = await asyncio.gather(*(self.page(client) for client in CLIENTS))
        assert set(pages) <= {f"{STABLE} stable", f"{CANARY} canary"}
        return {client for client, page in zip(CLIENTS, pages, strict=True) if page.endswith("canary")}


async def counted(server: Vps, enough: object) -> dict[tuple[str, str], int]:
    """mtail's counters, once they say enough."""
    deadline = time.monotonic() + 20
    while True:
        text = (await asyncio.to_thread(server.ssh, "curl -s localhost:3904/metrics")).stdout.decode()
        rows = re.findall(r'^chom_(requests|failed|slow)_total\{pool="(\w+)",[^}]*\} (\d+)', text, re.M)
        found = {(what, pool): int(number) for what, pool, number in rows}
        if found and enough(found):  # type: ignore[operator]
            return found
        assert time.monotonic() < deadline, text
        await asyncio.sleep(0.3)
