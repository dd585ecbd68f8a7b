"""Slack's objects of users, bots, user groups and conversations, with the fields that its documentation names."""

from __future__ import annotations

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import Json
from bot.sandbox.slack.people import Group, SlackPerson, Standing
from bot.sandbox.slack.workspace import Workspace

SIZES = (24, 32, 48, 72, 192, 512)
EMAIL = "users:read.email"
"""Without this scope nobody's address is told."""


def user(ws: Workspace, who: SlackPerson) -> Json:
    """The user object of a human."""
    made = _user(who.id, who.name, who.display, who.team, bot=False)
    made |= {
        "is_restricted": who.standing in (Standing.GUEST, Standing.VISITOR),
        "is_ultra_restricted": who.standing is Standing.VISITOR,
        "profile": _profile(ws, who.display, who.title, who.team),
    }
    if who.standing is Standing.STRANGER:
        made |= {"is_stranger": True, "deleted": False}
    elif EMAIL in ws.scopes:
        made["profile"]["email"] = f"{who.name}@chom.example"
    if who.standing is Standing.GONE:
        kept = {"id", "team_id", "name", "is_bot", "is_app_user", "updated", "profile", "is_email_confirmed"}
        made = {name: value for name, value in made.items() if name in kept} | {"deleted": True}
    return made


def bot_user(ws: Workspace) -> Json:
    """The user object of the app's bot."""
    made = _user(people.BOT_USER, people.BOT_NAME, "CHOM", people.TEAM, bot=True)
    profile = _profile(ws, "CHOM", "", people.TEAM)
    return made | {"profile": profile | {"api_app_id": people.APP, "bot_id": people.BOT, "always_active": True}}


def slackbot(ws: Workspace) -> Json:
    """The user object of Slackbot, which is no bot."""
    made = _user(people.SLACKBOT, "slackbot", "Slackbot", people.TEAM, bot=False)
    return made | {"profile": _profile(ws, "Slackbot", "", people.TEAM) | {"always_active": True}}


def icons(ws: Workspace) -> Json:
    """The app's picture in the sizes that messages name."""
    return {f"image_{size}": f"{ws.address}/page/icon.svg" for size in (36, 48, 72)}


def users(ws: Workspace) -> list[Json]:
    """Everybody of this workspace: humans, the app's bot, and Slackbot."""
    own = [user(ws, who) for who in people.BY_ID.values() if who.standing is not Standing.STRANGER]
    return [*own, bot_user(ws), slackbot(ws)]


def _user(id: str, name: str, real: str, team: str, *, bot: bool) -> Json:
    return {
        "id": id,
        "team_id": team,
        "name": name,
        "deleted": False,
        "color": "4bbe2e",
        "real_name": real,
        "tz": "Europe/Berlin",
        "tz_label": "Central European Time",
        "tz_offset": 3600,
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_bot": bot,
        "is_app_user": False,
        "is_email_confirmed": not bot,
        "who_can_share_contact_card": "EVERYONE",
        "updated": people.CREATED,
    }


def _profile(ws: Workspace, real: str, title: str, team: str) -> Json:
    first, _, last = real.partition(" ")
    return {
        "title": title,
        "phone": "",
        "skype": "",
        "real_name": real,
        "real_name_normalized": real,
        "display_name": real,
        "display_name_normalized": real,
        "fields": None,
        "status_text": "",
        "status_text_canonical": "",
        "status_emoji": "",
        "status_emoji_display_info": [],
        "status_expiration": 0,
        "avatar_hash": "g0",
        "first_name": first,
        "last_name": last,
        "team": team,
        **{f"image_{size}": f"{ws.address}/page/icon.svg" for size in SIZES},
    }


def group(one: Group, *, users: bool = False, count: bool = False) -> Json:
    """The usergroup object, with its members or their number where the call asks for them."""
    made: Json = {
        "id": one.id,
        "team_id": people.TEAM,
        "is_usergroup": True,
        "is_subteam": True,
        "name": one.name,
        "description": "",
        "handle": one.handle,
        "is_external": False,
        "date_create": people.CREATED,
        "date_update": people.CREATED,
        "date_delete": people.CREATED if one.disabled else 0,
        "auto_type": None,
        "auto_provision": False,
        "enterprise_subteam_id": "",
        "created_by": "U0CTO",
        "updated_by": "U0CTO",
        "deleted_by": "U0CTO" if one.disabled else None,
        "prefs": {"channels": [], "groups": []},
    }
    if users:
        made["users"] = list(one.members)
    if users or count:
        made["user_count"] = len(one.members)
    return made


def conversation(id: str, *, members: bool = False) -> Json:
    """The conversation object of the channel or of a direct conversation."""
    if id != people.CHANNEL:
        other = next(person for person in people.BY_ID.values() if person.direct == id)
        return {
            "id": id,
            "created": people.CREATED,
            "is_archived": False,
            "is_im": True,
            "is_org_shared": False,
            "context_team_id": people.TEAM,
            "updated": people.CREATED * 1000,
            "user": other.id,
            "is_user_deleted": other.standing is Standing.GONE,
            "priority": 0,
        }
    made: Json = {
        "id": people.CHANNEL,
        "name": people.CHANNEL_NAME,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": False,
        "created": people.CREATED,
        "is_archived": False,
        "is_general": False,
        "unlinked": 0,
        "name_normalized": people.CHANNEL_NAME,
        "is_shared": True,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": people.TEAM,
        "updated": people.CREATED * 1000,
        "parent_conversation": None,
        "creator": "U0CTO",
        "is_ext_shared": True,
        "shared_team_ids": [people.TEAM, people.ELSEWHERE],
        "pending_connected_team_ids": [],
        "is_member": True,
        "topic": {"value": "What is deployed where", "creator": "U0CTO", "last_set": people.CREATED},
        "purpose": {"value": "Deploys of CHOM", "creator": "U0CTO", "last_set": people.CREATED},
        "previous_names": [],
    }
    here = [person for person in people.BY_ID.values() if person.standing is not Standing.GONE]
    return made | ({"num_members": len(here) + 1} if members else {})
