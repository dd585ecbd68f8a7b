"""Block Kit as Slack judges it: which blocks a message, a modal and a Home may hold, and what is wrong where."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, cast

from bot.sandbox.slack.elements import ELEMENTS, ID, INPUTS, INTERACTIVE, plain, text
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments, invalid_blocks
from bot.sandbox.slack.shape import Check, anything, array, at, boolean, link, one_of, record, string, union
from bot.sandbox.slack.state import new_block_id

VIEW_BYTES = 250_000


class Surface(Enum):
    """Where blocks are shown."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


BLOCK_ID = {"block_id": ID}
_RICH = array(
    union(
        {
            "rich_text_section": record({"elements": anything}),
            "rich_text_preformatted": record({"elements": anything}, {"border": anything, "language": string(50)}),
            "rich_text_quote": record({"elements": anything}, {"border": anything}),
            "rich_text_list": record(
                {"elements": anything, "style": one_of("bullet", "ordered")},
                {"indent": anything, "offset": anything, "border": anything},
            ),
        }
    ),
    1000,
    0,
)


def _section(value: Any, pointer: str) -> Iterator[str]:
    yield from record(
        {},
        BLOCK_ID
        | {"text": text(3000), "fields": array(text(2000), 10), "accessory": union(ELEMENTS), "expand": boolean},
    )(value, pointer)
    fields = cast("Json", value)
    if fields.get("text") is None and fields.get("fields") is None:
        yield at("must have one of: text, fields", pointer)


def _image(value: Any, pointer: str) -> Iterator[str]:
    yield from record(
        {"alt_text": string(2000)}, BLOCK_ID | {"image_url": link(), "slack_file": anything, "title": plain(2000)}
    )(value, pointer)
    fields = cast("Json", value)
    if (fields.get("image_url") is None) == (fields.get("slack_file") is None):
        yield at("must have one of: image_url, slack_file", pointer)


_CONTEXT = union({**{k: text(2000, k) for k in ("plain_text", "mrkdwn")}, "image": ELEMENTS["image"]})
_ACTIONS = [name for name in ELEMENTS if name != "image" and not name.startswith("multi_")]
_EVERYWHERE: dict[str, Check] = {
    "header": record({"text": plain(150)}, BLOCK_ID),
    "section": _section,
    "context": record({"elements": array(_CONTEXT, 10)}, BLOCK_ID),
    "actions": record({"elements": array(union(ELEMENTS, _ACTIONS), 25)}, BLOCK_ID),
    "divider": record({}, BLOCK_ID),
    "image": _image,
    "rich_text": record({"elements": _RICH}, BLOCK_ID),
    "video": record(
        {"alt_text": string(2000), "title": plain(200), "thumbnail_url": link(), "video_url": link()},
        BLOCK_ID
        | {
            "description": plain(200),
            "author_name": string(50),
            "title_url": link(),
            "provider_name": string(),
            "provider_icon_url": link(),
        },
    ),
    "input": record(
        {"label": plain(2000), "element": union(INPUTS)},
        BLOCK_ID | {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
}
_ONLY: dict[Surface, dict[str, Check]] = {
    Surface.MESSAGE: {
        "markdown": record({"text": string(12_000)}, BLOCK_ID),
        "file": record({"external_id": string(), "source": one_of("remote")}, BLOCK_ID),
        "table": record({"rows": array(anything, 100)}, BLOCK_ID | {"column_settings": anything}),
    },
    Surface.MODAL: {
        "alert": record(
            {"text": text(200)}, BLOCK_ID | {"level": one_of("default", "info", "warning", "error", "success")}
        )
    },
    Surface.HOME: {},
}
_MOST = {Surface.MESSAGE: 50, Surface.MODAL: 100, Surface.HOME: 100}


def faults_of(blocks: list[Any], surface: Surface, pointer: str = "/blocks") -> list[str]:
    """Everything that Slack would refuse in these blocks; empty when it would take them."""
    faults = list(array(union(_EVERYWHERE | _ONLY[surface]), _MOST[surface], 0)(blocks, pointer))
    return faults or list(_twice(cast("list[Json]", blocks), pointer))


def checked(blocks: list[Any]) -> list[Json]:
    """A message's blocks as Slack would store them. Raises invalid_blocks."""
    faults = faults_of(blocks, Surface.MESSAGE)
    if faults:
        raise invalid_blocks(faults)
    return stored(blocks)


def checked_view(view: Any) -> Json:
    """A view as Slack would store it. Raises invalid_arguments or view_too_large."""
    if not isinstance(view, dict):
        raise invalid_arguments("missing required field: view")
    fields = cast("Json", view)
    if len(str(fields).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    faults = list(_VIEWS(fields, "/view"))
    if not faults:
        surface = Surface(fields["type"])
        faults = faults_of(fields["blocks"], surface, "/view/blocks") + list(_submittable(fields))
    if faults:
        raise invalid_arguments(*faults)
    return fields | {"blocks": stored(fields["blocks"])}


def stored(blocks: list[Json]) -> list[Json]:
    """The same blocks with the ids that Slack adds to blocks and elements that came without."""
    return [_with_ids(block) for block in blocks]


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of one block."""
    held = [block.get("accessory"), block.get("element")]
    if block["type"] == "actions":
        held += block["elements"]
    return [element for element in held if element is not None and element["type"] in INTERACTIVE]


def _with_ids(block: Json) -> Json:
    made: Json = {"type": block["type"], "block_id": block.get("block_id") or new_block_id(), **block}
    for place in ("accessory", "element"):
        if place in made:
            made[place] = _named(made[place])
    if made["type"] == "actions":
        made["elements"] = [_named(element) for element in made["elements"]]
    return made


def _named(element: Json) -> Json:
    if element["type"] not in INTERACTIVE or element.get("action_id"):
        return element
    return element | {"action_id": new_block_id()}


def _twice(blocks: list[Json], pointer: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        id = block.get("block_id")
        if id in seen:
            yield at(f'block_id "{id}" already exists', f"{pointer}/{index}/block_id")
        seen.update([id] if id else [])
        actions: set[str] = set()
        for place, element in enumerate(elements_of(block)):
            action = element.get("action_id")
            if action in actions:
                where = f"{pointer}/{index}/elements/{place}/action_id"
                yield at(f'`action_id` "{action}" already exists for another element in this block', where)
            actions.update([action] if action else [])


_VIEW = {
    "callback_id": string(255, 0),
    "private_metadata": string(3000, 0),
    "external_id": string(255, 0),
}
_VIEWS = union(
    {
        "modal": record(
            {"title": plain(24), "blocks": array(anything, 100, 0)},
            _VIEW
            | {
                "submit": plain(24),
                "close": plain(24),
                "clear_on_close": boolean,
                "notify_on_close": boolean,
                "submit_disabled": boolean,
            },
        ),
        "home": record({"blocks": array(anything, 100, 0)}, _VIEW),
    }
)


def _submittable(view: Json) -> Iterator[str]:
    if view["type"] == "modal" and view.get("submit") is None and any(b["type"] == "input" for b in view["blocks"]):
        yield at("missing required field: submit", "/view")
