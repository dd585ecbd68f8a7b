"""Uploading a file the way Slack wants it now: ask for an address, send the bytes, share it."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web

from bot.sandbox.slack import people
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.methods_chat import bot_message
from bot.sandbox.slack.state import StoredFile
from bot.sandbox.slack.workspace import Workspace

FILE_MOST = 8 * 1024 * 1024
"""Bytes; a sandbox keeps files in memory."""


def upload_address(ws: Workspace, args: Args) -> Json:
    """files.getUploadURLExternal."""
    length = args.whole("length", 0, FILE_MOST)
    file = StoredFile(ws.memory.id("F"), args.need("filename"), length)
    ws.memory.files[file.id] = file
    return {"upload_url": f"{ws.address}/upload/v1/{file.id}", "file_id": file.id}


def complete(ws: Workspace, args: Args) -> Json:
    """files.completeUploadExternal: the files become one message where a channel is named."""
    shared: list[StoredFile] = []
    for entry in args.listed("files", "invalid_arguments"):
        fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        file = ws.memory.files.get(str(fields.get("id")))
        if file is None or file.content is None:
            raise SlackError("file_not_found")
        file.title = str(fields.get("title") or file.name)
        shared.append(file)
    if not shared:
        raise invalid_arguments("missing required field: files")
    described = [describe(ws, file) for file in shared]
    channel = args.text("channel_id") or args.text("channels").split(",")[0]
    if channel:
        _share(ws, channel, args, described)
    for file in shared:
        file.shared = True
    return {"files": described}


def _share(ws: Workspace, channel: str, args: Args, described: list[Json]) -> None:
    said = bot_message(args.text("initial_comment"), []) | {"files": described, "subtype": "file_share"}
    if args.text("thread_ts"):
        if ws.memory.find(channel, args.text("thread_ts")) is None:
            raise SlackError("thread_not_found")
        said["thread_ts"] = args.text("thread_ts")
    ws.memory.post(ws.channel(channel), said)


def describe(ws: Workspace, file: StoredFile) -> Json:
    """Slack's file object."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": "text/plain",
        "filetype": "text",
        "user": people.BOT_USER,
        "size": file.length,
        "mode": "hosted",
        "url_private": f"{ws.address}/files/{file.id}",
        "permalink": f"{ws.address}/files/{file.id}",
    }


async def receive(ws: Workspace, request: web.Request) -> web.Response:
    """The raw POST of a file's bytes; no Authorization is asked for."""
    file = ws.memory.files.get(request.match_info["file"])
    if file is None or file.content is not None:
        return web.Response(status=404, text="no_such_upload")
    body = await request.read()
    if len(body) != file.length:
        return web.Response(status=400, text=f"expected {file.length} bytes, got {len(body)}")
    file.content = body
    return web.Response(text=f"OK - {len(body)}")


async def show(ws: Workspace, request: web.Request) -> web.Response:
    """A shared file, as plain text whatever it claims to be."""
    file = ws.memory.files.get(request.match_info["file"])
    if file is None or file.content is None or not file.shared:
        raise web.HTTPNotFound(text="There is no such file.")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    return web.Response(body=file.content, content_type="text/plain", charset="utf-8", headers=headers)


METHODS = (
    Method("files.getUploadURLExternal", upload_address, scopes=("files:write",), tier=Tier.FOUR, json=False),
    Method("files.completeUploadExternal", complete, scopes=("files:write",), tier=Tier.FOUR),
)
