"""The conversations.* methods: what a conversation is, and what was said in it, page by page."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.sandbox.slack import objects, people
from bot.sandbox.slack.calls import Args, Method, page
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace

_TS = re.compile(r"\d{1,12}(\.\d{1,6})?")


def info(ws: Workspace, args: Args) -> Json:
    """conversations.info."""
    id = _allowed(ws, args.text("channel"), "read")
    return {"channel": objects.conversation(id, members=args.flag("include_num_members"))}


def listed(ws: Workspace, args: Args) -> Json:
    """conversations.list of public channels."""
    return page(args, "channels", [objects.conversation(people.CHANNEL)], "id", 100, 999)


def members(ws: Workspace, args: Args) -> Json:
    """conversations.members."""
    id = _allowed(ws, args.text("channel"), "read")
    here = [{"id": who.id} for who in people.BY_ID.values() if id in (people.CHANNEL, who.direct)]
    found = page(args, "members", [*here, {"id": people.BOT_USER}], "id", 100, 999)
    return found | {"members": [one["id"] for one in found["members"]]}


def _known(ws: Workspace, id: str) -> str:
    """A conversation's id; a name is none. Raises channel_not_found."""
    ws.memory.conversation(id)
    return id


def _allowed(ws: Workspace, id: str, what: str) -> str:
    """A conversation of whose kind the app may read that. Raises channel_not_found or missing_scope."""
    scope = f"{'channels' if _known(ws, id) == people.CHANNEL else 'im'}:{what}"
    if scope not in ws.scopes:
        raise SlackError("missing_scope", needed=scope, provided=",".join(ws.scopes))
    return id


def _moment(args: Args, name: str) -> tuple[int, int] | None:
    """Seconds and microseconds, None where it was not given. Raises invalid_ts_oldest or invalid_ts_latest."""
    given = args.text(name)
    if given in ("", "now"):
        return None
    if not _TS.fullmatch(given):
        raise SlackError(f"invalid_ts_{name}")
    return _exact(given)


def _exact(ts: str) -> tuple[int, int]:
    seconds, _, micro = ts.partition(".")
    return int(seconds), int(micro.ljust(6, "0") or 0)


def _seen(ws: Workspace, args: Args, wanted: Callable[[Json], bool]) -> list[Json]:
    oldest, latest = _moment(args, "oldest"), _moment(args, "latest")
    inclusive = args.flag("inclusive")
    hidden = () if args.flag("include_all_metadata") else ("metadata",)
    found: list[Json] = []
    for message in ws.memory.conversation(_allowed(ws, args.text("channel"), "history")):
        at = _exact(message["ts"])
        edge = at in (oldest, latest)
        inside = (oldest is None or at > oldest) and (latest is None or at < latest)
        if (inclusive if edge else inside) and wanted(message):
            found.append({name: value for name, value in message.items() if name not in hidden})
    return found


def history(ws: Workspace, args: Args) -> Json:
    """conversations.history: newest first, without the replies that were not sent to the channel too."""
    found = _seen(ws, args, lambda m: m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype") == "thread_broadcast")
    return _turned(page(args, "messages", found[::-1], "ts", 100, 999)) | {"pin_count": 0}


def replies(ws: Workspace, args: Args) -> Json:
    """conversations.replies: a thread, oldest first; by any message of it."""
    known = ws.memory.find(_allowed(ws, args.text("channel"), "history"), args.text("ts"))
    if known is None:
        raise SlackError("thread_not_found")
    parent = known.get("thread_ts", known["ts"])
    found = _seen(ws, args, lambda m: parent in (m["ts"], m.get("thread_ts")))
    return _turned(page(args, "messages", found, "ts", 1000, 1000))


def _turned(found: Json) -> Json:
    """A page of messages says whether there are more, and only then names a cursor."""
    more = bool(found["response_metadata"]["next_cursor"])
    kept = found if more else {name: value for name, value in found.items() if name != "response_metadata"}
    return kept | {"has_more": more}


def opened(ws: Workspace, args: Args) -> Json:
    """conversations.open with one person, by user or by conversation."""
    if not args.has("users") and not args.has("channel"):
        raise SlackError("users_list_not_supplied")
    if args.has("channel"):
        id = _known(ws, args.text("channel"))
        if id == people.CHANNEL:
            raise SlackError("method_not_supported_for_channel_type")
    else:
        found = people.BY_ID.get(args.text("users"))
        if found is None:
            raise SlackError("user_not_found")
        if found.standing is people.Standing.GONE:
            raise SlackError("user_disabled")
        id = found.direct
    shown = objects.conversation(id) if args.flag("return_im") else {"id": id}
    return {"channel": shown, "no_op": True, "already_open": True}


KINDS = ("channels", "groups", "mpim", "im")
READ, HISTORY = tuple(f"{kind}:read" for kind in KINDS), tuple(f"{kind}:history" for kind in KINDS)
METHODS = (
    Method("conversations.info", info, scopes=READ, tier=Tier.THREE, json=False),
    Method("conversations.list", listed, scopes=READ, tier=Tier.TWO, json=False),
    Method("conversations.members", members, scopes=READ, tier=Tier.FOUR, json=False),
    Method("conversations.history", history, scopes=HISTORY, tier=Tier.THREE, json=False),
    Method("conversations.replies", replies, scopes=HISTORY, tier=Tier.THREE, json=False),
    Method("conversations.open", opened, scopes=("im:write",), tier=Tier.THREE),
)
