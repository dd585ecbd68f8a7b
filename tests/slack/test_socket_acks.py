"""What comes over Socket Mode while it breaks: done once, acknowledged over whatever line there is, never lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.slack.conftest import Faced, faced
from tests.slack.socketed import app_that, kept, lines, nothing, typed
from tests.slack.support import Slack, start_slack, until


@pytest.mark.parametrize("fault", ["half", "unacked"])
async def test_an_event_that_comes_again_is_done_once_whatever_became_of_the_first(fault: str) -> None:
    """Every event has a retry header, also the first: that one is there says nothing."""
    slack = await start_slack(limits=False, ack_seconds=0.3, retry_scale=0.01)
    async with faced("socket", slack) as bot:
        await slack.stand_in.fault({"socket": fault})
        await slack.stand_in.open_home("dev")
        await until(lambda: bot.memory.opened)
        await asyncio.sleep(1.0)
        assert [home[0] for home in bot.memory.opened] == ["T0CHOM:U0DEV"]
    await slack.server.close()


@pytest.mark.parametrize("fault", ["half", "unacked"])
async def test_a_line_that_breaks_in_mid_envelope_does_its_work_once_or_never(bot: Faced, fault: str) -> None:
    (old,) = lines(bot.slack)
    await bot.slack.stand_in.fault({"socket": fault})
    bot.slack.stand_in.sockets.ack_seconds = 0.3
    assert await bot.type("deploy v1.2") == "operation_timeout"
    bot.slack.stand_in.sockets.ack_seconds = 3.0
    await until(lambda: bot.face.connected and lines(bot.slack) not in ([], [old]))
    assert await bot.type("deploy v1.3") == "acked"
    await until(lambda: bot.desk.asked and bot.desk.asked[-1][1] == "deploy v1.3")
    before = [] if fault == "half" else ["deploy v1.2"]
    assert [asked[1] for asked in bot.desk.asked] == [*before, "deploy v1.3"]


async def test_an_acknowledgement_whose_line_broke_goes_over_the_next_one(slack: Slack) -> None:
    async def slow(ack: Any) -> None:
        await slack.stand_in.fault({"socket": "cut"})
        await asyncio.sleep(0.3)
        await ack("here I am")

    async with kept(slack, app_that(slow)):
        assert await typed(slack) == "acked"
    assert (await slack.whisper("dev"))["text"] == "here I am"


async def test_an_acknowledgement_that_comes_too_late_harms_nothing(
    slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.stand_in.sockets.ack_seconds = 0.1

    async def slow(ack: Any) -> None:
        await asyncio.sleep(0.2)
        await ack()

    async with kept(slack, app_that(slow)) as socket:
        assert await typed(slack) == "operation_timeout"
        await until(lambda: slack.stand_in.sockets.late == 1)
        assert socket.trouble == "" and len(lines(slack)) == 1
    assert caplog.records == []


async def test_what_has_come_in_is_acknowledged_before_the_line_is_closed(slack: Slack) -> None:
    begun = asyncio.Event()

    async def slow(ack: Any) -> None:
        begun.set()
        await asyncio.sleep(0.3)
        await ack()

    async with kept(slack, app_that(slow)):
        typing = asyncio.create_task(typed(slack))
        await begun.wait()
    assert await typing == "acked" and await typed(slack) == "dispatch_failed"


async def test_a_listener_that_breaks_is_logged_and_the_line_stays(
    slack: Slack, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_that(nothing)
    slack.stand_in.sockets.ack_seconds = 0.2

    @app.use
    async def burst(**_: Any) -> None:
        raise ZeroDivisionError("secret thing")

    async def broken(error: Exception) -> None:
        raise error

    app.error(broken)
    async with kept(slack, app) as socket:
        assert await typed(slack) == "operation_timeout"
        assert await typed(slack) == "operation_timeout"
        assert socket.trouble == "" and len(lines(slack)) == 1
    assert "unexpected error in an envelope (slash_commands)" in caplog.text


@pytest.mark.parametrize("frame", ["nonsense", "[]", "7", "null", '{"type": "x", "envelope_id": "1", "payload": 7}'])
async def test_a_frame_that_is_none_of_slacks_is_left_alone(bot: Faced, frame: str) -> None:
    (line,) = lines(bot.slack)
    await line.socket.send_str(frame)
    assert await bot.type("help") == "acked"
    assert lines(bot.slack) == [line]
