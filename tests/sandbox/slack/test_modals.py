"""Modals against the real Bolt: what an app may answer to a submitted view, its stack, and what selects ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.acts import TROUBLE

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def option(value: str) -> Json:
    return {"text": plain(value), "value": value}


def modal(title: str = "Deploy", **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain(title),
        "submit": plain("Ask"),
        "blocks": [
            {
                "type": "input",
                "block_id": "why",
                "optional": True,
                "label": plain("Why"),
                "element": {"type": "plain_text_input", "action_id": "reason"},
            },
            {"type": "divider", "block_id": "line"},
        ],
        **more,
    }


def answering(*answers: Json | None) -> tuple[list[Json], Callable[[AsyncApp], None]]:
    """An app that opens a modal at a command, and answers its submissions one after another; and what it heard."""
    heard: list[Json] = []
    left = iter(answers)

    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, client: Any, body: Json) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=modal())

        @app.view("ask")
        async def ask(ack: Any, body: Json) -> None:
            heard.append(body)
            answer = next(left)
            await (ack() if answer is None else ack(**answer))

        @app.view_closed("ask")
        async def closed(ack: Any, body: Json) -> None:
            await ack()
            heard.append(body)

    return heard, set_up


async def opened(sandbox: Any) -> Json:
    await sandbox.post("command", user="dev", channel="deploys", text="deploy")
    for _ in range(200):
        views = (await sandbox.state())["views"]
        if views:
            return views[0]
        await asyncio.sleep(0.01)
    raise AssertionError("no modal was opened")


async def submit(sandbox: Any, view: Json) -> str:
    return (await sandbox.post("submit", user="dev", view_id=view["id"], values={}))["outcome"]


async def titles(sandbox: Any) -> list[str]:
    return [v["title"]["text"] for v in (await sandbox.state())["views"]]


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "explode"},
        {"response_action": "errors", "errors": {"line": "There is nothing to type in a line."}},
        {"response_action": "errors", "errors": {"nowhere": "There is no such block."}},
        {"response_action": "errors", "errors": {"why": ""}},
        {"response_action": "update"},
        {"response_action": "update", "view": modal("x" * 25)},
        {"response_action": "push", "view": {"type": "home", "blocks": []}},
    ],
)
async def test_an_answer_that_slack_cannot_show_leaves_the_modal_with_slacks_sentence(
    sandbox: Any, answer: Json
) -> None:
    _, set_up = answering(answer, None)
    async with sandbox.bolt(set_up):
        view = await opened(sandbox)
        assert await submit(sandbox, view) == "invalid_response"
        (left,) = (await sandbox.state())["views"]
        assert left["errors"] == {"": TROUBLE} and left["title"]["text"] == "Deploy"
        assert await submit(sandbox, view) == "acked"
    assert await titles(sandbox) == []


async def test_a_stack_holds_three_views_and_each_answer_means_what_it_says(sandbox: Any) -> None:
    push = {"response_action": "push", "view": modal("Second", notify_on_close=True)}
    third = {"response_action": "push", "view": modal("Third", notify_on_close=True)}
    fourth = {"response_action": "push", "view": modal("Fourth")}
    changed = {"response_action": "update", "view": modal("Changed")}
    heard, set_up = answering(push, third, fourth, changed, None, push, {"response_action": "clear"})
    async with sandbox.bolt(set_up):
        root = await opened(sandbox)
        await submit(sandbox, root)
        second = (await sandbox.state())["views"][1]
        assert (second["previous_view_id"], second["root_view_id"]) == (root["id"], root["id"])
        await submit(sandbox, second)
        third_view = (await sandbox.state())["views"][2]
        assert await submit(sandbox, third_view) == "invalid_response", "Slack takes three and no more"
        assert await titles(sandbox) == ["Deploy", "Second", "Third"]
        assert await submit(sandbox, third_view) == "acked"
        assert await titles(sandbox) == ["Deploy", "Second", "Changed"]
        changed_view = (await sandbox.state())["views"][2]
        assert changed_view["notify_on_close"] is False, "a view that takes another's place keeps nothing of it"
        assert await submit(sandbox, third_view) == "acked"
        assert await titles(sandbox) == ["Deploy", "Second"], "an empty answer closes one view"
        heard.clear()
        await sandbox.post("dismiss", user="dev", view_id=second["id"])
        assert (await titles(sandbox), heard[0]["type"], heard[0]["is_cleared"]) == (["Deploy"], "view_closed", False)
        await submit(sandbox, root)
        second = (await sandbox.state())["views"][1]
        heard.clear()
        await submit(sandbox, second)
        assert (await titles(sandbox), [b["type"] for b in heard]) == ([], ["view_submission"])


async def test_closing_the_root_clears_the_stack_and_says_so(sandbox: Any) -> None:
    heard, set_up = answering({"response_action": "push", "view": modal("Second", notify_on_close=True)})
    async with sandbox.bolt(set_up):
        root = await opened(sandbox)
        await submit(sandbox, root)
        heard.clear()
        await sandbox.post("dismiss", user="dev", view_id=root["id"])
        assert await titles(sandbox) == []
        assert [(b["view"]["title"]["text"], b["is_cleared"]) for b in heard] == [("Second", True)]


async def test_push_and_update_by_method(sandbox: Any) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any, client: Any, body: Json) -> None:
            await ack()
            more = {"type": "button", "action_id": "more", "text": plain("More")}
            blocks = [{"type": "actions", "elements": [more]}]
            await client.views_open(trigger_id=body["trigger_id"], view=modal(blocks=blocks, external_id="one"))

        @app.action("more")
        async def more(ack: Any, client: Any, body: Json) -> None:
            await ack()
            await client.views_push(trigger_id=body["trigger_id"], view=modal("Second"))

    client = sandbox.client()
    async with sandbox.bolt(set_up):
        root = await opened(sandbox)
        await sandbox.post("click", user="dev", view_id=root["id"], action_id="more")
        for _ in range(200):
            if len(await titles(sandbox)) == 2:
                break
            await asyncio.sleep(0.01)
        assert await titles(sandbox) == ["Deploy", "Second"]
    changed = (await client.views_update(external_id="one", hash=root["hash"], view=modal("New", external_id="one")))[
        "view"
    ]
    assert changed["id"] == root["id"] and changed["hash"] != root["hash"]
    for arguments, error in (
        ({"view_id": root["id"], "hash": root["hash"], "view": modal()}, "hash_conflict"),
        ({"view_id": "V0", "view": modal()}, "not_found"),
        ({"view": modal()}, "invalid_arguments"),
        ({"view_id": root["id"], "view": {"type": "home", "blocks": []}}, "invalid_arguments"),
    ):
        with pytest.raises(SlackApiError, match=error):
            await client.api_call("views.update", json=arguments)


SEARCH = {"type": "external_select", "action_id": "pick"}
OFFERS: dict[str, Json] = {
    "v1.2": {"options": [option("v1.2")]},
    "none": {"options": []},
    "both": {"options": [option("a")], "option_groups": [{"label": plain("Live"), "options": [option("b")]}]},
    "many": {"options": [option(str(n)) for n in range(101)]},
    "long": {"options": [option("x" * 76)]},
    "live": {"option_groups": [{"label": plain("Live"), "options": [option("v1.0")]}]},
}


def offering(asked: list[Json]) -> Callable[[AsyncApp], None]:
    def set_up(app: AsyncApp) -> None:
        @app.options("pick")
        async def pick(ack: Any, body: Json) -> None:
            asked.append(body)
            if body["value"] != "slow":
                await ack(OFFERS[body["value"]])

    return set_up


async def test_what_a_select_asks_for_and_what_it_takes(sandbox: Any) -> None:
    asked: list[Json] = []
    async with sandbox.bolt(offering(asked)):
        blocks = [{"type": "section", "block_id": "where", "text": plain("Version?"), "accessory": SEARCH}]
        posted = await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks)
        ask = {"user": "dev", "channel": "deploys", "ts": posted["ts"], "action_id": "pick"}
        found = await sandbox.post("options", **ask, value="v1.2")
        assert ([o["value"] for o in found["options"]], found["option_groups"]) == (["v1.2"], [])
        found = await sandbox.post("options", **ask, value="live")
        assert ([o["value"] for o in found["options"]], found["option_groups"][0]["label"]["text"]) == (
            ["v1.0"],
            "Live",
        )
        assert (await sandbox.post("options", **ask, value="none"))["options"] == []
        assert (await sandbox.post("options", **ask, value="v1"))["options"] == [], "Slack asks after three characters"
        for value, said in (
            ("both", "either “options” or “option_groups”"),
            ("many", "no more than 100 items allowed"),
            ("long", "must be less than 76 characters"),
            ("slow", "operation_timeout"),
        ):
            assert said in (await sandbox.post("options", 400, **ask, value=value))["error"]
        assert "has no select 'go'" in (await sandbox.post("options", 400, **ask | {"action_id": "go"}))["error"]
    assert [b["value"] for b in asked] == ["v1.2", "live", "none", "both", "many", "long", "slow"]
    body = asked[0]
    assert (body["type"], body["block_id"], body["container"]["type"]) == ("block_suggestion", "where", "message")
    assert body["message"]["ts"] == posted["ts"] and body["channel"]["id"] == "C0DEPLOYS"


async def test_a_choice_in_a_message_comes_with_the_state_of_all_its_elements(sandbox: Any) -> None:
    heard: list[Json] = []

    def set_up(app: AsyncApp) -> None:
        @app.action("place")
        async def place(ack: Any, body: Json) -> None:
            await ack()
            heard.append(body)

    two = [option("staging"), option("production")]
    row = [
        {"type": "static_select", "action_id": "place", "options": two},
        {"type": "static_select", "action_id": "other", "options": two, "initial_option": two[0]},
    ]
    async with sandbox.bolt(set_up):
        blocks = [{"type": "actions", "block_id": "row", "elements": row}]
        posted = await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="x", blocks=blocks)
        click = {"user": "dev", "channel": "deploys", "ts": posted["ts"], "action_id": "place", "value": "production"}
        await sandbox.post("click", **click)
        assert "does not offer 'moon'" in (await sandbox.post("click", 400, **click | {"value": "moon"}))["error"]
    assert heard[0]["actions"][0]["selected_option"]["value"] == "production"
    state = heard[0]["state"]["values"]["row"]
    assert {name: held["selected_option"]["value"] for name, held in state.items()} == {
        "place": "production",
        "other": "staging",
    }
    assert heard[0]["message"]["blocks"][0]["elements"][0]["options"][0]["text"]["emoji"] is True


async def test_an_answer_to_a_command_that_cannot_be_shown_is_told_as_slack_tells_it(sandbox: Any) -> None:
    def set_up(app: AsyncApp) -> None:
        @app.command("/chom")
        async def chom(ack: Any) -> None:
            await ack(text="x", blocks=[{"type": "banner"}])

    async with sandbox.bolt(set_up):
        said = await sandbox.post("command", user="dev", channel="deploys", text="x")
    assert said["outcome"] == "invalid_response"
    texts = [m["text"] for m in (await sandbox.state())["ephemerals"]["dev"]]
    assert texts == ['/chom failed with the error "invalid_command_response"']
