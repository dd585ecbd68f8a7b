"""Uploading a file the way Slack wants it now: ask for an address, send the bytes, share it."""

from __future__ import annotations

from typing import Any, cast

from aiohttp import web
from aiohttp.web_request import FileField

from bot.sandbox.slack import people
from bot.sandbox.slack.blocks import checked
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError, invalid_arguments
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.methods_chat import bot_message, thread_of
from bot.sandbox.slack.state import StoredFile
from bot.sandbox.slack.workspace import Workspace

FILE_MOST = 8 * 1024 * 1024
"""Bytes; a sandbox keeps files in memory."""
SNIPPET_MOST = 1_000_000
SNIPPETS = {"text", "diff", "shell", "json", "yaml", "python", "php", "markdown", "sql", "xml", "javascript"}
ALT_MOST = 1000
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
"""How a PNG begins; its width and height follow, four bytes each."""
CHANNELS_MOST = 100


def upload_address(ws: Workspace, args: Args) -> Json:
    """files.getUploadURLExternal."""
    name, length = args.text("filename"), args.text("length")
    if not name or not length.isdecimal() or int(length) == 0:
        raise SlackError("missing_argument")
    snippet = args.text("snippet_type")
    if snippet and snippet not in SNIPPETS:
        raise SlackError("unknown_snippet_type")
    if snippet and int(length) > SNIPPET_MOST:
        raise SlackError("snippet_too_large")
    if int(length) > FILE_MOST:
        raise SlackError("file_upload_size_restricted")
    if len(args.text("alt_txt")) > ALT_MOST:
        raise SlackError("alt_txt_too_large")
    file = StoredFile(
        ws.memory.id("F"), name, int(length), int(ws.memory.now()), snippet=snippet, alt=args.text("alt_txt")
    )
    ws.memory.files[file.id] = file
    return {"upload_url": f"{ws.address}/upload/v1/{file.id}", "file_id": file.id}


def complete(ws: Workspace, args: Args) -> Json:
    """files.completeUploadExternal: the files become one message in every channel that is named."""
    found: list[StoredFile] = []
    for entry in args.listed("files", "invalid_arguments"):
        fields = cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}
        file = ws.memory.files.get(str(fields.get("id")))
        if file is None or file.content is None or file.done:
            raise SlackError("file_not_found")
        file.title = str(fields.get("title") or file.name)
        found.append(file)
    if not found:
        raise invalid_arguments("missing required field: files")
    where = [id for id in (args.text("channel_id") or args.text("channels")).split(",") if id]
    if len(where) > CHANNELS_MOST:
        raise SlackError("channels_limit_exceeded")
    said = [_said(ws, id, args) for id in where]
    for id, message in zip(where, said, strict=True):
        posted = ws.memory.post(id, message)
        for file in found:
            file.shares.setdefault(id, []).append(posted)
        posted["files"] = [describe(ws, file) for file in found]
    for file in found:
        file.done = True
    return {"files": [describe(ws, file) for file in found]}


def _said(ws: Workspace, id: str, args: Args) -> Json:
    """The message that shares files there, before it is posted. Raises channel_not_found or thread_not_found."""
    if id not in ws.memory.channels:
        raise SlackError("channel_not_found")
    text = args.text("initial_comment")
    blocks = [] if text else checked(args.listed("blocks", "invalid_blocks"))
    said = bot_message(ws, text, blocks) | {"upload": True, "display_as_bot": False}
    return said | thread_of(ws, id, args.text("thread_ts"))


def describe(ws: Workspace, file: StoredFile) -> Json:
    """Slack's file object."""
    link = f"{ws.address}/files/{file.id}"
    shared = {id: [_share(message) for message in messages] for id, messages in file.shares.items()}
    public = {id: shares for id, shares in shared.items() if id == people.CHANNEL}
    direct = {id: shares for id, shares in shared.items() if id != people.CHANNEL}
    return {
        "id": file.id,
        "created": file.created,
        "timestamp": file.created,
        "name": file.name,
        "title": file.title,
        **(_as_picture(file, link) if is_picture(file) else _as_text(file)),
        "user": people.BOT_USER,
        "user_team": people.TEAM,
        "editable": bool(file.snippet),
        "size": file.length,
        "mode": "snippet" if file.snippet else "hosted",
        "is_external": False,
        "external_type": "",
        "is_public": bool(public),
        "public_url_shared": False,
        "display_as_bot": False,
        "username": "",
        "url_private": link,
        "url_private_download": link,
        "permalink": link,
        "permalink_public": link,
        **({"edit_link": link} if file.snippet else {}),
        "comments_count": 0,
        "is_starred": False,
        "shares": ({"public": public} if public else {}) | ({"private": direct} if direct else {}),
        "channels": list(public),
        "groups": [],
        "ims": list(direct),
        "has_more_shares": False,
        "has_rich_preview": False,
        "file_access": "visible",
    }


def is_picture(file: StoredFile) -> bool:
    """Whether its bytes are a PNG's, whatever it is called; a snippet is text."""
    return not file.snippet and (file.content or b"")[:16] == PNG


def _as_picture(file: StoredFile, link: str) -> Json:
    """The real one has thumbnails of several sizes; here they are all the picture itself."""
    content = file.content or b""
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    scaled = min(1.0, 360 / max(width, height, 1))
    return {
        "mimetype": "image/png",
        "filetype": "png",
        "pretty_type": "PNG",
        "thumb_360": link,
        "thumb_360_w": round(width * scaled),
        "thumb_360_h": round(height * scaled),
        "original_w": width,
        "original_h": height,
        **({"alt_txt": file.alt} if file.alt else {}),
    }


def _as_text(file: StoredFile) -> Json:
    text = (file.content or b"").decode("utf-8", "replace")
    lines = text.count("\n") + 1
    return {
        "mimetype": "text/plain",
        "filetype": file.snippet or "text",
        "pretty_type": "Plain Text",
        "preview": "\n".join(text.splitlines()[:5]),
        "lines": lines,
        "lines_more": max(0, lines - 5),
        "preview_is_truncated": lines > 5,
    }


def _share(message: Json) -> Json:
    return {
        "reply_users": [],
        "reply_users_count": 0,
        "reply_count": 0,
        "ts": message["ts"],
        **({"thread_ts": message["thread_ts"]} if "thread_ts" in message else {}),
        "channel_name": people.CHANNEL_NAME,
        "team_id": people.TEAM,
        "share_user_id": people.BOT_USER,
        "source": "UNKNOWN",
        "is_silent_share": False,
    }


def info(ws: Workspace, args: Args) -> Json:
    """files.info."""
    file = ws.memory.files.get(args.text("file"))
    if file is None or not file.done:
        raise SlackError("file_not_found")
    return {"file": describe(ws, file), "comments": [], "response_metadata": {"next_cursor": ""}}


async def receive(ws: Workspace, request: web.Request) -> web.Response:
    """The raw POST of a file's bytes, or a form with them; no Authorization is asked for."""
    file = ws.memory.files.get(request.match_info["file"])
    if file is None or file.content is not None:
        return web.Response(status=404, text="no_such_upload")
    if request.content_type == "multipart/form-data":
        form = await request.post()
        body = b"".join(value.file.read() for value in form.values() if isinstance(value, FileField))
    else:
        body = await request.read()
    if len(body) != file.length:
        return web.Response(status=400, text=f"expected {file.length} bytes, got {len(body)}")
    file.content = body
    return web.Response(text=f"OK - {len(body)}")


async def show(ws: Workspace, request: web.Request) -> web.Response:
    """A shared file: a picture, or else plain text whatever it claims to be."""
    file = ws.memory.files.get(request.match_info["file"])
    if file is None or file.content is None or not file.done:
        raise web.HTTPNotFound(text="There is no such file.")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
    if is_picture(file):
        return web.Response(body=file.content, content_type="image/png", headers=headers)
    return web.Response(body=file.content, content_type="text/plain", charset="utf-8", headers=headers)


METHODS = (
    Method("files.getUploadURLExternal", upload_address, scopes=("files:write",), tier=Tier.FOUR, json=False),
    Method("files.completeUploadExternal", complete, scopes=("files:write",), tier=Tier.FOUR),
    Method("files.info", info, scopes=("files:read",), tier=Tier.FOUR, json=False),
)
