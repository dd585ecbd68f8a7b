"""What the real Bolt sees over Socket Mode, and what people see of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack.people import Granted

Json = dict[str, Any]
CARD = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Deploy v1.2*"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "chom_approve",
                "text": {"type": "plain_text", "text": "Approve"},
                "style": "primary",
                "value": "chg-1:abc",
                "confirm": {
                    "title": {"type": "plain_text", "text": "Deploy v1.2?"},
                    "text": {"type": "plain_text", "text": "To production."},
                    "confirm": {"type": "plain_text", "text": "Deploy"},
                    "deny": {"type": "plain_text", "text": "Cancel"},
                },
            },
            {
                "type": "button",
                "action_id": "chom_reject",
                "text": {"type": "plain_text", "text": "Reject"},
                "value": "chg-1:abc",
            },
        ],
    },
]
COMMAND_FIELDS = [
    "token",
    "team_id",
    "team_domain",
    "channel_id",
    "channel_name",
    "user_id",
    "user_name",
    "command",
    "text",
    "api_app_id",
    "is_enterprise_install",
    "response_url",
    "trigger_id",
]


async def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)


async def test_a_command_is_acked_and_answered_for_the_asker_only(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, command: Json, respond: Any) -> None:
            heard.append(command)
            await ack(f"Looking at {command['text']}")
            await respond("Here is the plan")

    async with sandbox.bolt(set_up):
        said = await sandbox.post("command", user="dev", channel="deploys", text="/chom deploy v1.2")
        assert said["outcome"] == "acked"

        async def both() -> bool:
            return len((await sandbox.state())["ephemerals"]["dev"]) == 2

        await until(both)
    assert sorted(heard[0]) == sorted(COMMAND_FIELDS)
    assert (heard[0]["text"], heard[0]["user_id"], heard[0]["channel_id"]) == ("deploy v1.2", "U0DEV", "C0DEPLOYS")
    state = await sandbox.state()
    said = {m["text"] for m in state["ephemerals"]["dev"]}  # Bolt sends its ack up to 10 ms after ack()
    assert said == {"Looking at deploy v1.2", "Here is the plan"}
    assert state["ephemerals"]["lead"] == [] and state["channels"]["deploys"] == []


async def test_ids_names_and_a_bare_command_mean_the_same(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, command: Json) -> None:
            heard.append(command)
            await ack()

    async with sandbox.bolt(set_up):
        await sandbox.post("command", user="U0LEAD", channel="C0DEPLOYS", text="status")
        await sandbox.post("command", user="lead", channel="#deploys", text="/chom   status ")
        await sandbox.post("command", user="lead", channel="deploys", text="/chom")
    assert [(c["user_id"], c["channel_id"], c["text"]) for c in heard] == [
        ("U0LEAD", "C0DEPLOYS", "status"),
        ("U0LEAD", "C0DEPLOYS", "status"),
        ("U0LEAD", "C0DEPLOYS", ""),
    ]


async def test_a_click_reaches_bolt_in_slacks_shape(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.action("chom_approve")
        async def approve(ack: Any, body: Json) -> None:
            await ack()
            heard.append(body)

    async with sandbox.bolt(set_up):
        posted = await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="Deploy v1.2?", blocks=CARD)
        click = {"user": "lead", "channel": "deploys", "ts": posted["ts"], "action_id": "chom_approve"}
        assert (await sandbox.post("click", **click))["outcome"] == "acked"
        await until(lambda: heard)
    body = heard[0]
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": "U0LEAD", "username": "lead", "name": "lead", "team_id": "T0CHOM"}
    assert body["team"] == {"id": "T0CHOM", "domain": "chom"} and body["enterprise"] is None
    assert body["channel"] == {"id": "C0DEPLOYS", "name": "deploys"}
    assert body["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0DEPLOYS",
        "is_ephemeral": False,
    }
    assert body["message"]["ts"] == posted["ts"] and body["message"]["blocks"][1]["block_id"] == "decide"
    assert body["response_url"].startswith(sandbox.base) and body["trigger_id"] and body["state"] == {"values": {}}
    action = body["actions"][0]
    assert action["action_ts"] and {k: action[k] for k in ("action_id", "block_id", "type", "value", "style")} == {
        "action_id": "chom_approve",
        "block_id": "decide",
        "type": "button",
        "value": "chg-1:abc",
        "style": "primary",
    }
    assert action["text"]["text"] == "Approve" and action["confirm"]["title"]["text"] == "Deploy v1.2?"


async def test_an_old_button_can_still_be_clicked_by_who_knows_its_value(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.action("chom_approve")
        async def approve(ack: Any, body: Json) -> None:
            await ack()
            heard.append(body)

    async with sandbox.bolt(set_up):
        client = sandbox.client()
        posted = await client.chat_postMessage(channel="C0DEPLOYS", text="Deploy v1.2?", blocks=CARD)
        await client.chat_update(channel="C0DEPLOYS", ts=posted["ts"], text="Deployed")
        click = {"user": "lead", "channel": "deploys", "ts": posted["ts"], "action_id": "chom_approve"}
        refused = await sandbox.post("click", 400, **click)
        assert "has no button 'chom_approve'" in refused["error"]
        await sandbox.post("click", **click, value="chg-1:abc")
        await until(lambda: heard)
        assert "sees no message" in (await sandbox.post("click", 400, **click | {"ts": "1.000001"}))["error"]
    assert heard[0]["actions"][0]["value"] == "chg-1:abc" and "blocks" not in heard[0]["message"]


async def test_what_is_not_acknowledged_is_told_to_the_person(sandbox: Any) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(command: Json) -> None:
            """Never acks."""

    async with sandbox.bolt(set_up):
        said = await sandbox.post("command", user="dev", channel="deploys", text="deploy v1.2")
        assert said["outcome"] == "operation_timeout"
        posted = await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="Deploy v1.2?", blocks=CARD)
        click = {"user": "lead", "channel": "deploys", "ts": posted["ts"], "action_id": "chom_approve"}
        assert (await sandbox.post("click", **click))["outcome"] == "operation_timeout"
    state = await sandbox.state()
    assert state["ephemerals"]["dev"][0]["text"] == '/chom failed with the error "operation_timeout"'
    assert state["ephemerals"]["lead"][0]["warning"] == {"message_ts": posted["ts"]}


async def test_without_a_connection_the_command_fails_at_once(sandbox: Any) -> None:
    said = await sandbox.post("command", user="dev", channel="deploys", text="deploy v1.2")
    assert said["outcome"] == "dispatch_failed"
    assert "dispatch_failed" in (await sandbox.state())["ephemerals"]["dev"][0]["text"]


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


async def test_an_acknowledgement_counts_on_whatever_connection_it_comes(sandbox: Any) -> None:
    url = await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox")
    second = await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox")
    async with sandbox.http.ws_connect(url["url"]) as first, sandbox.http.ws_connect(second["url"]) as other:
        hellos = [await first.receive_json(), await other.receive_json()]
        assert [h["type"] for h in hellos] == ["hello", "hello"] and hellos[1]["num_connections"] == 2
        assert hellos[0]["connection_info"] == {"app_id": "A0CHOM"} and "debug_info" in hellos[0]
        asked = asyncio.ensure_future(sandbox.post("command", user="dev", channel="deploys", text="status"))
        reads = [asyncio.ensure_future(s.receive_json()) for s in (first, other)]
        done, pending = await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)
        envelope = done.pop().result()
        assert envelope["type"] == "slash_commands" and envelope["accepts_response_payload"] is True
        unasked = other if reads[0].done() else first
        pending.pop().cancel()
        await asyncio.sleep(0)
        await unasked.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "late but here"}})
        assert (await asked)["outcome"] == "acked"
    assert (await sandbox.state())["ephemerals"]["dev"][0]["text"] == "late but here"


async def test_a_ticket_opens_one_connection(sandbox: Any) -> None:
    url = (await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as socket:
        assert (await socket.receive_json())["type"] == "hello"
        async with sandbox.http.get(url.replace("ws:", "http:")) as again:
            assert again.status == 403


async def test_everything_twice(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, command: Json) -> None:
            heard.append(command)
            await ack()

    async with sandbox.bolt(set_up):
        await sandbox.post("fault", deliver="twice")
        await sandbox.post("command", user="dev", channel="deploys", text="deploy v1.2")
        await until(lambda: len(heard) == 2)
        assert heard[0]["trigger_id"] == heard[1]["trigger_id"]
        await sandbox.post("fault", deliver="once")
        await sandbox.post("command", user="dev", channel="deploys", text="deploy v1.2")
    assert len(heard) == 3
    assert "twice" in (await sandbox.post("fault", 400, deliver="thrice"))["error"]


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


async def test_an_event_nobody_acknowledges_comes_again_and_says_so(start: Any) -> None:
    sandbox = await start(
        limits=False, ack_seconds=0.05, retry_scale=0.0, granted=Granted((), events=("app_home_opened",))
    )
    url = (await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as socket:
        await socket.receive_json()
        await sandbox.post("home", user="dev")
        tries = [await socket.receive_json() for _ in range(4)]
    assert [(t["retry_attempt"], t["retry_reason"]) for t in tries] == [
        (0, ""),
        (1, "timeout"),
        (2, "timeout"),
        (3, "timeout"),
    ]
    assert len({t["payload"]["event_id"] for t in tries}) == 1 and len({t["envelope_id"] for t in tries}) == 4
    assert tries[0]["payload"]["event"]["type"] == "app_home_opened" and tries[0]["accepts_response_payload"] is False


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


async def test_a_connection_that_is_told_to_go_is_closed_by_slack(sandbox: Any) -> None:
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
