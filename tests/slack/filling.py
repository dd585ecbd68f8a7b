"""A person's hands on the form for a deploy: open it, search in it, fill it in, send it, read what it says."""

from __future__ import annotations

from typing import Any

from bot.sandbox.slack.suggest import flat
from tests.slack.conftest import Faced
from tests.slack.support import seen_text, until

Json = dict[str, Any]
FILLED = {"version": "v1.2", "environment": "staging", "reason": "the new checkout"}
TEXT = 'deploy v1.2 blue-green to staging reason="the new checkout"'


def windows(bot: Faced, user: str = "dev") -> list[Json]:
    return [view for view in bot.slack.stand_in.memory.views.values() if view["user"] == user]


async def opened(bot: Faced, user: str = "dev", typed: str = "deploy") -> Json:
    """The form, opened by the command."""
    assert await bot.type(typed, user) == "acked"
    await until(lambda: any(view["callback_id"] == "chom_deploy" for view in windows(bot, user)))
    return windows(bot, user)[-1]


async def submit(bot: Faced, view: Json, user: str = "dev", **values: Any) -> str:
    return str(await bot.slack.stand_in.acts.submit(user, view["id"], FILLED | values))


async def searched(bot: Faced, view: Json, query: str = "") -> list[Json]:
    """The versions that are offered for what was typed."""
    return flat(await bot.slack.stand_in.acts.suggest("dev", view["id"], "chom_version", query))


def says(view: Json) -> str:
    """All that stands in a window."""
    return seen_text(view | {"text": ""})


def filled_in(view: Json) -> Json:
    """What a person finds in its fields."""
    found: Json = {}
    for block in view["blocks"]:
        element = block.get("element", {})
        if element:
            first = element.get("initial_option") or {}
            found[block["block_id"]] = first.get("value") or element.get("initial_value", "")
    return found


async def turned(bot: Faced, view: Json, words: str) -> str:
    """Once the window says this."""
    await until(lambda: words in says(view))
    return says(view)
