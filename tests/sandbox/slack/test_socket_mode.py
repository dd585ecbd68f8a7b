"""What the real Bolt sees of commands, clicks and events over Socket Mode, and what people see of it."""

from __future__ import annotations

import asyncio
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.sandbox.slack.people import Granted
from tests.sandbox.slack.waiting import until

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
