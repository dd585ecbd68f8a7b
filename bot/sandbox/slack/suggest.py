"""What an external select offers: when Slack asks the app for options, and what it takes for an answer."""

from __future__ import annotations

from typing import Any, cast

from bot.sandbox.slack.elements import GROUPS, OPTIONS
from bot.sandbox.slack.errors import Impossible, Json
from bot.sandbox.slack.shape import Fault

LEAST = 3
"""Characters that a person types before Slack asks, where the element does not say otherwise."""


def asks(element: Json, query: str) -> bool:
    """Whether Slack asks the app at all for what was typed so far."""
    return len(query) >= int(element.get("min_query_length", LEAST))


def groups(payload: Json) -> list[Json]:
    """The groups that an app offers, one without a label for plain options. Raises Impossible with what is wrong."""
    if ("options" in payload) == ("option_groups" in payload):
        raise Impossible("The app offered no options: its answer has to have either “options” or “option_groups”.")
    faults = faults_of(payload)
    if faults:
        raise Impossible(f"The app's options cannot be shown: {'; '.join(str(fault) for fault in faults)}.")
    return cast("list[Json]", payload.get("option_groups") or [{"options": payload.get("options", [])}])


def faults_of(payload: Json) -> list[Fault]:
    """What Slack refuses of an answer to block_suggestion; no options at all are an answer too."""
    given: Any = payload.get("options", payload.get("option_groups"))
    if given == []:
        return []
    return OPTIONS(given, "/options") if "options" in payload else GROUPS(given, "/option_groups")


def flat(found: list[Json]) -> list[Json]:
    """All options of all groups."""
    return [option for group in found for option in group["options"]]
