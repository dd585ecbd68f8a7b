"""A source of artifacts with two versions in it, in a directory or behind a web server, and what came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from actions.engine.artifacts import CachedArtifacts, artifacts
from tests.support import releases

V12 = releases.release("v1.2", {"2026_11_01_000000_orders": ""}, size=3 << 20)
V11 = releases.release("v1.1")


def directory(tmp_path: Path, **more: bytes) -> Path:
    return releases.source(tmp_path / "source", {"v1.2": V12, "v1.1": V11, **more})


def from_directory(tmp_path: Path, **more: bytes) -> CachedArtifacts:
    return artifacts(str(directory(tmp_path, **more)), tmp_path / "cache")


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in ([path] if path.is_file() else path.iterdir())}


@asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
