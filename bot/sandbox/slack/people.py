"""Who and what is in the workspace: four people, the bot, one channel, and what the app was granted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.slack.errors import Impossible, Json

TEAM = "T0CHOM"
TEAM_NAME = "CHOM"
TEAM_DOMAIN = "chom"
APP = "A0CHOM"
BOT = "B0CHOM"
BOT_USER = "U0CHOM"
BOT_NAME = "chom"
SLACKBOT = "USLACKBOT"
CHANNEL = "C0DEPLOYS"
CHANNEL_NAME = "deploys"
COMMAND = "/chom"
BOT_TOKEN = "xoxb-sandbox"
APP_TOKEN = "xapp-sandbox"
SIGNING_SECRET = "sandbox"
VERIFICATION_TOKEN = "sandbox-verification"
CREATED = 1_767_225_600
"""When team, channel and groups were made, for the fields that want a time."""

MANIFEST = Path(__file__).parents[2] / "slack" / "manifest.json"
"""The app's own manifest; the app is installed by it here as it would be in Slack."""


@dataclass(frozen=True, slots=True)
class Granted:
    """What the app was installed with; a method that wants another scope is refused with missing_scope."""

    scopes: tuple[str, ...]
    events: tuple[str, ...] = ()
    commands: tuple[Json, ...] = ()
    """Slash commands as the manifest describes them: command, description, usage_hint."""
    home: bool = True
    """Whether the Home tab is switched on; without it no Home can be published."""

    @staticmethod
    def by(manifest: Json) -> Granted:
        """From an app manifest. Raises KeyError where it lacks what every manifest has."""
        subscribed = manifest.get("settings", {}).get("event_subscriptions", {})
        return Granted(
            tuple(manifest["oauth_config"]["scopes"]["bot"]),
            tuple(subscribed.get("bot_events", ())),
            tuple(manifest["features"].get("slash_commands", ())),
            bool(manifest["features"].get("app_home", {}).get("home_tab_enabled", False)),
        )

    @staticmethod
    def shipped() -> Granted:
        """From the manifest that the app ships."""
        return Granted.by(json.loads(MANIFEST.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """A human member of the workspace."""

    id: str
    name: str
    """The short name: "dev"."""
    display: str
    title: str

    @property
    def direct(self) -> str:
        """The id of the direct conversation between this person and the bot."""
        return "D" + self.id[1:]


PEOPLE = (
    SlackPerson("U0DEV", "dev", "Dana Weber", "Developer"),
    SlackPerson("U0LEAD", "lead", "Lea Martin", "Tech Lead"),
    SlackPerson("U0DEVOPS", "devops", "Omar Haddad", "DevOps, on call"),
    SlackPerson("U0CTO", "cto", "Chiara Conti", "CTO"),
)
BY_ID = {person.id: person for person in PEOPLE}
BY_NAME = {person.name: person for person in PEOPLE}

GROUPS = (
    ("S0LEADS", "tech-leads", "Tech Leads", ("U0LEAD",)),
    ("S0DEVOPS", "devops-team", "DevOps", ("U0DEVOPS",)),
    ("S0CTO", "cto-office", "CTO", ("U0CTO",)),
)
"""User groups: id, handle, name, members."""


def person(who: object) -> SlackPerson:
    """By short name or id. Raises Impossible with a sentence."""
    found = (BY_NAME.get(who) or BY_ID.get(who)) if isinstance(who, str) else None
    if found is None:
        names = ", ".join(BY_NAME)
        raise Impossible(f"There is nobody called {who!r} in this Slack; “user” is one of {names}.")
    return found


def user(member: SlackPerson) -> Json:
    """Slack's user object of a human."""
    return _user(member.id, member.name, member.display, bot=False) | {
        "profile": _profile(member.display, member.title) | {"email": f"{member.name}@chom.example"}
    }


def bot_user() -> Json:
    """Slack's user object of the app's bot."""
    made = _user(BOT_USER, BOT_NAME, "CHOM", bot=True)
    return made | {"profile": _profile("CHOM", "") | {"api_app_id": APP, "bot_id": BOT, "always_active": True}}


def users() -> list[Json]:
    """Everybody: the humans, the app's bot, and Slackbot."""
    slackbot = _user(SLACKBOT, "slackbot", "Slackbot", bot=False) | {"profile": _profile("Slackbot", "")}
    return [*(user(member) for member in PEOPLE), bot_user(), slackbot]


def group(index: int) -> Json:
    """Slack's usergroup object."""
    id, handle, name, members = GROUPS[index]
    return {
        "id": id,
        "team_id": TEAM,
        "is_usergroup": True,
        "is_subteam": True,
        "name": name,
        "description": "",
        "handle": handle,
        "is_external": False,
        "date_create": CREATED,
        "date_update": CREATED,
        "date_delete": 0,
        "auto_type": None,
        "created_by": "U0CTO",
        "updated_by": "U0CTO",
        "deleted_by": None,
        "user_count": len(members),
    }


def _user(id: str, name: str, real: str, *, bot: bool) -> Json:
    return {
        "id": id,
        "team_id": TEAM,
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
        "updated": CREATED,
    }


def _profile(real: str, title: str) -> Json:
    first, _, last = real.partition(" ")
    return {
        "title": title,
        "real_name": real,
        "real_name_normalized": real,
        "display_name": real,
        "display_name_normalized": real,
        "first_name": first,
        "last_name": last,
        "team": TEAM,
    }
