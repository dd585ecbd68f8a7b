"""Block Kit's objects and elements with Slack's limits: texts, options, confirm dialogs, buttons, selects, inputs."""

from __future__ import annotations

from typing import Any, cast

from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.shape import (
    Check,
    Fault,
    all_of,
    array,
    boolean,
    link,
    one_of,
    pattern,
    record,
    string,
    union,
    whole,
    wrong_type,
)

STYLE = one_of("primary", "danger")
_TEXTS = {
    "plain_text": record({"text": string()}, {"emoji": boolean}),
    "mrkdwn": record({"text": string()}, {"verbatim": boolean}),
}


def _at_most(most: int) -> Check:
    def check(value: Any, pointer: str) -> list[Fault]:
        if not isinstance(value, dict):
            return wrong_type("provide an object", pointer)
        said = cast("Json", value).get("text")
        return string(most, 0)(said, f"{pointer}/text") if isinstance(said, str) else []

    return check


def text(most: int, *kinds: str) -> Check:
    """A text object of one of these kinds with 1 to `most` characters."""
    return all_of(_at_most(most), union(_TEXTS, kinds or None))


def plain(most: int) -> Check:
    """A plain_text object."""
    return text(most, "plain_text")


CONFIRM = record(
    {"title": plain(100), "text": plain(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE}, typed=False
)
ID = string(255)
OPTION = record({"text": plain(75), "value": string(150)}, {"description": plain(75)}, typed=False)
"""Of selects."""
MENU = record({"text": plain(75), "value": string(150)}, {"description": plain(75), "url": link()}, typed=False)
"""Of overflow menus."""
CHOICE = record({"text": text(75), "value": string(150)}, {"description": text(75)}, typed=False)
"""Of radio buttons and checkboxes."""
OPTIONS = array(OPTION, 100)
GROUP = record({"label": plain(75), "options": OPTIONS}, typed=False)
GROUPS = array(GROUP, 100)
FOCUS = {"action_id": ID, "focus_on_load": boolean}
SELECT = FOCUS | {"confirm": CONFIRM, "placeholder": plain(150)}
SOME = {"max_selected_items": whole(1, 10_000)}
SEARCHED = {"min_query_length": whole(0, 1000)}
FILE = record({}, {"id": string(), "url": link()}, typed=False)
_LISTED = {
    "filter": record(
        {},
        {
            "include": array(one_of("im", "mpim", "private", "public"), 4),
            "exclude_external_shared_channels": boolean,
            "exclude_bot_users": boolean,
        },
        typed=False,
    ),
    "default_to_current_conversation": boolean,
}
_URL = {"response_url_enabled": boolean}
_SELECTS: dict[str, Check] = {
    "external_select": record({}, SELECT | SEARCHED | {"initial_option": OPTION}),
    "users_select": record({}, SELECT | {"initial_user": string()}),
    "conversations_select": record({}, SELECT | _LISTED | _URL | {"initial_conversation": string()}),
    "channels_select": record({}, SELECT | _URL | {"initial_channel": string()}),
    "multi_external_select": record({}, SELECT | SEARCHED | SOME | {"initial_options": OPTIONS}),
    "multi_users_select": record({}, SELECT | SOME | {"initial_users": array(string(), 100)}),
    "multi_conversations_select": record({}, SELECT | _LISTED | SOME | {"initial_conversations": array(string(), 100)}),
    "multi_channels_select": record({}, SELECT | SOME | {"initial_channels": array(string(), 100)}),
}


def initial(value: Any, pointer: str) -> list[Fault]:
    """The options that a select, radio buttons or checkboxes begin with are among those that it offers."""
    fields = cast("Json", value)
    groups = fields.get("option_groups") or [{"options": fields.get("options", [])}]
    offered = [option for group in groups for option in group["options"]]
    chosen = [("initial_option", fields["initial_option"])] if "initial_option" in fields else []
    chosen += [(f"initial_options/{place}", one) for place, one in enumerate(fields.get("initial_options", []))]
    return [
        Fault("must match one of the options", f"{pointer}/{place}")
        for place, option in chosen
        if option not in offered
    ]


def _static(first: dict[str, Check]) -> Check:
    whole_ = record({}, SELECT | {"options": OPTIONS, "option_groups": GROUPS} | first)

    def check(value: Any, pointer: str) -> list[Fault]:
        faults = whole_(value, pointer)
        fields = cast("Json", value)
        if not faults and ("options" in fields) == ("option_groups" in fields):
            return [Fault("must define either `options` or `option_groups`", pointer)]
        return faults or initial(value, pointer)

    return check


def _chosen(first: dict[str, Check]) -> Check:
    whole_ = record({"options": array(CHOICE, 10)}, FOCUS | {"confirm": CONFIRM} | first)
    return lambda value, pointer: whole_(value, pointer) or initial(value, pointer)


def image(alt: int, more: dict[str, Check] | None = None) -> Check:
    """An image, as a block or an element: by address or by file, never both."""
    whole_ = record({"alt_text": string(alt)}, {"image_url": link(), "slack_file": FILE} | (more or {}))

    def check(value: Any, pointer: str) -> list[Fault]:
        faults = whole_(value, pointer)
        fields = cast("Json", value)
        if not faults and ("image_url" in fields) == ("slack_file" in fields):
            return [Fault("must define either `image_url` or `slack_file`", pointer)]
        return faults

    return check


_DATE = r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
_TIME = r"([01]\d|2[0-3]):[0-5]\d"
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
    "overflow": record({"options": array(MENU, 5)}, {"action_id": ID, "confirm": CONFIRM}),
    "radio_buttons": _chosen({"initial_option": CHOICE}),
    "checkboxes": _chosen({"initial_options": array(CHOICE, 10)}),
    "datepicker": record({}, SELECT | {"initial_date": pattern(_DATE)}),
    "timepicker": record({}, SELECT | {"initial_time": pattern(_TIME), "timezone": string()}),
    "datetimepicker": record(
        {}, FOCUS | {"confirm": CONFIRM, "initial_date_time": whole(1_000_000_000, 9_999_999_999)}
    ),
    "image": image(2000),
}
_WRITTEN = FOCUS | {
    "placeholder": plain(150),
    "dispatch_action_config": record(
        {}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)}, typed=False
    ),
}
_WORDS = {"initial_value": string(3000, 0), "min_length": whole(0, 3000), "max_length": whole(1, 3000)}
TYPED: dict[str, Check] = {
    "plain_text_input": record({}, _WRITTEN | _WORDS | {"multiline": boolean}),
    "url_text_input": record({}, _WRITTEN | {"initial_value": string(3000, 0)}),
    "email_text_input": record({}, _WRITTEN | {"initial_value": string(3000, 0)}),
    "number_input": record(
        {"is_decimal_allowed": boolean},
        _WRITTEN | {"initial_value": string(100, 0), "min_value": string(), "max_value": string()},
    ),
    "file_input": record({}, {"action_id": ID, "filetypes": array(string(), 100), "max_files": whole(1, 10)}),
}
"""Elements that stand in input blocks alone."""
INTERACTIVE = frozenset(ELEMENTS) - {"image"} | frozenset(TYPED)
"""Elements that carry an action_id."""
