"""Block Kit as Slack judges it: which blocks a message, a modal and a Home may hold, and what is wrong where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from typing import Any, cast

from bot.sandbox.slack.elements import ELEMENTS, ID, INTERACTIVE, TYPED, image, plain, text
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments, invalid_blocks
from bot.sandbox.slack.rich import rich_text, table
from bot.sandbox.slack.shape import Check, Fault, all_of, array, boolean, one_of, record, string, union
from bot.sandbox.slack.state import new_block_id

VIEW_BYTES = 250_000


class Surface(Enum):
    """Where blocks are shown."""

    MESSAGE = "message"
    MODAL = "modal"
    HOME = "home"


_ID: dict[str, Check] = {"block_id": ID}
_MODAL_ONLY = {"url_text_input", "email_text_input", "number_input", "file_input"}
_IN_SECTION = [name for name in ELEMENTS if name != "datetimepicker"]
_IN_ACTIONS = [name for name in ELEMENTS if name != "image"]
_IN_INPUT = [name for name in (*ELEMENTS, *TYPED) if name not in ("image", "button", "overflow")]
_SECTION = record(
    {},
    _ID
    | {
        "text": text(3000),
        "fields": array(text(2000), 10),
        "accessory": union(ELEMENTS, _IN_SECTION),
        "expand": boolean,
    },
)
_CONTEXT = union(
    {"plain_text": text(2000, "plain_text"), "mrkdwn": text(2000, "mrkdwn"), "image": ELEMENTS["image"]},
)


def _section(value: Any, pointer: str) -> list[Fault]:
    faults = _SECTION(value, pointer)
    if not faults and not {"text", "fields"} & set(cast("Json", value)):
        return [Fault("must define either `text` or `fields`", pointer)]
    return faults


def _blocks(surface: Surface) -> Check:
    """The blocks that this surface takes."""

    def here(names: list[str]) -> list[str]:
        gone: set[str] = set() if surface is Surface.MODAL else _MODAL_ONLY
        return [name for name in names if name not in gone | ({"datetimepicker"} if surface is Surface.HOME else set())]

    kinds: dict[str, Check] = {
        "header": record({"text": plain(150)}, _ID),
        "section": _section,
        "context": record({"elements": array(_CONTEXT, 10)}, _ID),
        "actions": record({"elements": array(union(ELEMENTS, here(_IN_ACTIONS)), 25)}, _ID),
        "divider": record({}, _ID),
        "image": image(2000, _ID | {"title": plain(2000)}),
        "rich_text": rich_text(_ID),
        "input": record(
            {"label": plain(2000), "element": union(ELEMENTS | TYPED, here(_IN_INPUT))},
            _ID | {"hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
        ),
    }
    match surface:
        case Surface.MESSAGE:
            kinds |= {"markdown": record({"text": string(12_000)}, _ID), "table": table(_ID)}
        case Surface.MODAL:
            levels = one_of("default", "info", "warning", "error", "success")
            kinds["alert"] = record({"text": text(200)}, _ID | {"level": levels})
        case Surface.HOME:
            pass
    return array(union(kinds), 50 if surface is Surface.MESSAGE else 100, 0)


_BLOCKS = {surface: _blocks(surface) for surface in Surface}
_VIEW: dict[str, Check] = {
    "callback_id": string(255, 0),
    "private_metadata": string(3000, 0),
    "external_id": string(255, 0),
}
_MODAL = _VIEW | {"submit": plain(24), "close": plain(24), "clear_on_close": boolean, "notify_on_close": boolean}
_VIEWS = all_of(
    union(
        {
            "modal": record({"title": plain(24), "blocks": _BLOCKS[Surface.MODAL]}, _MODAL),
            "home": record({"blocks": _BLOCKS[Surface.HOME]}, _VIEW),
        }
    )
)


def faults_of(blocks: list[Any], surface: Surface, pointer: str = "/blocks") -> list[Fault]:
    """Everything that Slack would refuse in these blocks; empty when it would take them."""
    return _BLOCKS[surface](blocks, pointer) or list(_twice(cast("list[Json]", blocks), pointer))


def faults_of_view(view: Any, pointer: str = "/view") -> list[Fault]:
    """Everything that Slack would refuse in this view."""
    faults = _VIEWS(view, pointer)
    if faults:
        return faults
    fields = cast("Json", view)
    blocks = cast("list[Json]", fields["blocks"])
    faults = list(_twice(blocks, f"{pointer}/blocks"))
    if fields["type"] == "modal" and "submit" not in fields:
        said = "must define `submit` to use an `input` block in modals"
        inputs = [index for index, block in enumerate(blocks) if block["type"] == "input"]
        faults += [Fault(said, f"{pointer}/blocks/{index}/input") for index in inputs]
    focused = [e for block in blocks for e in elements_of(block) if e.get("focus_on_load")]
    if len(focused) > 1:
        faults.append(Fault("only one element can have `focus_on_load`", f"{pointer}/blocks"))
    return faults


def checked(blocks: list[Any]) -> list[Json]:
    """A message's blocks as Slack would store them. Raises invalid_blocks."""
    faults = faults_of(blocks, Surface.MESSAGE)
    if faults:
        raise invalid_blocks([str(fault) for fault in faults])
    return stored(blocks)


def checked_view(view: Any) -> Json:
    """A view as Slack would store it. Raises invalid_arguments or view_too_large."""
    if view is None:
        raise invalid_arguments("missing required field: view")
    if len(json.dumps(view, separators=(",", ":"), ensure_ascii=False).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")
    faults = faults_of_view(view)
    if faults:
        raise invalid_arguments(*(str(fault) for fault in faults))
    fields = cast("Json", view)
    shown = {name: _spelled(fields[name]) for name in ("title", "submit", "close") if name in fields}
    return fields | shown | {"blocks": stored(fields["blocks"])}


def stored(blocks: list[Json]) -> list[Json]:
    """The same blocks with what Slack adds to those that came without: ids, and how a text is to be read."""
    return [_with_ids(_spelled(block)) for block in blocks]


def _spelled(held: Any) -> Any:
    """A copy in which every text object says whether it has emoji, or is verbatim."""
    if isinstance(held, list):
        return [_spelled(one) for one in cast("list[Any]", held)]
    if not isinstance(held, dict):
        return held
    fields = {name: _spelled(value) for name, value in cast("Json", held).items()}
    match fields.get("type"):
        case "plain_text":
            fields.setdefault("emoji", True)
        case "mrkdwn":
            fields.setdefault("verbatim", False)
        case _:
            pass
    return fields


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


def _twice(blocks: list[Json], pointer: str) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        id = block.get("block_id")
        if id in seen:
            yield Fault(f'`block_id` "{id}" already exists', f"{pointer}/{index}/block_id")
        seen.update([id] if id else [])
        actions: set[str] = set()
        for place, element in enumerate(elements_of(block)):
            action = element.get("action_id")
            if action in actions:
                yield Fault(f'`action_id` "{action}" already exists', f"{pointer}/{index}/elements/{place}/action_id")
            actions.update([action] if action else [])
