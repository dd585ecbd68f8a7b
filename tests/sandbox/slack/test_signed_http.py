"""The same deliveries over signed HTTP, to the real Bolt behind aiohttp."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack.people import Granted

Json = dict[str, Any]


@asynccontextmanager
async def listening(handler: Any) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/slack/events", handler)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}/slack/events"
    finally:
        await server.close()


async def test_bolt_takes_what_is_signed_and_answers(start: Any) -> None:
    bolt: list[AsyncApp] = []
    seen: list[Json] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(dict(request.headers))
        return await to_aiohttp_response(await bolt[0].async_dispatch(await to_bolt_request(request)))

    async with listening(handle) as address:
        sandbox = await start(limits=False, request_url=address)
        app = AsyncApp(client=sandbox.client(), signing_secret="sandbox")
        clicks: list[Json] = []

        @app.command("/chom")
        async def chom(ack: Any, command: Json) -> None:
            await ack(f"You typed {command['text']}")

        @app.action("go")
        async def go(ack: Any, body: Json) -> None:
            await ack()
            clicks.append(body)

        @app.event("app_home_opened")
        async def opened(event: Json) -> None:
            clicks.append(event)

        bolt.append(app)
        assert (await sandbox.post("command", user="dev", channel="deploys", text="a & b=c"))["outcome"] == "acked"
        assert (await sandbox.state())["ephemerals"]["dev"][0]["text"] == "You typed a & b=c"
        button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}, "value": "1"}
        blocks = [{"type": "actions", "elements": [button]}]
        ts = (await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks))["ts"]
        await sandbox.post("fault", deliver="twice")
        said = await sandbox.post("click", user="lead", channel="deploys", ts=ts, action_id="go")
        assert said["outcome"] == "acked"
        for _ in range(100):
            await asyncio.sleep(0.01)
            if len(clicks) == 2:
                break
        assert [c["user"]["id"] for c in clicks] == ["U0LEAD", "U0LEAD"]
        assert seen[1]["X-Slack-Signature"] == seen[2]["X-Slack-Signature"], "the same signed bytes"


async def test_an_app_that_answers_badly_or_not_in_time(start: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        form = await request.post()
        if form["text"] == "slow":
            await asyncio.sleep(1)
        return web.Response(status=500)

    async with listening(handle) as address:
        sandbox = await start(request_url=address, ack_seconds=0.2)
        for text, outcome in (("bad", "dispatch_failed"), ("slow", "operation_timeout")):
            assert (await sandbox.post("command", user="dev", channel="deploys", text=text))["outcome"] == outcome
    texts = [m["text"] for m in (await sandbox.state())["ephemerals"]["dev"]]
    assert texts == [f'/chom failed with the error "{o}"' for o in ("dispatch_failed", "operation_timeout")]


async def test_an_event_is_tried_four_times_and_says_why(start: Any) -> None:
    tries: list[tuple[str | None, str | None]] = []

    async def handle(request: web.Request) -> web.Response:
        tries.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=500)

    async with listening(handle) as address:
        granted = Granted((), events=("app_home_opened",))
        sandbox = await start(request_url=address, ack_seconds=1, retry_scale=0.0, granted=granted)
        await sandbox.post("home", user="dev")
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(tries) == 4:
                break
    assert tries == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]


async def events(start: Any, handle: Any, count: int) -> list[tuple[str | None, str | None]]:
    """What the headers of an event's tries say, where they are answered by `handle`."""
    tries: list[tuple[str | None, str | None]] = []

    async def counted(request: web.Request) -> web.Response:
        tries.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        return await handle(request)

    async with listening(counted) as address:
        granted = Granted((), events=("app_home_opened",))
        sandbox = await start(request_url=address, ack_seconds=0.1, retry_scale=0.0, granted=granted)
        await sandbox.post("home", user="dev")
        for _ in range(100):
            await asyncio.sleep(0.01)
            if len(tries) > count:
                break
    return tries


async def test_the_reason_of_a_retry_is_slacks_word_for_it(start: Any) -> None:
    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.3)
        return web.Response()

    async def round_and_round(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(request.path)

    async def breaks_off(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    assert (await events(start, slow, 2))[1] == ("1", "http_timeout")
    assert ("1", "too_many_redirects") in await events(start, round_and_round, 5)
    assert (await events(start, breaks_off, 2))[1] == ("1", "unknown_error")


async def test_the_tries_are_at_once_after_a_minute_and_after_five(start: Any) -> None:
    moments: list[float] = []

    async def handle(request: web.Request) -> web.Response:
        moments.append(asyncio.get_running_loop().time())
        return web.Response(status=500)

    async with listening(handle) as address:
        granted = Granted((), events=("app_home_opened",))
        sandbox = await start(request_url=address, retry_scale=0.002, granted=granted)
        await sandbox.post("home", user="dev")
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(moments) == 4:
                break
    waits = [(after - before) / 0.002 for before, after in itertools.pairwise(moments)]
    assert waits[0] < 50 and 55 < waits[1] < 120 and 290 < waits[2] < 400


async def test_an_app_can_ask_that_it_is_not_tried_again(start: Any) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    assert await events(start, refuse, 1) == [(None, None)]


async def test_the_events_address_is_verified(start: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response({"challenge": (await request.json())["challenge"]})

    async with listening(handle) as address:
        sandbox = await start(request_url=address)
        assert await sandbox.slack.carrier.verify()
