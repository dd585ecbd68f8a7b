"""What a person put into an element, in the form that Slack sends: a click's action, a view's state."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.blocks import elements_of
from bot.sandbox.slack.errors import Impossible, Json, as_list, as_object

ONE = ("static_select", "external_select", "radio_buttons", "overflow")
MANY = ("multi_static_select", "multi_external_select", "checkboxes")
PLAIN = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "multi_users_select": "selected_users",
    "multi_conversations_select": "selected_conversations",
    "multi_channels_select": "selected_channels",
    "file_input": "files",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
}


def find(blocks: list[Json], action_id: str, value: object = None) -> tuple[Json, Json] | None:
    """(block, element) with this action id; the one with this value where several bear the id."""
    found = [(b, e) for b in blocks for e in elements_of(b) if e.get("action_id") == action_id]
    exact = [pair for pair in found if value is not None and pair[1].get("value") == value]
    return next(iter(exact or found), None)


def action(block: Json, element: Json, value: Any, stamp: str) -> Json:
    """An entry of "actions" in block_actions. Raises Impossible for an option that the element does not offer."""
    kind = str(element["type"])
    made: Json = {"action_id": element["action_id"], "block_id": block["block_id"], "type": kind, "action_ts": stamp}
    if kind == "button":
        shown = {name: element[name] for name in ("text", "style", "confirm", "url") if name in element}
        chosen = element.get("value") if value is None else value
        return made | shown | ({} if chosen is None else {"value": str(chosen)})
    kept = {name: element[name] for name in ("placeholder", "confirm") if name in element}
    return made | kept | {name: held for name, held in entered(element, value).items() if name != "type"}


def stale(action_id: str, value: str, stamp: str) -> Json:
    """A button that a client still shows although the message has none any more."""
    return {
        "action_id": action_id,
        "block_id": "stale",
        "type": "button",
        "text": {"type": "plain_text", "text": action_id, "emoji": True},
        "value": value,
        "action_ts": stamp,
    }


def entered(element: Json, value: Any) -> Json:
    """An entry of "state.values"; `value` is what a person typed or chose, None for what was there at first."""
    kind = str(element["type"])
    whole = as_object(value)
    if whole is not None and "type" in whole:
        return whole
    if kind in ONE:
        chosen = element.get("initial_option") if value is None else option(element, value)
        return {"type": kind, "selected_option": chosen}
    if kind in MANY:
        many = as_list(value) or [value]
        chosen = element.get("initial_options", []) if value is None else [option(element, one) for one in many]
        return {"type": kind, "selected_options": chosen}
    if kind in PLAIN:
        first = element.get(PLAIN[kind].replace("selected", "initial"))
        return {"type": kind, PLAIN[kind]: first if value is None else value}
    typed = element.get("initial_value") if value is None else str(value)
    return {"type": kind, "value": typed or None}


def option(element: Json, value: Any) -> Json:
    """The option with this value, or the option itself where it was looked up before. Raises Impossible."""
    whole = as_object(value)
    if whole is not None and "value" in whole:
        return whole
    groups: list[Json] = element.get("option_groups") or [{"options": element.get("options", [])}]
    offered = [one for group in groups for one in group["options"]]
    for one in offered:
        if value in (one["value"], one["text"]["text"]):
            return one
    names = ", ".join(str(one["value"]) for one in offered[:10]) or "nothing yet"
    raise Impossible(f"“{element['action_id']}” does not offer {value!r}; it offers {names}.")


def state(view: Json, values: Json) -> Json:
    """A view's "state.values" from {block_id: {action_id: value}}, {block_id: value} or {action_id: value}."""
    made: Json = {}
    for block in view["blocks"]:
        for element in elements_of(block):
            if element["type"] in ("button", "overflow"):
                continue
            typed = given(values, str(block["block_id"]), str(element["action_id"]))
            made.setdefault(block["block_id"], {})[element["action_id"]] = entered(element, typed)
    return made


def given(values: Json, block_id: str, action_id: str) -> Any:
    """What a script gave for one element, in whichever of the forms that `state` takes; None for nothing."""
    held: object = values.get(block_id, values.get(action_id))
    fields = as_object(held)
    return fields[action_id] if fields is not None and action_id in fields else held


def missing(view: Json, values: Json) -> dict[str, str]:
    """What Slack's own client complains of before it sends a view: block id -> sentence."""
    faults: dict[str, str] = {}
    for block in view["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        held = values[block["block_id"]][element["action_id"]]
        content = next((value for name, value in held.items() if name != "type"), None)
        if not content and not block.get("optional"):
            faults[block["block_id"]] = "Please complete this required field."
        elif isinstance(content, str) and content:
            length, least, most = len(content), element.get("min_length", 0), element.get("max_length", 3000)
            if not least <= length <= most:
                faults[block["block_id"]] = f"This has to have {least} to {most} characters; it has {length}."
    return faults
