"""The methods that look who and which: auth.test, users, user groups, the bot, the team."""

from __future__ import annotations

from bot.sandbox.slack import objects, people
from bot.sandbox.slack.calls import Args, Kind, Method, page
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.limits import Tier
from bot.sandbox.slack.workspace import Workspace


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
    """users.info; of a stranger too, since the bot shares a channel with them."""
    wanted = args.text("user")
    if wanted in people.BY_ID:
        return {"user": objects.user(ws, people.BY_ID[wanted])}
    found = [user for user in objects.users(ws) if user["id"] == wanted]
    if not found:
        raise SlackError("user_not_found")
    return {"user": found[0]}


def users_list(ws: Workspace, args: Args) -> Json:
    """users.list."""
    return page(args, "members", objects.users(ws), "id", 1000, 1000) | {"cache_ts": people.CREATED}


def usergroups(ws: Workspace, args: Args) -> Json:
    """usergroups.list."""
    shown = [group for group in ws.groups.values() if args.flag("include_disabled") or not group.disabled]
    users, count = args.flag("include_users"), args.flag("include_count")
    return {"usergroups": [objects.group(group, users=users, count=count) for group in shown]}


def usergroup_users(ws: Workspace, args: Args) -> Json:
    """usergroups.users.list; a disabled group is found only where the call says so."""
    found = ws.groups.get(args.need("usergroup"))
    if found is None or (found.disabled and not args.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(found.members)}


def bots_info(ws: Workspace, args: Args) -> Json:
    """bots.info."""
    if args.text("bot") != people.BOT:
        raise SlackError("bot_not_found")
    made = {"id": people.BOT, "deleted": False, "name": "CHOM", "updated": people.CREATED, "app_id": people.APP}
    return {"bot": made | {"user_id": people.BOT_USER, "icons": objects.icons(ws)}}


def team_info(ws: Workspace, args: Args) -> Json:
    """team.info."""
    icon = {"image_default": True} | {f"image_{size}": f"{ws.address}/page/icon.svg" for size in (34, 44, 68, 88, 102)}
    return {
        "team": {
            "id": people.TEAM,
            "name": people.TEAM_NAME,
            "url": f"{ws.address}/",
            "domain": people.TEAM_DOMAIN,
            "email_domain": "",
            "icon": icon,
            "is_verified": False,
        }
    }


USERS, GROUPS = ("users:read",), ("usergroups:read",)
METHODS = (
    Method("auth.test", auth_test),
    Method("api.test", api_test, kind=Kind.NONE),
    Method("users.info", users_info, scopes=USERS, tier=Tier.FOUR, json=False),
    Method("users.list", users_list, scopes=USERS, tier=Tier.TWO, json=False),
    Method("usergroups.list", usergroups, scopes=GROUPS, tier=Tier.TWO, json=False),
    Method("usergroups.users.list", usergroup_users, scopes=GROUPS, tier=Tier.TWO, json=False),
    Method("bots.info", bots_info, scopes=USERS, tier=Tier.THREE, json=False),
    Method("team.info", team_info, scopes=("team:read",), tier=Tier.THREE, json=False),
)
