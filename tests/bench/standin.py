"""Slack for the bench, in a process of its own: the sandbox's stand-in, which also writes commands for others to send.

Prints its address. GET /bench/commands?text=…&text=… answers the payload of a fresh command for each text. Where an
app asks for a socket it is sent to the address that the command line gives for its app token.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiohttp import web

from bot.sandbox.api import make_app
from bot.sandbox.slack import SlackStandIn, payloads, people
from tests.support.still import StillWorld

Json = dict[str, Any]


async def serve(sockets: dict[str, str]) -> None:
    """Until it is killed. `sockets` is app token -> WebSocket address."""
    slack = SlackStandIn(limits=False)
    app = make_app(slack, StillWorld())

    async def commands(request: web.Request) -> web.Response:
        slack.learn_address(request)
        who = people.person("dev")
        texts = request.query.getall("text")
        return web.json_response([payloads.command(slack.workspace, who, people.CHANNEL, text) for text in texts])

    async def connections_open(request: web.Request) -> web.Response:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return web.json_response({"ok": True, "url": sockets[token]})

    app.router.add_get("/bench/commands", commands)
    app.router.add_post("/api/apps.connections.open", connections_open)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.workspace.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(slack.workspace.address, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
