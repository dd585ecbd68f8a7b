"""blocks.validate: what Slack would say of blocks, a message or a view, without sending anything."""

from __future__ import annotations

from typing import Any, cast

from bot.sandbox.slack.blocks import Surface, faults_of, faults_of_view
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError, as_object
from bot.sandbox.slack.shape import Code, Fault
from bot.sandbox.slack.workspace import Workspace

KINDS = ("blocks", "message", "view")


def validate(ws: Workspace, args: Args) -> Json:
    """blocks.validate: exactly one of the three; only the faults themselves, not what they make of the whole."""
    given = [kind for kind in KINDS if args.has(kind)]
    if len(given) != 1:
        said = "must provide exactly one of `blocks`, `view`, or `message`"
        raise SlackError("invalid_arguments", response_metadata={"messages": [said]})
    kind = given[0]
    found = _faults(kind, args.parsed(kind, "invalid_arguments"))
    faults = [fault for fault in found if fault.constraint != "all_of"]
    if faults:
        below = "/blocks" if kind == "blocks" else ""
        raise SlackError(f"invalid_{kind}", errors=[fault.body(below) for fault in faults])
    return {}


def _faults(kind: str, held: Any) -> list[Fault]:
    if kind == "view":
        return faults_of_view(held, "")
    blocks = held
    if kind == "message":
        fields = as_object(held)
        if fields is None:
            return [Fault("must provide an object", "", Code.TYPE)]
        blocks = fields.get("blocks", [])
    return faults_of(cast("list[Any]", blocks), Surface.MESSAGE)


METHODS = (Method("blocks.validate", validate),)
