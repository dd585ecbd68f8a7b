"""Block Kit's objects and elements with Slack's limits: texts, options, confirm dialogs, buttons, selects, inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from bot.sandbox.slack.shape import Check, anything, array, at, boolean, link, number, one_of, record, string, union

STYLE = one_of("primary", "danger")


def text(most: int, *kinds: str) -> Check:
    """A text object of one of these kinds with 1 to `most` characters."""
    content = string(most)
    shapes = {
        "plain_text": record({"text": content}, {"emoji": boolean}),
        "mrkdwn": record({"text": content}, {"verbatim": boolean}),
    }
    return union(shapes, kinds or tuple(shapes))


def plain(most: int) -> Check:
    """A plain_text object."""
    return text(most, "plain_text")


CONFIRM = record(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE}, typed=False
)
ID = string(255)
OPTION = record({"text": text(75), "value": string(150)}, {"description": text(75), "url": link()}, typed=False)
OPTIONS = array(OPTION, 100)
GROUPS = array(record({"label": plain(75), "options": OPTIONS}, typed=False), 100)
FOCUS = {"action_id": ID, "focus_on_load": boolean}
SELECT = FOCUS | {"confirm": CONFIRM, "placeholder": plain(150)}
SOME = {"max_selected_items": number(1, 10_000)}

_SELECTS: dict[str, Check] = {
    "external_select": record({}, SELECT | {"initial_option": OPTION, "min_query_length": number(0, 1000)}),
    "users_select": record({}, SELECT | {"initial_user": string()}),
    "conversations_select": record(
        {},
        SELECT
        | {
            "initial_conversation": string(),
            "default_to_current_conversation": boolean,
            "filter": anything,
            "response_url_enabled": boolean,
        },
    ),
    "channels_select": record({}, SELECT | {"initial_channel": string(), "response_url_enabled": boolean}),
    "multi_external_select": record(
        {}, SELECT | SOME | {"initial_options": OPTIONS, "min_query_length": number(0, 1000)}
    ),
    "multi_users_select": record({}, SELECT | SOME | {"initial_users": array(string(), 100)}),
}


def _static(initial: dict[str, Check]) -> Check:
    whole = record({}, SELECT | {"options": OPTIONS, "option_groups": GROUPS} | initial)

    def check(value: Any, pointer: str) -> Iterator[str]:
        yield from whole(value, pointer)
        fields = cast("dict[str, Any]", value)
        if (fields.get("options") is None) == (fields.get("option_groups") is None):
            yield at("must have one of: options, option_groups", pointer)

    return check


def _chosen(most: int, initial: dict[str, Check], *, confirm: bool = True) -> Check:
    fields = FOCUS | ({"confirm": CONFIRM} if confirm else {}) | initial
    return record({"options": array(OPTION, most)}, fields)


ELEMENTS: dict[str, Check] = {
    **_SELECTS,
    "button": record(
        {"text": plain(75)},
        {
            "action_id": ID,
            "url": link(),
            "value": string(2000),
            "style": STYLE,
            "confirm": CONFIRM,
            "accessibility_label": string(75),
        },
    ),
    "static_select": _static({"initial_option": OPTION}),
    "multi_static_select": _static(SOME | {"initial_options": OPTIONS}),
    "overflow": record({"options": array(OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}),
    "radio_buttons": _chosen(10, {"initial_option": OPTION}),
    "checkboxes": _chosen(10, {"initial_options": array(OPTION, 10)}),
    "datepicker": record({}, SELECT | {"initial_date": string(10)}),
    "timepicker": record({}, SELECT | {"initial_time": string(5), "timezone": string()}),
    "datetimepicker": record({}, FOCUS | {"confirm": CONFIRM, "initial_date_time": number(0, 9_999_999_999)}),
    "image": record({"alt_text": string(2000)}, {"image_url": link(), "slack_file": anything}),
}

_WRITTEN = FOCUS | {"placeholder": plain(150), "dispatch_action_config": anything}
INPUTS: dict[str, Check] = {
    "plain_text_input": record(
        {},
        _WRITTEN
        | {
            "initial_value": string(3000, 0),
            "multiline": boolean,
            "min_length": number(0, 3000),
            "max_length": number(1, 3000),
        },
    ),
    "url_text_input": record({}, _WRITTEN | {"initial_value": string(3000, 0)}),
    "email_text_input": record({}, _WRITTEN | {"initial_value": string(3000, 0)}),
    "number_input": record(
        {"is_decimal_allowed": boolean},
        _WRITTEN | {"initial_value": string(100, 0), "min_value": string(), "max_value": string()},
    ),
    "file_input": record({}, {"action_id": ID, "filetypes": anything, "max_files": number(1, 10)}),
    **{name: check for name, check in ELEMENTS.items() if name not in ("button", "overflow", "image")},
}

INTERACTIVE = frozenset(ELEMENTS) - {"image"} | frozenset(INPUTS)
"""Elements that carry an action_id."""
