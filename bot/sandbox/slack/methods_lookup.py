"""The methods that only look: who, which group, which channel, which team; and apps.connections.open's neighbours."""

from __future__ import annotations

from collections.abc import Callable

from bot.sandbox.slack import people
from bot.sandbox.slack.calls import Args, Kind, Method
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace

END = {"response_metadata": {"next_cursor": ""}}


def auth_test(ws: Workspace, args: Args) -> Json:
    """auth.test."""
    return {
        "url": f"{ws.address}/",
        "team": people.TEAM_NAME,
        "user": people.BOT_NAME,
        "team_id": people.TEAM,
        "user_id": people.BOT_USER,
        "bot_id": people.BOT,
        "is_enterprise_install": False,
    }


def api_test(ws: Workspace, args: Args) -> Json:
    """api.test: says back what it was told."""
    if args.text("error"):
        raise SlackError(args.text("error"), args=args.raw)
    return {"args": args.raw}


def users_info(ws: Workspace, args: Args) -> Json:
    """users.info."""
    found = [user for user in people.users() if user["id"] == args.text("user")]
    if not found:
        raise SlackError("user_not_found")
    return {"user": found[0]}


def users_list(ws: Workspace, args: Args) -> Json:
    """users.list, in one page."""
    return {"members": people.users(), "cache_ts": people.CREATED, **END}


def usergroups(ws: Workspace, args: Args) -> Json:
    """usergroups.list."""
    groups = [people.group(index) for index in range(len(people.GROUPS))]
    if args.flag("include_users"):
        groups = [group | {"users": list(members[3])} for group, members in zip(groups, people.GROUPS, strict=True)]
    return {"usergroups": groups}


def usergroup_users(ws: Workspace, args: Args) -> Json:
    """usergroups.users.list."""
    wanted = args.need("usergroup")
    for id, _, _, members in people.GROUPS:
        if id == wanted:
            return {"users": list(members)}
    raise SlackError("no_such_subteam")


def _channel(id: str) -> Json:
    if id != people.CHANNEL:
        member = next(person for person in people.PEOPLE if person.direct == id)
        return {"id": id, "is_im": True, "user": member.id, "is_user_deleted": False, "created": people.CREATED}
    return {
        "id": people.CHANNEL,
        "name": people.CHANNEL_NAME,
        "name_normalized": people.CHANNEL_NAME,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "is_archived": False,
        "is_general": False,
        "is_shared": False,
        "is_org_shared": False,
        "is_member": True,
        "created": people.CREATED,
        "creator": "U0CTO",
        "context_team_id": people.TEAM,
        "num_members": len(people.PEOPLE) + 1,
        "topic": {"value": "What is deployed where", "creator": "U0CTO", "last_set": people.CREATED},
        "purpose": {"value": "Deploys of CHOM", "creator": "U0CTO", "last_set": people.CREATED},
    }


def conversations_info(ws: Workspace, args: Args) -> Json:
    """conversations.info."""
    id = args.need("channel")
    ws.memory.conversation(id)
    return {"channel": _channel(id)}


def conversations_list(ws: Workspace, args: Args) -> Json:
    """conversations.list, in one page."""
    return {"channels": [_channel(people.CHANNEL)], **END}


def _seen(ws: Workspace, args: Args, wanted: Callable[[Json], bool]) -> list[Json]:
    oldest, latest = args.text("oldest", "0"), args.text("latest") or "9" * 12
    inclusive = args.flag("inclusive")
    found: list[Json] = []
    for message in ws.memory.conversation(args.need("channel")):
        ts = float(message["ts"])
        inside = float(oldest) < ts < float(latest) or (inclusive and message["ts"] in (oldest, latest))
        if inside and wanted(message):
            hidden = () if args.flag("include_all_metadata") else ("metadata",)
            found.append({name: value for name, value in message.items() if name not in hidden})
    return found


def history(ws: Workspace, args: Args) -> Json:
    """conversations.history: newest first, without the replies that were not sent to the channel too."""
    limit = args.whole("limit", 100, 999)
    found = _seen(ws, args, lambda m: m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype") == "thread_broadcast")
    return {"messages": found[::-1][:limit], "has_more": len(found) > limit, "pin_count": 0}


def replies(ws: Workspace, args: Args) -> Json:
    """conversations.replies: a thread, oldest first."""
    parent, limit = args.need("ts"), args.whole("limit", 1000, 1000)
    found = _seen(ws, args, lambda m: parent in (m["ts"], m.get("thread_ts")))
    if not found:
        raise SlackError("thread_not_found")
    return {"messages": found[:limit], "has_more": len(found) > limit}


def conversations_open(ws: Workspace, args: Args) -> Json:
    """conversations.open with one person."""
    found = people.BY_ID.get(args.need("users"))
    if found is None:
        raise SlackError("user_not_found")
    return {"channel": {"id": found.direct}, "no_op": True, "already_open": True}


def bots_info(ws: Workspace, args: Args) -> Json:
    """bots.info."""
    if args.text("bot") != people.BOT:
        raise SlackError("bot_not_found")
    made = {"id": people.BOT, "deleted": False, "name": "CHOM", "updated": people.CREATED, "app_id": people.APP}
    return {"bot": made | {"user_id": people.BOT_USER, "icons": {}}}


def team_info(ws: Workspace, args: Args) -> Json:
    """team.info."""
    return {"team": {"id": people.TEAM, "name": people.TEAM_NAME, "domain": people.TEAM_DOMAIN, "email_domain": ""}}


USERS, GROUPS = ("users:read",), ("usergroups:read",)
METHODS = (
    Method("auth.test", auth_test),
    Method("api.test", api_test, kind=Kind.NONE),
    Method("users.info", users_info, scopes=USERS, tier=Tier.FOUR, json=False),
    Method("users.list", users_list, scopes=USERS, tier=Tier.TWO, json=False),
    Method("usergroups.list", usergroups, scopes=GROUPS, tier=Tier.TWO, json=False),
    Method("usergroups.users.list", usergroup_users, scopes=GROUPS, tier=Tier.TWO, json=False),
    Method("conversations.info", conversations_info, scopes=("channels:read",), tier=Tier.THREE, json=False),
    Method("conversations.list", conversations_list, scopes=("channels:read",), tier=Tier.TWO, json=False),
    Method("conversations.history", history, scopes=("channels:history",), tier=Tier.THREE, json=False),
    Method("conversations.replies", replies, scopes=("channels:history",), tier=Tier.THREE, json=False),
    Method("conversations.open", conversations_open, scopes=("im:write",), tier=Tier.THREE),
    Method("bots.info", bots_info, scopes=USERS, tier=Tier.THREE, json=False),
    Method("team.info", team_info, scopes=("team:read",), tier=Tier.THREE, json=False),
)
