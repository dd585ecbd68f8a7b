"""The line of Socket Mode breaks in every way it can, and the bot comes back."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.sandbox.slack.sockets import LEAVE_SECONDS
from bot.slack.connection.socket import Socket
from bot.slack.connection.web import new_client, new_session
from tests.slack.conftest import Faced, faced
from tests.slack.socketed import app_that, kept, lines, nothing, typed
from tests.slack.support import BRISK, FakeMemory, Slack, start_slack, until


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_told_to_go_the_next_line_is_open_before_the_last_is_let_go(slack: Slack, reason: str) -> None:
    outcomes: list[str] = []
    most = 0
    async with faced("socket", slack) as bot:
        (old,) = lines(slack)
        begun = time.monotonic()
        going = asyncio.create_task(bot.slack.stand_in.fault({"socket": reason}))
        while old in lines(slack):
            outcomes.append(await bot.type("help"))
            most = max(most, len(lines(slack)))
        await going
        assert time.monotonic() - begun < LEAVE_SECONDS, "it was Slack that closed it"
        assert len(lines(slack)) == 1 and bot.face.connected
        outcomes.append(await bot.type("help"))
    assert most == 2 and set(outcomes) == {"acked"} and len(outcomes) > 5


async def test_a_line_that_is_cut_is_replaced_and_readiness_tells_both(bot: Faced) -> None:
    assert bot.face.connected
    for _ in range(3):
        old = lines(bot.slack)
        await bot.slack.stand_in.fault({"socket": "cut"})
        await until(lambda old=old: not bot.face.connected or lines(bot.slack) not in ([], old))
        await until(lambda old=old: bot.face.connected and lines(bot.slack) not in ([], old))
        assert await bot.type("help") == "acked"


async def test_a_line_that_stands_and_is_mute_is_found_out_and_replaced(bot: Faced) -> None:
    """No pong: TCP is open, and nothing comes any more."""
    (old,) = lines(bot.slack)
    await bot.slack.stand_in.fault({"socket": "mute"})
    assert old in lines(bot.slack)
    await until(lambda: lines(bot.slack)[-1:] not in ([], [old]) and bot.face.connected)
    await until(lambda: old not in lines(bot.slack))
    assert await bot.type("help") == "acked"


async def test_readiness_does_not_believe_in_a_line_on_which_nothing_comes(slack: Slack) -> None:
    """Where the line itself is not found out in time, silence is said."""
    async with kept(slack, app_that(nothing), replace(BRISK.socket, ping=60.0, silence=0.05)) as socket:
        await until(lambda: "nothing has come over it for" in socket.trouble)
        (line,) = lines(slack)
        await line.socket.ping()
        assert await typed(slack) == "acked" and socket.trouble == ""


async def test_while_slack_is_away_the_attempts_go_on_and_say_why(bot: Faced, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await bot.slack.stand_in.fault({"slack": "down", "seconds": 60})
    await until(lambda: "is down for" in bot.face.trouble and "HTTP 503" in bot.face.trouble)
    await asyncio.sleep(1.0)
    await bot.slack.stand_in.fault({"slack": "up"})
    await until(lambda: bot.face.connected)
    assert await bot.type("help") == "acked"
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) <= 3 and any("HTTP 503" in line for line in told), told
    assert not any(record.exc_info for record in caplog.records)


async def test_a_ticket_that_was_refused_is_never_tried_again_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    """slack_sdk's own client tries a used ticket for ever: that is a dead handler."""
    caplog.set_level(logging.DEBUG, "bot")
    tickets: list[str] = []

    @web.middleware
    async def door(request: web.Request, handler: Any) -> web.StreamResponse:
        if request.path != "/link/":
            return await handler(request)
        tickets.append(request.query["ticket"])
        return web.Response(status=503) if len(tickets) in (2, 3) else await handler(request)

    slack = await start_slack(door, limits=False)
    async with faced("socket", slack) as bot:
        await slack.stand_in.fault({"socket": "cut"})
        await until(lambda: len(tickets) == 4 and bot.face.connected)
    await slack.server.close()
    assert len(set(tickets)) == 4 and "HTTP 503" in caplog.text
    assert not any(ticket in caplog.text for ticket in tickets)


async def test_a_token_that_is_withdrawn_is_told_and_given_again_it_works(caplog: pytest.LogCaptureFixture) -> None:
    withdrawn = False

    @web.middleware
    async def door(request: web.Request, handler: Any) -> web.StreamResponse:
        if withdrawn and request.path == "/api/apps.connections.open":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        return await handler(request)

    slack = await start_slack(door, limits=False)
    async with faced("socket", slack) as bot:
        withdrawn = True
        await slack.stand_in.fault({"socket": "link_disabled"})
        await slack.stand_in.fault({"socket": "cut"})
        await until(lambda: "switch Socket Mode on" in bot.face.trouble)
        await asyncio.sleep(0.5)
        told = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert len(told) == 1 and "Slack does not accept the app token (invalid_auth)" in told[0].getMessage()
        withdrawn = False
        await until(lambda: bot.face.connected)
        assert await bot.type("help") == "acked"
    await slack.server.close()


async def test_a_line_without_hello_is_no_line(slack: Slack) -> None:
    async def rude(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "disconnect", "reason": "too_many_websockets"})
        await socket.close()
        return socket

    @web.middleware
    async def door(request: web.Request, handler: Any) -> web.StreamResponse:
        return await (rude(request) if request.path == "/link/" else handler(request))

    busy = await start_slack(door, limits=False)
    session, settings = new_session(), busy.settings()
    socket = Socket(app_that(nothing), settings, new_client(settings, session, token="", retrying=False), session)
    with pytest.raises(ConnectionError, match="no hello from Slack: too_many_websockets"):
        await socket.open()
    assert socket.trouble == "The connection to Slack is down."
    await socket.close()
    await session.close()
    await busy.server.close()


async def test_lines_that_end_at_once_are_not_opened_ever_faster(slack: Slack) -> None:
    rhythm = replace(BRISK.socket, lived=5.0, again=(0.2, 0.4))
    async with kept(slack, app_that(nothing), rhythm):
        seen: set[int] = set()
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            if lines(slack):
                seen.add(id(lines(slack)[0]))
                await slack.stand_in.fault({"socket": "cut"})
            await asyncio.sleep(0.01)
    assert 2 <= len(seen) <= 6


async def test_two_bots_on_one_app_share_the_work_and_do_each_thing_once(slack: Slack) -> None:
    memory = FakeMemory()
    async with faced("socket", slack, memory) as one, faced("socket", slack, memory) as two:
        for number in range(6):
            await slack.stand_in.fault({"deliver": "once" if number < 3 else "twice"})
            assert await one.type(f"deploy v1.{number}") == "acked"
        await slack.whisper("dev", 6)
        await asyncio.sleep(0.1)
        asked = sorted(asked[1] for asked in (*one.desk.asked, *two.desk.asked))
        assert asked == [f"deploy v1.{number}" for number in range(6)]
        assert one.desk.asked and two.desk.asked
