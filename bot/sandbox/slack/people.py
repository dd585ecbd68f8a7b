"""Who and what is in the workspace: five people and some others, the bot, one channel, what the app was granted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from bot.sandbox.slack.errors import Impossible, Json

TEAM = "T0CHOM"
TEAM_NAME = "CHOM"
TEAM_DOMAIN = "chom"
ELSEWHERE = "T0ELSEWHERE"
"""Another workspace, which shares the channel."""
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

MANIFEST = Path(__file__).parents[2] / "slack" / "connection" / "manifest.json"
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


class Standing(Enum):
    """What somebody is in this workspace."""

    MEMBER = "member"
    GUEST = "guest in several channels"
    VISITOR = "guest in one channel"
    STRANGER = "member of another workspace that shares the channel"
    GONE = "deactivated"


@dataclass(frozen=True, slots=True)
class SlackPerson:
    """A human."""

    id: str
    name: str
    """The short name: "dev"."""
    display: str
    title: str
    standing: Standing = Standing.MEMBER

    @property
    def direct(self) -> str:
        """The id of the direct conversation between this person and the bot."""
        return "D" + self.id[1:]

    @property
    def team(self) -> str:
        """The workspace that the person belongs to."""
        return ELSEWHERE if self.standing is Standing.STRANGER else TEAM


PEOPLE = (
    SlackPerson("U0DEV", "dev", "Dana Weber", "Developer"),
    SlackPerson("U0LEAD", "lead", "Lea Martin", "Tech Lead"),
    SlackPerson("U0DEVOPS", "devops", "Omar Haddad", "DevOps, on call"),
    SlackPerson("U0CTO", "cto", "Chiara Conti", "CTO"),
    SlackPerson("U0TEAM", "team", "Tessa Lang", "Developer, reviews for the team"),
)
"""Those whom the page offers."""
OTHERS = (
    SlackPerson("U0LEAD2", "lead2", "Lea Martin (admin)", "Lea's second account"),
    SlackPerson("U0GUEST", "guest", "Gil Moreau", "Agency", Standing.GUEST),
    SlackPerson("U0VISITOR", "visitor", "Vera Novak", "Client", Standing.VISITOR),
    SlackPerson("U0STRANGER", "stranger", "Sam Okafor", "Hosting partner", Standing.STRANGER),
    SlackPerson("U0GONE", "gone", "Greta Lind", "Left in spring", Standing.GONE),
)
"""Those who are there for a script that asks for them."""
BY_ID = {person.id: person for person in (*PEOPLE, *OTHERS)}
BY_NAME = {person.name: person for person in (*PEOPLE, *OTHERS)}


@dataclass(frozen=True, slots=True)
class Group:
    """A user group; a `disabled` one still has its members."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...]
    disabled: bool = False


GROUPS = (
    Group("S0LEADS", "tech-leads", "Tech Leads", ("U0LEAD",)),
    Group("S0DEVOPS", "devops-team", "DevOps", ("U0DEVOPS",)),
    Group("S0CTO", "cto-office", "CTO", ("U0CTO",)),
    Group("S0FORMER", "former-leads", "Former leads", ("U0GONE", "U0DEV"), disabled=True),
)
"""The user groups at first; a stand-in's own are in Workspace.groups."""


def person(who: object) -> SlackPerson:
    """By short name or id. Raises Impossible with a sentence."""
    found = (BY_NAME.get(who) or BY_ID.get(who)) if isinstance(who, str) else None
    if found is None:
        names = ", ".join(one.name for one in PEOPLE)
        raise Impossible(f"There is nobody called {who!r} in this Slack; “user” is one of {names}.")
    if found.standing is Standing.GONE:
        raise Impossible(f"{found.display}'s account is deactivated; nobody can act with it.")
    return found
