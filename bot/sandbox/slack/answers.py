"""What an app says back: in its acknowledgement, at a response address, and to a submitted view."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from bot.sandbox.slack.blocks import checked_view
from bot.sandbox.slack.calls import Args
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.methods_chat import bot_message, content
from bot.sandbox.slack.methods_views import change_view, close_views, push_view
from bot.sandbox.slack.tickets import Origin
from bot.sandbox.slack.workspace import Workspace


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


def to_view(ws: Workspace, view: Json, payload: Json) -> None:
    """What becomes of a submitted view: errors at its fields, another view, or its end."""
    action = payload.get("response_action")
    try:
        match action:
            case "errors":
                view["errors"] = {str(k): str(v) for k, v in cast("Json", payload.get("errors") or {}).items()}
                ws.memory.touch()
            case "update":
                change_view(ws, view, checked_view(payload.get("view")))
            case "push":
                push_view(ws, view, checked_view(payload.get("view")))
            case "clear":
                close_views(ws, view["root_view_id"])
            case _:
                del ws.memory.views[view["id"]]
                ws.memory.touch()
    except SlackError as refused:
        view["errors"] = {"": f"We had some trouble connecting. Try again? ({refused.error})"}
        ws.memory.touch()
