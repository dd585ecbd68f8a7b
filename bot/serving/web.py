"""The bot's own small web server: liveness, readiness, and whatever routes the face brings."""

from __future__ import annotations

import errno
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web

Check = Callable[[], Awaitable[str]]
"""Answers "" when all is well, else a sentence."""


class CannotListen(Exception):
    """The address cannot be had; the message is a sentence."""


def make_web(
    checks: Mapping[str, Check], routes: Iterable[web.AbstractRouteDef], notes: Mapping[str, Check] | None = None
) -> web.Application:
    """GET /healthz says that the process answers; GET /readyz that it can work, or what stands in its way.

    `notes` are worth knowing and no reason to send anybody elsewhere.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        troubles, noted = await _said(checks), await _said(notes or {})
        body = {"status": "not ready" if troubles else "ok", "troubles": troubles, "notes": noted}
        return web.json_response(body, status=503 if troubles else 200)

    app = web.Application(client_max_size=1 << 20)
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), *routes])
    return app


async def _said(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: said for name, check in checks.items() if (said := await check())}


async def listen(app: web.Application, address: str) -> web.AppRunner:
    """Serve on "host:port". Raises CannotListen."""
    host, _, port = address.rpartition(":")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
    except OSError as fault:
        await runner.cleanup()
        if fault.errno == errno.EADDRINUSE:
            said = f"{address} is taken by another program; stop it, or change listen under [bot]."
        else:
            said = f"The bot cannot listen on {address} ({fault.strerror or fault}); change listen under [bot]."
        raise CannotListen(said) from None
    return runner
