"""Block Kit's limits with Slack's sentences and pointers; what the real app's blocks look like passes."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.blocks import Surface, checked_view, faults_of
from bot.sandbox.slack.errors import SlackError

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def button(**more: Any) -> Json:
    return {"type": "button", "action_id": "go", "text": plain("Go"), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


CONFIRM = {"title": plain("Sure?"), "text": mrkdwn("Really"), "confirm": plain("Yes"), "deny": plain("No")}
OPTION = {"text": plain("One"), "value": "1"}
FINE = [
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "text": mrkdwn("x" * 3000), "accessory": button(confirm=CONFIRM, style="danger")},
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    {"type": "context", "elements": [mrkdwn("x")] * 10},
    actions(*(button(action_id=f"a{n}", value="v" * 2000) for n in range(25))),
    {"type": "divider", "block_id": "d"},
    {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}]},
    actions({"type": "static_select", "action_id": "s", "placeholder": plain("?"), "options": [OPTION] * 100}),
]


def test_what_slack_takes() -> None:
    assert faults_of(FINE, Surface.MESSAGE) == []
    assert faults_of([{"type": "divider"}] * 50, Surface.MESSAGE) == []
    assert faults_of([{"type": "divider"}] * 100, Surface.MODAL) == []


@pytest.mark.parametrize(
    ("blocks", "fault"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{}], "missing required field: type [json-pointer:/blocks/0]"),
        (["x"], "must provide an object [json-pointer:/blocks/0]"),
        ([{"type": "banner"}], "unsupported type: banner [json-pointer:/blocks/0/type]"),
        ([{"type": "alert", "text": plain("x")}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
        ([{"type": "divider", "colour": "red"}], "invalid additional property: colour [json-pointer:/blocks/0]"),
        ([{"type": "header"}], "missing required field: text [json-pointer:/blocks/0]"),
        (
            [{"type": "header", "text": plain("x" * 151)}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        ([{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"),
        ([{"type": "section"}], "must have one of: text, fields [json-pointer:/blocks/0]"),
        (
            [{"type": "section", "text": mrkdwn("")}],
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            [{"type": "divider"}, {"type": "section", "text": mrkdwn("x" * 3001)}],
            "must be less than 3001 characters [json-pointer:/blocks/1/text/text]",
        ),
        (
            [{"type": "section", "fields": [mrkdwn("x")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            [{"type": "context", "elements": [mrkdwn("x")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([actions()], "no less than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (
            [actions(*(button(action_id=str(n)) for n in range(26)))],
            "no more than 25 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            [actions(button(text=plain("x" * 76)))],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            [actions(button(value="x" * 2001))],
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
        ),
        (
            [actions(button(style="loud"))],
            "must be a valid enum value (primary, danger) [json-pointer:/blocks/0/elements/0/style]",
        ),
        (
            [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
            "must be less than 101 characters [json-pointer:/blocks/0/elements/0/confirm/title/text]",
        ),
        (
            [actions(button(confirm=CONFIRM | {"text": mrkdwn("x" * 301)}))],
            "must be less than 301 characters [json-pointer:/blocks/0/elements/0/confirm/text/text]",
        ),
        (
            [actions(button(), button())],
            '`action_id` "go" already exists for another element in this block '
            "[json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (
            [{"type": "divider", "block_id": "d"}] * 2,
            'block_id "d" already exists [json-pointer:/blocks/1/block_id]',
        ),
        (
            [actions({"type": "static_select", "options": [OPTION] * 101})],
            "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            [actions({"type": "static_select", "options": [OPTION | {"value": "x" * 151}]})],
            "must be less than 151 characters [json-pointer:/blocks/0/elements/0/options/0/value]",
        ),
        (
            [{"type": "image", "image_url": "javascript:alert(1)", "alt_text": "x"}],
            "must be a valid URL [json-pointer:/blocks/0/image_url]",
        ),
        (
            [actions({"type": "plain_text_input", "action_id": "x"})],
            "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]",
        ),
    ],
)
def test_what_slack_refuses(blocks: list[Any], fault: str) -> None:
    assert faults_of(blocks, Surface.MESSAGE) == [fault]


async def test_the_answer_is_slacks(sandbox: Any) -> None:
    with pytest.raises(SlackApiError) as caught:
        await sandbox.client().chat_postMessage(
            channel="C0DEPLOYS", text="x", blocks=[{"type": "header", "text": plain("")}]
        )
    fault = "must be more than 0 characters [json-pointer:/blocks/0/text/text]"
    assert caught.value.response.data == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": [fault],
        "response_metadata": {"messages": [f"[ERROR] {fault}"]},
    }


MODAL = {"type": "modal", "title": plain("Deploy"), "blocks": [{"type": "divider"}]}
INPUT = {"type": "input", "label": plain("Why"), "element": {"type": "plain_text_input", "action_id": "why"}}


@pytest.mark.parametrize(
    ("view", "fault"),
    [
        (MODAL | {"title": plain("x" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
        (MODAL | {"blocks": [INPUT]}, "missing required field: submit [json-pointer:/view]"),
        (
            MODAL | {"private_metadata": "x" * 3001},
            "must be less than 3001 characters [json-pointer:/view/private_metadata]",
        ),
        (MODAL | {"type": "window"}, "unsupported type: window [json-pointer:/view/type]"),
        (MODAL | {"blocks": [{"type": "divider"}] * 101}, "no more than 100 items allowed [json-pointer:/view/blocks]"),
        (
            {"type": "home", "blocks": [], "submit": plain("x")},
            "invalid additional property: submit [json-pointer:/view]",
        ),
    ],
)
def test_views(view: Json, fault: str) -> None:
    with pytest.raises(SlackError) as caught:
        checked_view(view)
    assert caught.value.extra["response_metadata"]["messages"] == [f"[ERROR] {fault}"]


def test_a_view_that_is_too_large() -> None:
    blocks = [{"type": "section", "text": mrkdwn("x" * 3000)}] * 100
    with pytest.raises(SlackError, match="view_too_large"):
        checked_view(MODAL | {"blocks": blocks})
