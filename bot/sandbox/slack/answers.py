"""What an app says back: in its acknowledgement, at a response address, and to a submitted view."""

from __future__ import annotations

import json
import logging
from typing import cast

from aiohttp import web

from bot.sandbox.slack.blocks import checked_view
from bot.sandbox.slack.calls import Args
from bot.sandbox.slack.errors import Json, SlackError, as_object
from bot.sandbox.slack.methods_chat import bot_message, content
from bot.sandbox.slack.methods_views import change_view, close_views, push_view
from bot.sandbox.slack.tickets import Origin
from bot.sandbox.slack.workspace import Workspace

logger = logging.getLogger(__name__)


async def receive_hook(ws: Workspace, request: web.Request) -> web.Response:
    """A POST to a response address."""
    try:
        body: object = await request.json()
    except ValueError:
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    if not isinstance(body, dict):
        return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
    try:
        origin = ws.tickets.spend_hook(request.match_info["token"])
    except SlackError as gone:
        return web.json_response(gone.body(), status=404)
    try:
        show_answer(ws, origin, cast("Json", body))
    except SlackError as refused:
        return web.json_response(refused.body(), status=400)
    return web.Response(text="ok")


def show_answer(ws: Workspace, origin: Origin, payload: Json) -> None:
    """Say, replace or take away what the payload asks for. Raises SlackError for what Slack would refuse."""
    args = Args(payload)
    own = ws.memory.ephemerals.setdefault(origin.person, [])
    original = (
        ws.memory.find_ephemeral(origin.person, origin.ts)
        if origin.ephemeral
        else ws.memory.find(origin.channel, origin.ts)
    )
    if args.flag("delete_original"):
        if original is not None:
            if origin.ephemeral:
                own.remove(original)
                ws.memory.touch()
            else:
                ws.memory.remove(origin.channel, original)
        return
    text, blocks = content(args)
    if args.flag("replace_original") and original is not None:
        original.pop("blocks", None)
        original.update(text=text, **({"blocks": blocks} if blocks else {}))
        ws.memory.touch()
        return
    said = bot_message(ws, text, blocks)
    thread = args.text("thread_ts") or origin.thread_ts
    if thread:
        said["thread_ts"] = thread
    if args.text("response_type") == "in_channel":
        ws.memory.post(origin.channel, said)
    else:
        ws.memory.whisper(origin.person, origin.channel, said)


def to_view(ws: Workspace, view: Json, payload: Json) -> bool:
    """What becomes of a submitted view: errors at its fields, another view, or its end; False for no such answer."""
    if not payload:
        del ws.memory.views[view["id"]]
        ws.memory.touch()
        return True
    try:
        match payload.get("response_action"):
            case "errors":
                view["errors"] = _errors(view, payload.get("errors"))
                ws.memory.touch()
            case "update":
                change_view(ws, view, _modal(payload))
            case "push":
                push_view(ws, view, _modal(payload))
            case "clear":
                close_views(ws, view["root_view_id"])
            case other:
                raise SlackError(f"response_action cannot be {other!r}")
    except SlackError as refused:
        logger.warning("Slack refuses the answer to a submitted view: %s", json.dumps(refused.body()))
        return False
    return True


def _modal(payload: Json) -> Json:
    view = checked_view(payload.get("view"))
    if view["type"] != "modal":
        raise SlackError("the view is no modal")
    return view


def _errors(view: Json, given: object) -> dict[str, str]:
    """Sentences by block id. Raises SlackError for none, and for those at blocks that take no input in this view."""
    inputs = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
    errors = as_object(given) or {}
    strange = [
        id for id, sentence in errors.items() if id not in inputs or not isinstance(sentence, str) or not sentence
    ]
    if strange or not errors:
        raise SlackError(f"errors belong to the view's inputs ({', '.join(sorted(inputs))}), not {strange}")
    return errors
