"""Reviewing an emergency as people do it, through the real Bolt: by the card's button, and typed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.desk.planning import Refusal
from bot.sandbox.slack.calls import Args
from bot.sandbox.slack.methods_chat import post_message
from bot.slack.acts.modal import Held
from bot.slack.cards.live import change_card, metadata
from tests.slack.conftest import Faced
from tests.slack.filling import says, windows
from tests.slack.support import until
from tests.slack.views import STAGES

OWED = STAGES["emergency_done"]
CHANGE, DIGEST = OWED.change.id, OWED.change.digest
REVIEWED = ("review", CHANGE, "cto", "T0CHOM:U0CTO")


def posted(bot: Faced) -> str:
    """The card's ts."""
    card = change_card(OWED)
    told = {"channel": "C0DEPLOYS", "text": card.text, "blocks": list(card.blocks), "metadata": metadata(OWED, "1.1")}
    return str(post_message(bot.slack.stand_in.workspace, Args(told))["ts"])


async def opened(bot: Faced, user: str = "cto") -> dict[str, Any]:
    """The window, opened by the card's button."""
    bot.desk.shows = OWED
    assert await bot.click(posted(bot), "chom_review", user=user) == "acked"
    await until(lambda: windows(bot, user))
    return windows(bot, user)[-1]


async def submit(bot: Faced, view: dict[str, Any], said: str, user: str = "cto") -> str:
    return str(await bot.slack.stand_in.acts.submit(user, view["id"], {"review": said} if said else {}))


async def test_the_button_opens_a_window_and_only_the_window_closes_the_review(both: Faced) -> None:
    view = await opened(both)
    assert "EMERGENCY: Deploy v1.2 to production" in says(view) and "The checkout answers 500" in says(view)
    assert both.desk.asked == [] and both.desk.looked == [("reviewable", CHANGE, "cto")]
    assert Held.load(view["private_metadata"]).change == CHANGE
    assert await submit(both, view, "An index was missing.") == "acked"
    assert both.desk.asked == [(*REVIEWED, "An index was missing.")] and windows(both, "cto") == []


async def test_what_is_wrong_is_said_at_the_field(bot: Faced) -> None:
    def nothing() -> None:
        raise Refusal("Say in a sentence what came of it.", CHANGE)

    view = await opened(bot)
    bot.desk.before = nothing
    assert await submit(bot, view, "") == "acked"
    assert view["errors"] == {"review": "Say in a sentence what came of it."} and windows(bot, "cto") == [view]


async def test_delivered_twice_it_is_closed_as_once(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    await submit(both, await opened(both), "fine")
    await asyncio.sleep(0.2)
    assert set(both.desk.asked) == {(*REVIEWED, "fine")} and windows(both, "cto") == []
    assert both.slack.whispers("cto") == []


@pytest.mark.parametrize("typed", ['"It was right."', "“It was right.”", "It was right."])
async def test_it_can_be_typed_with_or_without_quotation_marks(bot: Faced, typed: str) -> None:
    bot.desk.shows = OWED
    await bot.type(f"review {CHANGE} {typed}", "cto")
    assert "Your sentence stands on its card." in (await bot.slack.whisper("cto"))["text"]
    assert bot.desk.asked == [(*REVIEWED, "It was right.")]


async def test_who_may_not_is_told_before_they_write(bot: Faced) -> None:
    async def refuse(*_: Any) -> None:
        raise Refusal("You asked for this emergency or approved it, so somebody else has to review it.", CHANGE)

    bot.desk.reviewable = refuse  # type: ignore[method-assign]
    bot.desk.shows = OWED
    await bot.click(posted(bot), "chom_review", user="devops")
    assert "somebody else has to review it" in (await bot.slack.whisper("devops"))["text"]
    assert windows(bot, "devops") == []
