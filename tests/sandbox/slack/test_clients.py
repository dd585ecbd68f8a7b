"""What Slack's own clients do with the stand-in where people were surprised by what they do with Slack."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from bot.sandbox.slack.people import Granted
from tests.sandbox.slack.waiting import until

Json = dict[str, Any]
CHANNEL = {"channel": "C0DEPLOYS"}


async def test_bolt_takes_the_first_delivery_of_an_event_for_a_retry_whose_number_is_0(start: Any) -> None:
    sandbox = await start(limits=False, granted=Granted((), events=("app_home_opened",)))
    headers: list[Any] = []

    def set_up(app: AsyncApp) -> None:
        @app.event("app_home_opened")
        async def opened(request: Any) -> None:
            headers.append(request.headers.get("x-slack-retry-num"))

    async with sandbox.bolt(set_up):
        await sandbox.post("home", user="dev")
        await until(lambda: headers)
    assert [str(value) for value in headers[0]] == ["0"], "so whoever drops what has the header drops every event"


async def test_an_acknowledgement_that_is_on_its_way_comes_through_the_next_connection(start: Any) -> None:
    sandbox = await start(limits=False, ack_seconds=3)
    begun, go_on = asyncio.Event(), asyncio.Event()

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any) -> None:
            begun.set()
            await go_on.wait()
            await ack("here")

    async with sandbox.bolt(set_up, ping_interval=1):
        (old,) = sandbox.slack.sockets.open
        asked = asyncio.ensure_future(sandbox.post("command", user="dev", channel="deploys", text="x"))
        await begun.wait()
        await sandbox.post("fault", socket="refresh_requested")
        await until(lambda: sandbox.slack.sockets.open and sandbox.slack.sockets.open != [old])
        go_on.set()
        assert (await asked)["outcome"] == "acked"
    assert (await sandbox.state())["ephemerals"]["dev"][0]["text"] == "here"


@pytest.mark.parametrize("trouble", ["nobody listens", "an exception", "too late"])
async def test_bolt_says_nothing_to_a_command_that_it_does_not_manage(sandbox: Any, trouble: str) -> None:
    def set_up(app: AsyncApp) -> None:
        async def chom(ack: Any) -> None:
            if trouble == "an exception":
                raise RuntimeError("before the ack")
            await asyncio.sleep(0.6)
            await ack("too late")

        if trouble != "nobody listens":
            app.command("/chom")(chom)

    async with sandbox.bolt(set_up):
        said = await sandbox.post("command", user="dev", channel="deploys", text="x")
        assert said["outcome"] == "operation_timeout"
        if trouble == "too late":
            await until(lambda: sandbox.slack.sockets.late == 1)
    texts = [m["text"] for m in (await sandbox.state())["ephemerals"]["dev"]]
    assert texts == ['/chom failed with the error "operation_timeout"']


async def test_a_wrong_app_token_is_tried_again_and_again_and_nobody_is_told(sandbox: Any) -> None:
    app = AsyncApp(client=sandbox.client())
    handler = AsyncSocketModeHandler(app, "xapp-stolen", ping_interval=0.05)
    connecting = asyncio.ensure_future(handler.connect_async())
    await asyncio.sleep(0.4)
    assert not connecting.done()
    connecting.cancel()
    await handler.close_async()


async def test_the_sdk_waits_as_long_as_retry_after_says_where_it_was_told_to(start: Any) -> None:
    sandbox = await start()
    client = sandbox.client()
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    began = asyncio.get_running_loop().time()
    for number in range(5):
        await client.chat_postMessage(**CHANNEL, text=str(number))
    assert 0.9 < asyncio.get_running_loop().time() - began < 3
    assert [m["text"] for m in await sandbox.deploys()] == ["0", "1", "2", "3", "4"]


async def test_a_file_goes_to_its_address_raw_and_without_a_token(sandbox: Any) -> None:
    seen: list[Json] = []

    async def receive(request: web.Request) -> web.Response:
        seen.append({"raw": await request.read(), "token": request.headers.get("Authorization")})
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path:.*}", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sandbox.slack.workspace.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    with pytest.raises(SlackApiError, match="file_not_found"):
        await sandbox.client().files_upload_v2(channel="C0DEPLOYS", filename="a.log", content="line")
    await runner.cleanup()
    assert seen == [{"raw": b"line", "token": None}]
