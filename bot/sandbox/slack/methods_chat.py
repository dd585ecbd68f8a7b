"""The chat.* methods and reactions.add: what the app says, changes and takes back."""

from __future__ import annotations

import re
from typing import Any, cast

from bot.sandbox.slack import people
from bot.sandbox.slack.blocks import checked
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace

TEXT_MOST = 4000
WRITE = ("chat:write",)


def bot_message(text: str, blocks: list[Json]) -> Json:
    """The fields of a message by the app's bot."""
    return {
        "user": people.BOT_USER,
        "bot_id": people.BOT,
        "app_id": people.APP,
        "team": people.TEAM,
        "text": text,
        "bot_profile": {"id": people.BOT, "app_id": people.APP, "name": "CHOM", "deleted": False},
        **({"blocks": blocks} if blocks else {}),
    }


def content(args: Args) -> tuple[str, list[Json]]:
    """(text, blocks) of a message. Raises no_text, msg_too_long, invalid_blocks_format or invalid_blocks."""
    text = args.text("text")
    blocks = args.listed("blocks", "invalid_blocks_format")
    if not text and not blocks and not args.listed("attachments", "invalid_attachments"):
        raise SlackError("no_text")
    if len(text) > TEXT_MOST:
        raise SlackError("msg_too_long")
    return text, checked(blocks)


def _metadata(args: Args) -> Json:
    given = args.parsed("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return {}
    fields = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    kind, payload = fields.get("event_type"), fields.get("event_payload")
    if not isinstance(kind, str) or not re.fullmatch(r"[A-Za-z0-9_\-:]{1,255}", kind) or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_format")
    return {"metadata": {"event_type": kind, "event_payload": payload}}


def post_message(ws: Workspace, args: Args) -> Json:
    """chat.postMessage."""
    channel = ws.channel(args.text("channel"))
    said = bot_message(*content(args)) | _metadata(args)
    if any(args.has(name) for name in ("username", "icon_url", "icon_emoji")):
        raise SlackError("missing_scope", needed="chat:write.customize", provided=",".join(ws.scopes))
    parent = _parent(ws, channel, args.text("thread_ts"))
    ws.limits.post(channel)
    if parent:
        said["thread_ts"] = parent
        if args.flag("reply_broadcast"):
            said["subtype"] = "thread_broadcast"
    posted = ws.memory.post(channel, said)
    return {"channel": channel, "ts": posted["ts"], "message": posted}


def _parent(ws: Workspace, channel: str, ts: str) -> str:
    if not ts:
        return ""
    found = ws.memory.find(channel, ts)
    if found is None:
        raise SlackError("thread_not_found")
    return str(found.get("thread_ts", ts))


def update(ws: Workspace, args: Args) -> Json:
    """chat.update; text without blocks takes the blocks away."""
    channel = ws.channel(args.text("channel"))
    message = _own(ws, channel, args.need("ts"), "cant_update_message")
    text, blocks = content(args)
    message.update(text=text, edited={"user": people.BOT_USER, "ts": ws.memory.stamp()}, **_metadata(args))
    if blocks:
        message["blocks"] = blocks
    else:
        message.pop("blocks", None)
    ws.memory.touch()
    return {"channel": channel, "ts": message["ts"], "text": text, "message": message}


def delete(ws: Workspace, args: Args) -> Json:
    """chat.delete."""
    channel = ws.channel(args.text("channel"))
    message = _own(ws, channel, args.need("ts"), "cant_delete_message")
    ws.memory.remove(ws.memory.conversation(channel), message)
    return {"channel": channel, "ts": message["ts"]}


def _own(ws: Workspace, channel: str, ts: str, error: str) -> Json:
    message = ws.memory.find(channel, ts)
    if message is None:
        raise SlackError("message_not_found")
    if message.get("bot_id") != people.BOT:
        raise SlackError(error)
    return message


def post_ephemeral(ws: Workspace, args: Args) -> Json:
    """chat.postEphemeral."""
    channel = ws.channel(args.text("channel"))
    to = people.BY_ID.get(args.need("user"))
    if to is None:
        raise SlackError("user_not_in_channel")
    said = bot_message(*content(args))
    parent = _parent(ws, channel, args.text("thread_ts"))
    shown = ws.memory.whisper(to.name, channel, said | ({"thread_ts": parent} if parent else {}))
    return {"message_ts": shown["ts"]}


def permalink(ws: Workspace, args: Args) -> Json:
    """chat.getPermalink."""
    channel, ts = ws.channel(args.text("channel")), args.need("message_ts")
    message = ws.memory.find(channel, ts)
    if message is None:
        raise SlackError("message_not_found")
    link = f"{ws.address}/archives/{channel}/p{ts.replace('.', '')}"
    parent = message.get("thread_ts", ts)
    if parent != ts:
        link += f"?thread_ts={parent}&cid={channel}"
    return {"channel": channel, "permalink": link}


def add_reaction(ws: Workspace, args: Args) -> Json:
    """reactions.add."""
    message = ws.memory.find(ws.channel(args.text("channel")), args.need("timestamp"))
    if message is None:
        raise SlackError("message_not_found")
    name = args.need("name")
    found: list[Json] = message.setdefault("reactions", [])
    if any(reaction["name"] == name for reaction in found):
        raise SlackError("already_reacted")
    found.append({"name": name, "users": [people.BOT_USER], "count": 1})
    ws.memory.touch()
    return {}


METHODS = (
    Method("chat.postMessage", post_message, scopes=WRITE),
    Method("chat.update", update, scopes=WRITE, tier=Tier.THREE),
    Method("chat.delete", delete, scopes=WRITE, tier=Tier.THREE),
    Method("chat.postEphemeral", post_ephemeral, scopes=WRITE, tier=Tier.FOUR),
    Method("chat.getPermalink", permalink, json=False),
    Method("reactions.add", add_reaction, scopes=("reactions:write",), tier=Tier.THREE),
)
