"""What nginx, PHP-FPM and Laravel are in production: serves the release that the symlink names right now."""

from __future__ import annotations

import html
import json
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.sandbox import php
from bot.sandbox.maintenance import away

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>CHOM shop {version}</title>
<meta name="release" content="{version}"><meta name="viewport" content="width=device-width">
<style>body{{margin:0;font:18px/1.5 system-ui,sans-serif;color:#fff;background:{colour};min-height:100vh;
display:grid;place-items:center;text-align:center}}h1{{font-size:3.5rem;margin:0}}p{{margin:.3rem}}
small{{opacity:.75}}</style></head>
<body><main><h1>CHOM {version}</h1><p>{headline}</p>
<p><small>{server}, release {release}</small></p></main></body></html>
"""
_OOPS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Server Error</title><meta name="release" content="{version}">
</head><body><h1>500 | Server Error</h1></body></html>
"""
_AWAY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Service Unavailable</title></head>
<body><h1>503 | Service Unavailable</h1></body></html>
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What the application answered."""

    status: int
    kind: str
    body: str


def answer(release: Path, path: str, server: str) -> Page:
    """What the release in that directory answers to GET `path`."""
    try:
        version, trouble = php.version(release), php.missing(release)
    except (OSError, KeyError, sqlite3.Error) as wrong:
        version, trouble = "", f"{type(wrong).__name__}: {wrong}"
    if path == "/health":
        health = {"status": "fail" if trouble else "ok", "release": version, "dir": release.name, "pool": "stable"}
        body = json.dumps({**health, "error": trouble} if trouble else health)
        return Page(500 if trouble else 200, "application/json", body)
    if trouble:
        return Page(500, "text/html", _OOPS.format(version=html.escape(version)))
    if path != "/":
        return Page(404, "text/html", "<h1>404 | Not Found</h1>")
    words = {k: html.escape(str(v)) for k, v in json.loads((release / "shop.json").read_text(encoding="utf-8")).items()}
    filled = _PAGE.format(**{**words, "version": html.escape(version), "server": server, "release": release.name})
    return Page(200, "text/html", filled)


class Shop:
    """The web server of one machine. `served` is the path of the symlink, asked anew for every request."""

    def __init__(self, name: str, served: Path, port: int) -> None:
        self.name, self.served, self.port = name, served, port
        self._fails_until = 0.0
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
        if time.monotonic() < self._fails_until:
            return web.Response(status=500, text="<h1>500 | Server Error</h1>", content_type="text/html")
        if not self.served.exists():
            return web.Response(status=503, text="No release is served yet.\n")
        release = self.served.resolve()
        if told := away(release, request.path, request.headers.get("Cookie", "")):
            return web.Response(status=told[0], headers=told[1], text=_AWAY, content_type="text/html")
        page = answer(release, request.path, self.name)
        return web.Response(status=page.status, text=page.body, content_type=page.kind)
