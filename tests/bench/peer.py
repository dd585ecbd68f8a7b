"""The peer of the ack rows, in a process of its own: a Bolt app on aiohttp that acks /chom and does nothing else.

Prints "ready". Over HTTP it is served as Bolt's own adapter does it; over Socket Mode by Bolt's own handler.
"""

from __future__ import annotations

import asyncio
import sys

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.slack import people

APP_TOKEN = "xapp-peer"


async def serve(slack: str, mode: str, port: int, unpolled: bool) -> None:
    """Until it is killed. `unpolled` sets process_before_response: Bolt awaits the listener, and polls for no ack."""
    client = AsyncWebClient(people.BOT_TOKEN, base_url=f"{slack}/api/")
    app = AsyncApp(client=client, signing_secret=people.SIGNING_SECRET, process_before_response=unpolled)

    @app.command("/chom")
    async def chom(ack: AsyncAck) -> None:
        await ack()

    async def handle(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    if mode == "socket":
        await AsyncSocketModeHandler(app, APP_TOKEN).connect_async()
    else:
        served = web.Application()
        served.router.add_post("/slack/commands", handle)
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4] == "unpolled"))
