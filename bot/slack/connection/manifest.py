"""The Slack app as Slack's own form wants it, so that installing it is one paste.

As it stands in manifest.json it is for Socket Mode: the bot calls Slack, so nothing of it faces the internet; it needs
an app-level token with connections:write, which no manifest can make. For signed HTTP, Slack calls the bot: Socket
Mode is off, and the command, the buttons, the events and the lists that are searched name the bot's public https://
address.

The optional scopes let the bot read the channel it posts in (the one for public channels, the other for private ones).
It does so only after an answer of Slack was lost, to see whether a message stands there, so that nothing is said twice.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("manifest.json")


def manifest(public_url: str = "") -> dict[str, Any]:
    """For Socket Mode, or for signed HTTP at `public_url`, for example "https://chom.example.org"."""
    made: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    if public_url:
        base = public_url.rstrip("/")
        made["settings"]["socket_mode_enabled"] = False
        made["settings"]["interactivity"]["request_url"] = f"{base}/slack/actions"
        made["settings"]["interactivity"]["message_menu_options_url"] = f"{base}/slack/options"
        made["settings"]["event_subscriptions"]["request_url"] = f"{base}/slack/events"
        for command in made["features"]["slash_commands"]:
            command["url"] = f"{base}/slack/commands"
    return made


@cache
def bot_scopes() -> frozenset[str]:
    """The scopes that the bot token must have: those that whoever installs the app cannot leave out."""
    scopes = manifest()["oauth_config"]["scopes"]
    return frozenset(scopes["bot"]) - frozenset(scopes["bot_optional"])
