"""The lines of Socket Mode as Slack keeps them: tickets, turns, refreshes, pings, and what breaks off in the middle."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack import sockets
from tests.sandbox.slack.waiting import until

Json = dict[str, Any]


async def test_several_connections_take_turns(sandbox: Any) -> None:
    heard: list[str] = []

    def app_named(name: str) -> Any:
        def set_up(app: AsyncApp) -> None:
            @app.command("/chom")
            async def chom(ack: Any) -> None:
                heard.append(name)
                await ack()

        return set_up

    async with sandbox.bolt(app_named("one")), sandbox.bolt(app_named("two")):
        await until(lambda: len(sandbox.slack.sockets.open) == 2)
        for _ in range(4):
            await sandbox.post("command", user="dev", channel="deploys", text="status")
    assert sorted(heard) == ["one", "one", "two", "two"]


async def test_a_ticket_opens_one_connection(sandbox: Any) -> None:
    url = (await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        async with sandbox.http.get(url.replace("ws:", "http:")) as again:
            assert again.status == 403


async def test_the_client_comes_back_when_it_is_told_to_go_and_when_the_line_is_cut(sandbox: Any) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any) -> None:
            await ack("pong")

    async with sandbox.bolt(set_up, ping_interval=1):
        for fault in ({"socket": "refresh_requested"}, {"socket": "cut"}):
            before = list(sandbox.slack.sockets.open)
            await sandbox.post("fault", **fault)
            await until(lambda gone=before: sandbox.slack.sockets.open and sandbox.slack.sockets.open != gone, 15)
            said = await sandbox.post("command", user="dev", channel="deploys", text="ping")
            assert said["outcome"] == "acked", fault


async def test_slack_down_refuses_everybody(sandbox: Any) -> None:
    await sandbox.post("fault", slack="down", seconds=30)
    async with sandbox.http.post(f"{sandbox.base}/api/auth.test") as answer:
        assert answer.status == 503
    refused = await sandbox.post("command", 400, user="dev", channel="deploys", text="status")
    assert "Slack is down" in refused["error"]
    await sandbox.post("fault", slack="up")
    assert (await sandbox.client().auth_test())["user_id"] == "U0CHOM"


async def connect(sandbox: Any) -> Any:
    url = (await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox"))["url"]
    return await sandbox.http.ws_connect(url, autoping=False)


async def test_the_eleventh_connection_is_sent_away(sandbox: Any) -> None:
    held = [await connect(sandbox) for _ in range(11)]
    firsts = [await socket.receive_json() for socket in held]
    assert [f["type"] for f in firsts] == ["hello"] * 10 + ["disconnect"]
    assert [f["num_connections"] for f in firsts[:10]] == list(range(1, 11))
    assert firsts[10] == {
        "type": "disconnect",
        "reason": "too_many_websockets",
        "debug_info": {"host": "applink-sandbox"},
    }
    assert (await held[10].receive()).type.name == "CLOSE"
    for socket in held:
        await socket.close()


async def test_a_connection_that_is_told_to_go_is_closed_by_slack(sandbox: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(sockets, "LEAVE_SECONDS", 0.2)
    for reason in ("refresh_requested", "link_disabled"):
        async with await connect(sandbox) as socket:
            assert (await socket.receive_json())["debug_info"]["approximate_connection_time"] == 18060
            assert (await socket.receive()).type.name == "PING"
            assert (await sandbox.post("fault", socket=reason))["connections"] == 1
            assert (await socket.receive_json())["reason"] == reason
            assert (await socket.receive()).type.name == "CLOSE"


async def test_pings_are_answered_and_a_mute_line_answers_nothing(sandbox: Any) -> None:
    async with await connect(sandbox) as socket:
        await socket.receive_json()
        await socket.receive()
        await socket.ping(b"one")
        assert (await socket.receive()).data == b"one"
        await sandbox.post("fault", socket="mute")
        await socket.ping(b"two")
        said = await sandbox.post("command", user="dev", channel="deploys", text="status")
        assert said["outcome"] == "operation_timeout"
        with pytest.raises(asyncio.TimeoutError):
            await socket.receive(0.2)
        assert len(sandbox.slack.sockets.open) == 1


async def test_an_envelope_breaks_off_in_its_middle_or_before_its_acknowledgement(sandbox: Any) -> None:
    heard: list[str] = []

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, command: Json) -> None:
            heard.append(command["text"])
            await ack()

    async with sandbox.bolt(set_up, ping_interval=1):
        for what, arrives in (("half", []), ("unacked", ["unacked"])):
            before = list(sandbox.slack.sockets.open)
            await sandbox.post("fault", socket=what)
            said = await sandbox.post("command", user="dev", channel="deploys", text=what)
            assert said["outcome"] == "operation_timeout"
            assert heard == arrives
            await until(lambda gone=before: sandbox.slack.sockets.open and sandbox.slack.sockets.open != gone, 15)
            assert (await sandbox.post("command", user="dev", channel="deploys", text="x"))["outcome"] == "acked"
            heard.remove("x")
    assert "is one of cut, mute" in (await sandbox.post("fault", 400, socket="bored"))["error"]
