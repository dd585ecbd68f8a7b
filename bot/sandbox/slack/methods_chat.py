"""The chat.* methods and reactions.add: what the app says, changes and takes back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast

from bot.sandbox.slack import people
from bot.sandbox.slack.blocks import checked
from bot.sandbox.slack.calls import Args, Method
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.objects import icons
from bot.sandbox.slack.people import Standing
from bot.sandbox.slack.workspace import Workspace

UPDATE_MOST = 4000
"""Characters of text that chat.update and chat.postEphemeral take."""
POST_MOST = 40_000
"""Characters of text after which chat.postMessage cuts."""
BLOCKS_MOST = 11_000
"""Characters of text in all blocks of a message."""
MARKDOWN_MOST = 12_000
METADATA_MOST = 16_384
"""Bytes of metadata as JSON."""
UNTOLD = "This content can't be displayed."
"""Slack's text of a message that came with blocks alone."""
WRITE = ("chat:write",)


def bot_message(ws: Workspace, text: str, blocks: list[Json]) -> Json:
    """The fields of a message by the app's bot."""
    return {
        "user": people.BOT_USER,
        "bot_id": people.BOT,
        "app_id": people.APP,
        "team": people.TEAM,
        "text": text,
        "bot_profile": {
            "id": people.BOT,
            "deleted": False,
            "name": "CHOM",
            "updated": people.CREATED,
            "app_id": people.APP,
            "user_id": people.BOT_USER,
            "icons": icons(ws),
            "team_id": people.TEAM,
        },
        **({"blocks": blocks} if blocks else {}),
    }


def content(args: Args, most: int = UPDATE_MOST) -> tuple[str, list[Json]]:
    """(text, blocks) of a message.

    Raises no_text, msg_too_long, markdown_text_conflict, invalid_blocks_format, invalid_blocks, msg_blocks_too_long.
    """
    text, markdown = args.text("text"), args.text("markdown_text")
    blocks = args.listed("blocks", "invalid_blocks_format")
    if markdown:
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        if len(markdown) > MARKDOWN_MOST:
            raise SlackError("msg_too_long")
        text, blocks = markdown[:most], [{"type": "markdown", "text": markdown}]
    if not text and not blocks and not args.listed("attachments", "invalid_attachments"):
        raise SlackError("no_text")
    if len(text) > most:
        raise SlackError("msg_too_long")
    kept = checked(blocks)
    if sum(len(words) for words in _words(kept)) > BLOCKS_MOST and not markdown:
        raise SlackError("msg_blocks_too_long")
    return text or UNTOLD, kept


def _words(held: Any) -> Iterator[str]:
    """Every text in the blocks."""
    if isinstance(held, dict):
        for name, value in cast("Json", held).items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _words(value)
    elif isinstance(held, list):
        for value in cast("list[Any]", held):
            yield from _words(value)


def _metadata(args: Args) -> Json | None:
    """The metadata that was given, {} to take it away, None to leave it."""
    given = args.parsed("metadata", "invalid_metadata_format")
    if given is None or given == {}:
        return given
    fields = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    kind, payload = fields.get("event_type"), fields.get("event_payload")
    if not isinstance(kind, str) or not re.fullmatch(r"[A-Za-z0-9_\-:]{1,255}", kind) or not isinstance(payload, dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(given).encode()) > METADATA_MOST:
        raise SlackError("metadata_too_large")
    return {"event_type": kind, "event_payload": payload}


def post_message(ws: Workspace, args: Args) -> Json:
    """chat.postMessage."""
    channel = ws.channel(args.text("channel"))
    text = args.text("text")
    said = bot_message(ws, *content(Args(args.raw | {"text": text[:POST_MOST]}), POST_MOST))
    metadata = _metadata(args)
    if metadata:
        said["metadata"] = metadata
    if any(args.has(name) for name in ("username", "icon_url", "icon_emoji")):
        raise SlackError("missing_scope", needed="chat:write.customize", provided=",".join(ws.scopes))
    parent = thread_of(ws, channel, args.text("thread_ts"))
    ws.limits.post(channel)
    if parent:
        said |= parent
        if args.flag("reply_broadcast"):
            said["subtype"] = "thread_broadcast"
    posted = ws.memory.post(channel, said)
    return {"channel": channel, "ts": posted["ts"], "message": posted}


def thread_of(ws: Workspace, channel: str, ts: str) -> Json:
    """What makes a message a reply, {} without a ts. Raises thread_not_found."""
    if not ts:
        return {}
    found = ws.memory.find(channel, ts)
    if found is None:
        raise SlackError("thread_not_found")
    root = ws.memory.find(channel, str(found.get("thread_ts", ts))) or found
    return {"thread_ts": root["ts"], "parent_user_id": root["user"]}


def update(ws: Workspace, args: Args) -> Json:
    """chat.update; text without blocks takes the blocks away, and only then is the message called edited."""
    channel = _id(ws, args)
    message = _own(ws, channel, args.need("ts"), "cant_update_message")
    text, blocks = content(args)
    metadata = _metadata(args)
    message["text"] = text
    if blocks:
        message["blocks"] = blocks
    else:
        message.pop("blocks", None)
        message["edited"] = {"user": people.BOT_USER, "ts": ws.memory.stamp()}
    if metadata:
        message["metadata"] = metadata
    elif metadata is not None:
        message.pop("metadata", None)
    ws.memory.touch()
    return {"channel": channel, "ts": message["ts"], "text": text, "message": message}


def delete(ws: Workspace, args: Args) -> Json:
    """chat.delete."""
    channel = _id(ws, args)
    message = _own(ws, channel, args.need("ts"), "cant_delete_message")
    ws.memory.remove(channel, message)
    return {"channel": channel, "ts": message["ts"]}


def _id(ws: Workspace, args: Args) -> str:
    """A conversation by its id alone. Raises channel_not_found."""
    ws.memory.conversation(args.text("channel"))
    return args.text("channel")


def _own(ws: Workspace, channel: str, ts: str, error: str) -> Json:
    message = ws.memory.find(channel, ts)
    if message is None or message.get("subtype") == "tombstone":
        raise SlackError("message_not_found")
    if message.get("bot_id") != people.BOT:
        raise SlackError(error)
    return message


def post_ephemeral(ws: Workspace, args: Args) -> Json:
    """chat.postEphemeral."""
    channel = ws.channel(args.text("channel"))
    to = people.BY_ID.get(args.need("user"))
    if to is None or to.standing is Standing.GONE or channel not in (people.CHANNEL, to.direct):
        raise SlackError("user_not_in_channel")
    said = bot_message(ws, *content(args))
    shown = ws.memory.whisper(to.name, channel, said | thread_of(ws, channel, args.text("thread_ts")))
    return {"message_ts": shown["ts"]}


def permalink(ws: Workspace, args: Args) -> Json:
    """chat.getPermalink."""
    channel, ts = _id(ws, args), args.need("message_ts")
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
    message = ws.memory.find(_id(ws, args), args.need("timestamp"))
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
