"""Prometheus as the bot asks it: the query API's wire format over what was scraped of the servers, every second."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from bot.sandbox.promql import Series, parsed, written
from bot.sandbox.slack.errors import Impossible, Json

SCRAPE_EVERY = 1.0
"""Seconds."""
_KEPT = 300
"""Scrapes; Prometheus looks back as many seconds."""


@dataclass(slots=True)
class Prometheus:
    """`series` are what the servers say now."""

    series: Callable[[], Iterable[Series]]
    port: int
    _scrapes: deque[tuple[float, list[Series]]] = field(
        default_factory=lambda: deque[tuple[float, list[Series]]](maxlen=_KEPT)
    )
    """(Unix time in s, what was said), oldest first."""
    _down: float = 0.0
    _runner: web.AppRunner | None = field(default=None)
    _scraping: asyncio.Task[None] | None = field(default=None)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen, and scrape. Raises OSError where the port is taken."""
        app = web.Application()
        app.router.add_get("/api/v1/query", self._query)
        app.router.add_post("/api/v1/query", self._query)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self._scraping = asyncio.create_task(self._scrape_on())

    async def close(self) -> None:
        """Scrape no more, and stop listening."""
        if self._scraping is not None:
            self._scraping.cancel()
            await asyncio.gather(self._scraping, return_exceptions=True)
        if self._runner is not None:
            await self._runner.cleanup()

    def fault(self, what: object, seconds: float) -> Json:
        """Break it. Raises Impossible for what it does not know."""
        if what not in {"down", "up"}:
            raise Impossible('Prometheus can be "down" or "up".')
        self._down = time.monotonic() + seconds if what == "down" else 0.0
        return {"prometheus": what}

    async def _scrape_on(self) -> None:
        while True:
            if time.monotonic() >= self._down:
                self.scrape(time.time())
            await asyncio.sleep(SCRAPE_EVERY)

    def scrape(self, now: float) -> None:
        """Keep what the servers say, as of `now`: a series that is not among it is stale from then on."""
        self._scrapes.append((round(now, 3), list(self.series())))

    async def _query(self, request: web.Request) -> web.Response:
        if time.monotonic() < self._down:
            return web.Response(status=503, text="Service Unavailable")
        form = await request.post() if request.method == "POST" else request.query
        at = time.time()
        try:
            at = float(str(form.get("time", at)))
            query = parsed(str(form.get("query", "")))
        except ValueError as wrong:
            said = {"status": "error", "errorType": "bad_data", "error": str(wrong)}
            return web.json_response(said, status=400)
        before = bisect_right(self._scrapes, at, key=lambda scrape: scrape[0])
        scraped, series = self._scrapes[before - 1] if before else (0.0, list[Series]())
        samples = query.of(series, scraped) if at - scraped < _KEPT else []
        found = [{"metric": metric, "value": [at, written(value)]} for metric, value in samples]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": found}})
