"""Response addresses, trigger ids, modals: what an app may do after a person did something, how often and how long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.sandbox.slack.people import Granted

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def modal(**more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Deploy"),
        "submit": plain("Ask"),
        "private_metadata": "kept",
        "blocks": [
            {
                "type": "input",
                "block_id": "version",
                "label": plain("Version"),
                "element": {"type": "external_select", "action_id": "pick", "min_query_length": 0},
            },
            {
                "type": "input",
                "block_id": "why",
                "label": plain("Why"),
                "element": {"type": "plain_text_input", "action_id": "reason", "max_length": 20},
            },
            {
                "type": "input",
                "block_id": "where",
                "label": plain("Where"),
                "optional": True,
                "element": {
                    "type": "static_select",
                    "action_id": "environment",
                    "options": [{"text": plain("Production"), "value": "production"}],
                },
            },
        ],
        **more,
    }


async def commanded(sandbox: Any) -> Json:
    """The payload of a command, taken from a bare connection that acknowledges it."""
    url = (await sandbox.client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox"))["url"]
    async with sandbox.http.ws_connect(url) as socket:
        await socket.receive_json()
        asked = asyncio.ensure_future(sandbox.post("command", user="dev", channel="deploys", text="x"))
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await asked
    return envelope["payload"]


async def test_a_response_address_takes_five_answers(sandbox: Any) -> None:
    hook = AsyncWebhookClient((await commanded(sandbox))["response_url"], session=sandbox.http)
    assert (await hook.send(text="one")).status_code == 200
    assert (await hook.send(text="two", response_type="in_channel")).body == "ok"
    assert "no_text" in (await hook.send(text="")).body
    for number in (4, 5):
        assert (await hook.send(text=str(number))).status_code == 200
    sixth = await hook.send(text="six")
    assert sixth.status_code == 404 and "used_url" in sixth.body
    state = await sandbox.state()
    assert [m["text"] for m in state["ephemerals"]["dev"]] == ["one", "4", "5"]
    assert [m["text"] for m in state["channels"]["deploys"]] == ["two"]


async def test_a_response_address_lapses_after_thirty_minutes(start: Any) -> None:
    now = [1000.0]
    sandbox = await start(now=lambda: now[0])
    hook = AsyncWebhookClient((await commanded(sandbox))["response_url"], session=sandbox.http)
    now[0] += 1801
    late = await hook.send(text="late")
    assert late.status_code == 404 and "expired_url" in late.body


async def test_the_answer_to_a_click_can_replace_and_take_away(sandbox: Any) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.action("go")
        async def go(ack: Any, respond: Any, action: Json) -> None:
            await ack()
            if action["value"] == "replace":
                await respond(text="replaced", replace_original=True)
            else:
                await respond(delete_original=True)

    def row(value: str) -> list[Json]:
        return [
            {
                "type": "actions",
                "elements": [{"type": "button", "action_id": "go", "text": plain("Go"), "value": value}],
            }
        ]

    async with sandbox.bolt(set_up):
        client = sandbox.client()
        shown = await client.chat_postMessage(channel="C0DEPLOYS", text="card", blocks=row("replace"))
        whisper = await client.chat_postEphemeral(channel="C0DEPLOYS", user="U0DEV", text="psst", blocks=row("delete"))
        for ts in (shown["ts"], whisper["message_ts"]):
            await sandbox.post("click", user="dev", channel="deploys", ts=ts, action_id="go")
        for _ in range(200):
            state = await sandbox.state()
            if not state["ephemerals"]["dev"] and state["channels"]["deploys"][0]["text"] == "replaced":
                break
            await asyncio.sleep(0.01)
        assert state["ephemerals"]["dev"] == [] and "blocks" not in state["channels"]["deploys"][0]
        gone = await sandbox.post(
            "click", 400, user="lead", channel="deploys", ts=whisper["message_ts"], action_id="go"
        )
        assert "sees no message" in gone["error"]


async def test_a_trigger_opens_one_modal_within_three_seconds(start: Any) -> None:
    now = [1000.0]
    sandbox = await start(now=lambda: now[0])
    client = sandbox.client()
    trigger = (await commanded(sandbox))["trigger_id"]
    opened = await client.views_open(trigger_id=trigger, view=modal())
    assert opened["view"]["id"].startswith("V") and opened["view"]["root_view_id"] == opened["view"]["id"]
    assert "user" not in opened["view"]
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=trigger, view=modal())
    with pytest.raises(SlackApiError, match="invalid_trigger_id"):
        await client.views_open(trigger_id="1.2.3", view=modal())
    late = (await commanded(sandbox))["trigger_id"]
    now[0] += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=late, view=modal())


def with_modal(heard: list[Json]) -> Callable[[AsyncApp], None]:
    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, client: Any, body: Json) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal())

        @app.options("pick")
        async def pick(ack: Any, payload: Json) -> None:
            versions = [v for v in ("v1.2", "v1.1") if payload["value"] in v]
            await ack(options=[{"text": plain(v), "value": v} for v in versions])

        @app.view("ask")
        async def ask(ack: Any, body: Json, view: Json) -> None:
            heard.append(body)
            if view["state"]["values"]["why"]["reason"]["value"] == "because":
                await ack(response_action="errors", errors={"why": "Say more than that."})
            else:
                await ack()

    return set_up


async def opened(sandbox: Any) -> Json:
    await sandbox.post("command", user="dev", channel="deploys", text="deploy")
    for _ in range(200):
        views = (await sandbox.state())["views"]
        if views:
            return views[0]
        await asyncio.sleep(0.01)
    raise AssertionError("no modal was opened")


async def test_a_modal_is_filled_in_refused_and_taken(sandbox: Any) -> None:
    heard: list[Json] = []
    async with sandbox.bolt(with_modal(heard)):
        view = await opened(sandbox)
        assert view["user"] == "dev" and view["private_metadata"] == "kept"
        ask = {"user": "dev", "view_id": view["id"]}
        assert "required" in (await sandbox.post("submit", 400, **ask, values={"why": "x"}))["error"]
        said = await sandbox.post("submit", 400, **ask, values={"version": "v9", "why": "x"})
        assert "does not offer 'v9'" in said["error"]
        said = await sandbox.post("submit", 400, **ask, values={"version": "v1.2", "why": "y" * 40})
        assert "it has 40" in said["error"]
        assert "no view" in (await sandbox.post("submit", 400, **ask | {"user": "lead"}, values={}))["error"]
        found = await sandbox.post("options", user="dev", view_id=view["id"], action_id="pick", value="1.2")
        assert [o["value"] for o in found["options"]] == ["v1.2"]
        assert heard == []
        values = {"version": "v1.2", "why": "because", "where": {"environment": "production"}}
        assert (await sandbox.post("submit", **ask, values=values))["outcome"] == "acked"
        assert (await sandbox.state())["views"][0]["errors"] == {"why": "Say more than that."}
        await sandbox.post("submit", **ask, values=values | {"why": "a good reason"})
        assert (await sandbox.state())["views"] == []
    state = heard[1]["view"]["state"]["values"]
    assert state == {
        "version": {"pick": {"type": "external_select", "selected_option": {"text": plain("v1.2"), "value": "v1.2"}}},
        "why": {"reason": {"type": "plain_text_input", "value": "a good reason"}},
        "where": {
            "environment": {
                "type": "static_select",
                "selected_option": {"text": plain("Production") | {"emoji": True}, "value": "production"},
            }
        },
    }
    assert heard[1]["type"] == "view_submission" and heard[1]["view"]["private_metadata"] == "kept"
    assert heard[1]["user"]["id"] == "U0DEV" and heard[1]["trigger_id"]


async def test_homes_and_stacks(sandbox: Any) -> None:
    client = sandbox.client()
    home = {"type": "home", "blocks": [{"type": "divider"}]}
    first = (await client.views_publish(user_id="U0DEV", view=home))["view"]
    second = (await client.views_publish(user_id="U0DEV", view=home, hash=first["hash"]))["view"]
    assert first["id"] == second["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U0DEV", view=home, hash=first["hash"])
    trigger = (await commanded(sandbox))["trigger_id"]
    view = (await client.views_open(trigger_id=trigger, view=modal()))["view"]
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_push(trigger_id=(await commanded(sandbox))["trigger_id"], view=modal())
    changed = (await client.views_update(view_id=view["id"], view=modal(title=plain("Other"))))["view"]
    assert changed["title"]["text"] == "Other" and changed["hash"] != view["hash"]
    bare = {"type": "modal", "title": plain("Done"), "blocks": [{"type": "divider"}]}
    changed = (await client.views_update(view_id=view["id"], view=bare))["view"]
    assert (changed["submit"], changed["callback_id"], changed["private_metadata"]) == (None, "", "")
    state = (await sandbox.state())["views"]
    assert [(v["type"], v["user"]) for v in state] == [("home", "dev"), ("modal", "dev")]
    await sandbox.post("dismiss", user="dev", view_id=view["id"])
    assert [v["type"] for v in (await sandbox.state())["views"]] == ["home"]


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        ({"user_id": "U0NOBODY"}, {"error": "invalid_arguments", "messages": ["invalid `user_id`"]}),
        ({"view": {"type": "modal", "title": plain("x"), "blocks": []}}, {"error": "invalid_arguments"}),
        ({"view": {"type": "home", "blocks": [{"type": "divider"}] * 101}}, {"error": "invalid_arguments"}),
        ({"view": {"type": "home", "blocks": [], "external_id": "taken"}}, {"error": "duplicate_external_id"}),
        ({"hash": "1.never"}, {"error": "hash_conflict"}),
    ],
)
async def test_a_home_that_slack_does_not_take(sandbox: Any, arguments: Json, body: Json) -> None:
    client, home = sandbox.client(), {"type": "home", "blocks": [{"type": "divider"}]}
    await client.views_publish(user_id="U0LEAD", view=home | {"external_id": "taken"})
    with pytest.raises(SlackApiError) as caught:
        await client.views_publish(**{"user_id": "U0DEV", "view": home} | arguments)
    told = caught.value.response.data
    assert told["error"] == body["error"]
    assert "messages" not in body or told["response_metadata"]["messages"] == body["messages"]
    assert [view["user"] for view in (await sandbox.state())["views"]] == ["lead"]


async def test_no_home_where_the_app_was_installed_without_one(start: Any) -> None:
    sandbox = await start(limits=False, granted=Granted((), home=False))
    with pytest.raises(SlackApiError, match="not_enabled"):
        await sandbox.client().views_publish(user_id="U0DEV", view={"type": "home", "blocks": []})
