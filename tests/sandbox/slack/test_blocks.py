"""Block Kit's limits with Slack's sentences and pointers; what the real app's blocks look like passes."""

from __future__ import annotations

import json
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


def section(text: Json, accessory: Json | None = None) -> Json:
    return {"type": "section", "text": text} | ({"accessory": accessory} if accessory else {})


def static(**more: Any) -> Json:
    return actions({"type": "static_select", "action_id": "s", **more})


def asked(element: Json) -> Json:
    return {"type": "input", "label": plain("Why"), "element": element}


YES = ("title", "confirm", "deny")
MATCH, DATES = "input must match regex pattern:", r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
CONFIRM = {"title": plain("Sure?"), "text": plain("Really"), "confirm": plain("Yes"), "deny": plain("No")}
OPTION = {"text": plain("One"), "value": "1"}
CHOICE = {"text": mrkdwn("*One*"), "value": "1", "description": mrkdwn("_first_")}
DATE = {"type": "date", "timestamp": 1, "format": "{date}", "fallback": "x"}
FINE = [
    {"type": "header", "text": plain("x" * 150)},
    {"type": "section", "text": mrkdwn("x" * 3000), "accessory": button(confirm=CONFIRM, style="danger")},
    {"type": "section", "fields": [mrkdwn("x" * 2000)] * 10},
    {"type": "context", "elements": [mrkdwn("x")] * 10},
    actions(*(button(action_id=f"a{n}", value="v" * 2000) for n in range(25))),
    {"type": "divider", "block_id": "d"},
    {
        "type": "rich_text",
        "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}, DATE]}],
    },
    actions({"type": "static_select", "action_id": "s", "placeholder": plain("?"), "options": [OPTION] * 100}),
    actions({"type": "static_select", "option_groups": [{"label": plain("A"), "options": [OPTION]}]}),
    actions({"type": "static_select", "options": [OPTION], "initial_option": OPTION}),
    actions({"type": "overflow", "options": [OPTION | {"url": "https://chom.example"}] * 5}),
    actions({"type": "radio_buttons", "options": [CHOICE] * 10, "initial_option": CHOICE}),
    actions({"type": "datepicker", "initial_date": "2026-11-20"}, {"type": "timepicker", "initial_time": "23:59"}),
    {"type": "markdown", "text": "# x"},
    {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]], "column_settings": [{"align": "right"}]},
]


def test_what_slack_takes() -> None:
    assert faults_of(FINE, Surface.MESSAGE) == []
    assert faults_of([{"type": "divider"}] * 50, Surface.MESSAGE) == []
    assert faults_of([{"type": "divider"}] * 100, Surface.MODAL) == []
    assert faults_of([{"type": "alert", "text": plain("x"), "level": "warning"}], Surface.MODAL) == []


B, E = "/blocks/0", "/blocks/0/elements/0"
ALL = "failed to match all allowed schemas"


@pytest.mark.parametrize(
    ("blocks", "faults"),
    [
        ([{"type": "divider"}] * 51, ["no more than 50 items allowed /blocks"]),
        ([{}], [f"missing required field: type {B}"]),
        (["x"], [f"must provide an object {B}"]),
        ([{"type": 7}], [f"must provide a string {B}/type"]),
        ([{"type": "banner"}], [f"unsupported type: banner {B}/type"]),
        ([{"type": "alert", "text": plain("x")}], [f"unsupported type: alert {B}/type"]),
        ([{"type": "plan", "title": "x"}], [f"unsupported type: plan {B}/type"]),
        ([{"type": "divider", "colour": "red"}], [f"invalid additional property: colour {B}"]),
        ([{"type": "divider", "block_id": None}], [f"must provide a string {B}/block_id"]),
        ([{"type": "header"}], [f"missing required field: text {B}"]),
        ([{"type": "header", "text": "x"}], [f"{ALL} {B}/text", *[f"must provide an object {B}/text"] * 2]),
        (
            [{"type": "header", "text": plain("x" * 151)}],
            [f"{ALL} {B}/text", f"must be less than 151 characters {B}/text/text"],
        ),
        ([{"type": "header", "text": mrkdwn("x")}], [f"{ALL} {B}/text", f"unsupported type: mrkdwn {B}/text/type"]),
        ([{"type": "section"}], [f"must define either `text` or `fields` {B}"]),
        ([section(mrkdwn(""))], [f"{ALL} {B}/text", f"must be more than 0 characters {B}/text/text"]),
        (
            [{"type": "divider"}, section(mrkdwn("x" * 3001))],
            [f"{ALL} /blocks/1/text", "must be less than 3001 characters /blocks/1/text/text"],
        ),
        ([{"type": "section", "fields": [mrkdwn("x")] * 11}], [f"no more than 10 items allowed {B}/fields"]),
        (
            [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
            [f"{ALL} {B}/fields/0", f"must be less than 2001 characters {B}/fields/0/text"],
        ),
        ([section(plain("x"), {"type": "datetimepicker"})], [f"unsupported type: datetimepicker {B}/accessory/type"]),
        (
            [{"type": "context", "elements": [mrkdwn("x")] * 11}],
            [f"no more than 10 items allowed {B}/elements"],
        ),
        ([actions()], [f"must provide at least 1 items {B}/elements"]),
        ([actions(*(button(action_id=str(n)) for n in range(26)))], [f"no more than 25 items allowed {B}/elements"]),
        (
            [actions(button(text=plain("x" * 76)))],
            [f"{ALL} {E}/text", f"must be less than 76 characters {E}/text/text"],
        ),
        ([actions(button(value="x" * 2001))], [f"must be less than 2001 characters {E}/value"]),
        ([actions(button(style="loud"))], [f"must be a valid enum value {E}/style"]),
        ([actions(button(style=None))], [f"must provide a string {E}/style"]),
        (
            [actions(button(confirm=CONFIRM | {"title": plain("x" * 101)}))],
            [f"{ALL} {E}/confirm/title", f"must be less than 101 characters {E}/confirm/title/text"],
        ),
        (
            [actions(button(confirm=CONFIRM | {"text": plain("x" * 301)}))],
            [f"{ALL} {E}/confirm/text", f"must be less than 301 characters {E}/confirm/text/text"],
        ),
        (
            [actions(button(confirm=CONFIRM | {"text": mrkdwn("x")}))],
            [f"{ALL} {E}/confirm/text", f"unsupported type: mrkdwn {E}/confirm/text/type"],
        ),
        ([actions(button(confirm={"text": plain("x")}))], [f"missing required field: {n} {E}/confirm" for n in YES]),
        ([actions(button(), button())], ['`action_id` "go" already exists /blocks/0/elements/1/action_id']),
        ([{"type": "divider", "block_id": "d"}] * 2, ['`block_id` "d" already exists /blocks/1/block_id']),
        ([static(options=[OPTION] * 101)], [f"no more than 100 items allowed {E}/options"]),
        ([static(options=[])], [f"must provide at least 1 items {E}/options"]),
        ([static()], [f"must define either `options` or `option_groups` {E}"]),
        (
            [static(options=[OPTION | {"value": "x" * 151}])],
            [f"must be less than 151 characters {E}/options/0/value"],
        ),
        (
            [static(options=[CHOICE | {"description": plain("x")}])],
            [f"{ALL} {E}/options/0/text", f"unsupported type: mrkdwn {E}/options/0/text/type"],
        ),
        (
            [static(options=[OPTION], initial_option=OPTION | {"value": "2"})],
            [f"must match one of the options {E}/initial_option"],
        ),
        (
            [static(option_groups=[{"label": plain("x" * 76), "options": [OPTION]}])],
            [f"{ALL} {E}/option_groups/0/label", f"must be less than 76 characters {E}/option_groups/0/label/text"],
        ),
        ([actions({"type": "overflow", "options": [OPTION] * 6})], [f"no more than 5 items allowed {E}/options"]),
        (
            [actions({"type": "static_select", "options": [OPTION | {"url": "https://x"}]})],
            [f"invalid additional property: url {E}/options/0"],
        ),
        ([actions({"type": "checkboxes", "options": [CHOICE] * 11})], [f"no more than 10 items allowed {E}/options"]),
        ([actions({"type": "datepicker", "initial_date": "20.11.2026"})], [f"{MATCH} {DATES} {E}/initial_date"]),
        ([{"type": "image", "image_url": "javascript:alert(1)", "alt_text": "x"}], [f"invalid url {B}/image_url"]),
        ([{"type": "image", "alt_text": "x"}], [f"must define either `image_url` or `slack_file` {B}"]),
        ([actions({"type": "plain_text_input"})], [f"unsupported type: plain_text_input {E}/type"]),
        ([asked({"type": "url_text_input"})], [f"unsupported type: url_text_input {B}/element/type"]),
        (
            [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "user"}]}]}],
            [f"missing required field: user_id {E}/elements/0"],
        ),
        ([{"type": "table", "rows": [[{"type": "raw_text"}]]}], [f"missing required field: text {B}/rows/0/0"]),
    ],
)
def test_what_slack_refuses(blocks: list[Any], faults: list[str]) -> None:
    said = [
        str(fault).replace(" [json-pointer:", " ").removesuffix("]") for fault in faults_of(blocks, Surface.MESSAGE)
    ]
    assert said == faults


async def test_the_answer_is_slacks(sandbox: Any) -> None:
    with pytest.raises(SlackApiError) as caught:
        await sandbox.client().chat_postMessage(
            channel="C0DEPLOYS", text="x", blocks=[{"type": "header", "text": plain("")}]
        )
    faults = [
        "failed to match all allowed schemas [json-pointer:/blocks/0/text]",
        "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
    ]
    assert caught.value.response.data == {
        "ok": False,
        "error": "invalid_blocks",
        "errors": faults,
        "response_metadata": {"messages": [f"[ERROR] {fault}" for fault in faults]},
    }


MODAL = {"type": "modal", "title": plain("Deploy"), "blocks": [{"type": "divider"}]}
INPUT = asked({"type": "plain_text_input", "action_id": "why"})


def focused(id: str) -> Json:
    return asked({"type": "plain_text_input", "action_id": id, "focus_on_load": True})


V = "/view"


@pytest.mark.parametrize(
    ("view", "faults"),
    [
        (
            MODAL | {"title": plain("x" * 25)},
            [f"{ALL} {V}", f"{ALL} {V}/title", f"must be less than 25 characters {V}/title/text"],
        ),
        (MODAL | {"submit": None}, [f"{ALL} {V}", f"{ALL} {V}/submit", *[f"must provide an object {V}/submit"] * 2]),
        (
            MODAL | {"blocks": [{"type": "divider"}, INPUT]},
            [f"must define `submit` to use an `input` block in modals {V}/blocks/1/input"],
        ),
        (
            MODAL | {"private_metadata": "x" * 3001},
            [f"{ALL} {V}", f"must be less than 3001 characters {V}/private_metadata"],
        ),
        (MODAL | {"submit_disabled": True}, [f"{ALL} {V}", f"invalid additional property: submit_disabled {V}"]),
        (MODAL | {"type": "window"}, [f"{ALL} {V}", f"unsupported type: window {V}/type"]),
        ("x", [f"{ALL} {V}", f"must provide an object {V}"]),
        (
            MODAL | {"blocks": [{"type": "divider"}] * 101},
            [f"{ALL} {V}", f"no more than 100 items allowed {V}/blocks"],
        ),
        (
            MODAL | {"submit": plain("x"), "blocks": [focused("a"), focused("b")]},
            [f"only one element can have `focus_on_load` {V}/blocks"],
        ),
        (
            {"type": "home", "blocks": [], "submit": plain("x")},
            [f"{ALL} {V}", f"invalid additional property: submit {V}"],
        ),
        (
            {"type": "home", "blocks": [actions({"type": "datetimepicker"})]},
            [f"{ALL} {V}", f"unsupported type: datetimepicker {V}/blocks/0/elements/0/type"],
        ),
    ],
)
def test_views(view: Json, faults: list[str]) -> None:
    with pytest.raises(SlackError) as caught:
        checked_view(view)
    said = [
        m.replace(" [json-pointer:", " ").removesuffix("]") for m in caught.value.extra["response_metadata"]["messages"]
    ]
    assert said == [f"[ERROR] {fault}" for fault in faults]


async def test_blocks_validate_names_code_pointer_and_constraint(sandbox: Any) -> None:
    client = sandbox.client()

    async def said(**given: Any) -> Json:
        with pytest.raises(SlackApiError) as caught:
            await client.api_call("blocks.validate", json=given)
        return caught.value.response.data

    assert (await client.api_call("blocks.validate", json={"blocks": FINE}))["ok"] is True
    assert (await client.api_call("blocks.validate", data={"view": json.dumps(MODAL)}))["ok"] is True
    for given in ({}, {"blocks": [], "view": MODAL}):
        body = await said(**given)
        assert body["error"] == "invalid_arguments"
        assert body["response_metadata"]["messages"] == ["must provide exactly one of `blocks`, `view`, or `message`"]
    wrong = await said(blocks=[{"type": "section", "text": {"type": "invalid", "text": "x"}}])
    assert (wrong["error"], wrong["errors"]) == (
        "invalid_blocks",
        [
            {
                "code": "failed_constraint",
                "message": "unsupported type: invalid",
                "pointer": "/0/text/type",
                "constraint": {"type": "enum", "expected": ["plain_text", "mrkdwn"]},
            }
        ],
    )
    wrong = await said(message={"blocks": [{"type": "header"}]})
    assert (wrong["error"], wrong["errors"]) == (
        "invalid_message",
        [{"code": "missing_field", "message": "missing required field: text", "pointer": "/blocks/0"}],
    )
    assert (await said(view=MODAL | {"title": plain("x" * 25)}))["error"] == "invalid_view"


def test_a_view_that_is_too_large() -> None:
    blocks = [{"type": "section", "text": mrkdwn("x" * 3000)}] * 100
    with pytest.raises(SlackError, match="view_too_large"):
        checked_view(MODAL | {"blocks": blocks})
