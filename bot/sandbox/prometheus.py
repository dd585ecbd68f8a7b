"""Prometheus as the bot asks it: the query API's wire format over what the shop's customers met.

Of PromQL it knows an instant selector with equality matchers, which is all that a query of a recording rule needs;
anything else is refused as a query that cannot be parsed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiohttp import web

from bot.sandbox.slack.errors import Impossible, Json

Series = tuple[str, dict[str, str], float]
"""(name, labels, value)."""
_SELECTOR = re.compile(r"\s*([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s*")
_MATCHER = re.compile(r'\s*([a-zA-Z_]\w*)\s*=\s*"([^"]*)"\s*(?:,|$)')


@dataclass(slots=True)
class Prometheus:
    """`series` are asked for at each query."""

    series: Callable[[], Iterable[Series]]
    port: int
    _down: float = 0.0
    _runner: web.AppRunner | None = field(default=None)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        app = web.Application()
        app.router.add_get("/api/v1/query", self._query)
        app.router.add_post("/api/v1/query", self._query)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def close(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def fault(self, what: object, seconds: float) -> Json:
        """Break it. Raises Impossible for what it does not know."""
        if what not in {"down", "up"}:
            raise Impossible('Prometheus can be "down" or "up".')
        self._down = time.monotonic() + seconds if what == "down" else 0.0
        return {"prometheus": what}

    async def _query(self, request: web.Request) -> web.Response:
        if time.monotonic() < self._down:
            return web.Response(status=503, text="Service Unavailable")
        form = await request.post() if request.method == "POST" else request.query
        query, at = str(form.get("query", "")), time.time()
        try:
            at = float(str(form.get("time", at)))
            name, wanted = _parsed(query)
        except ValueError as wrong:
            said = {"status": "error", "errorType": "bad_data", "error": str(wrong)}
            return web.json_response(said, status=400)
        found = [
            {"metric": {"__name__": series, **labels}, "value": [at, f"{value:g}"]}
            for series, labels, value in self.series()
            if series == name and wanted.items() <= labels.items()
        ]
        return web.json_response({"status": "success", "data": {"resultType": "vector", "result": found}})


def _parsed(query: str) -> tuple[str, dict[str, str]]:
    """Name and labels. Raises ValueError."""
    found = _SELECTOR.fullmatch(query)
    if not found:
        raise ValueError(f'invalid parameter "query": 1:1: parse error: unexpected {query[:40]!r}')
    inside, wanted, at = found[2] or "", dict[str, str](), 0
    while at < len(inside):
        matcher = _MATCHER.match(inside, at)
        if not matcher:
            raise ValueError(f'invalid parameter "query": 1:{at + 1}: parse error: unexpected {inside[at:][:40]!r}')
        wanted[matcher[1]], at = matcher[2], matcher.end()
    return found[1], wanted
