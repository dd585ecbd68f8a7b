"""What nginx is in production: sends each client to its pool, which serves what its symlink names now, and counts.

A client that says chom_client in a cookie is that client, as on a real server; see actions/host/pools.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from bot.sandbox.application import Answers, Page, failed
from bot.sandbox.fastcgi import Fpm
from bot.sandbox.maintenance import away
from bot.sandbox.manners import Load, Manners
from bot.sandbox.routing import CANARY, STABLE, Routing

_AWAY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Service Unavailable</title></head>
<body><h1>503 | Service Unavailable</h1></body></html>
"""
_FAILED = Page(500, "text/html", "<h1>500 | Server Error</h1>")
_BAD_GATEWAY = Page(502, "text/html", "<h1>502 Bad Gateway</h1>")
_NOT_FOUND = Page(404, "text/html", "File not found.\n")
_NOBODY = Page(503, "text/plain", "No release is served yet.\n")
SLOW = 2.0
"""Seconds; what takes longer is slow."""


@dataclass(slots=True)
class Counted:
    """What mtail counts of nginx's log: counters that begin at zero and only grow."""

    requests: int = 0
    failed: int = 0
    slow: int = 0

    def count(self, status: int, seconds: float) -> None:
        """One answer; `seconds` that the pool took for it."""
        self.requests += 1
        self.failed += status >= 500
        self.slow += seconds > SLOW


@dataclass(slots=True)
class Pool:
    """One PHP-FPM master with its own root; `served` is the path of the symlink, asked anew for every request."""

    name: str
    served: Path
    fpm: Fpm
    answers: Answers
    counted: Counted = field(default_factory=Counted)
    load: Load = field(default_factory=Load)
    busy: int = 0
    """Requests that are being answered."""
    _resolved: tuple[tuple[int, int], Path] = field(default=((0, 0), Path()))

    def release(self) -> Path:
        """The directory that is served now. Raises OSError where there is none."""
        found = self.served.stat()
        same = found.st_ino, found.st_ctime_ns
        if same != self._resolved[0]:
            self._resolved = same, self.served.resolve(strict=True)
        return self._resolved[1]


class Shop:
    """The web server of one machine."""

    def __init__(self, name: str, stable: Pool, canary: Pool, routing: Routing, manners: Manners, port: int) -> None:
        self.name, self.port, self.routing = name, port, routing
        self.pools = {STABLE: stable, CANARY: canary}
        self._manners, self._fails_until = manners, 0.0
        app = web.Application()
        app.router.add_get("/{path:.*}", self._get)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)

    def fail(self, seconds: float) -> None:
        """Answer with an error for so long."""
        self._fails_until = time.monotonic() + seconds

    @property
    def url(self) -> str:
        """Where it is served, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _get(self, request: web.Request) -> web.Response:
        said, cookies = request.headers, request.cookies
        client = cookies.get("chom_client") or f"{request.remote} {said.get('User-Agent', '')}"
        name, pinned = self.routing.pool(client, said.get("X-Chom-Pin", "") + cookies.get("chom_pin", ""))
        pool, began = self.pools[name], time.monotonic()
        pool.busy += 1
        try:
            page, headers = await self._answered(pool, request, said.get("Cookie", ""))
        finally:
            pool.busy -= 1
        if not pinned:
            pool.counted.count(page.status, time.monotonic() - began)
        return web.Response(status=page.status, text=page.body, content_type=page.kind, headers=headers)

    async def _answered(self, pool: Pool, request: web.Request, cookies: str) -> tuple[Page, dict[str, str]]:
        if time.monotonic() < self._fails_until:
            return _FAILED, {}
        if not pool.fpm.running:
            return _BAD_GATEWAY, {}
        pool.fpm.had(f"/index.php?{request.query_string}")
        path = request.path
        try:
            release = pool.release()
        except OSError:
            return (_NOT_FOUND if pool.name == CANARY else _NOBODY), {}
        if told := away(release, path, cookies):
            return Page(told[0], "text/html", _AWAY), told[1]
        return await self._visited(pool, release, path), {}

    async def _visited(self, pool: Pool, release: Path, path: str) -> Page:
        """What the release answers, in its manner; a health check sees nothing of that."""
        said = pool.answers.get(release, path)
        if path != "/" or said.page.status != 200:
            return said.page
        manner = self._manners.of(said.version, said.manner)
        unlucky = pool.load.fails(manner, time.monotonic())
        if manner.latency_ms:
            await asyncio.sleep(manner.latency_ms / 1000)
        return failed(said.version) if unlucky else said.page
