"""Rejecting as people do it, through the real Bolt: a window that says what ends, and a reason for who asked."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.desk.planning import Refusal
from bot.slack.acts.modal import Held
from tests.slack.changes import CHANGE
from tests.slack.conftest import Faced
from tests.slack.filling import says, turned, windows
from tests.slack.support import until
from tests.slack.test_conversation import DIGEST, show_card
from tests.slack.views import STAGES

Json = dict[str, Any]
REJECTED = ("reject", CHANGE.id, DIGEST, "lead", "T0CHOM:U0LEAD")


async def opened(bot: Faced, user: str = "lead") -> Json:
    """The window, opened by the card's button."""
    assert await bot.click(show_card(bot), "chom_reject", user=user) == "acked"
    await until(lambda: windows(bot, user))
    return windows(bot, user)[-1]


async def submit(bot: Faced, view: Json, reason: str = "", user: str = "lead") -> str:
    return str(await bot.slack.stand_in.acts.submit(user, view["id"], {"reason": reason} if reason else {}))


async def test_the_button_opens_a_window_and_only_the_window_rejects(both: Faced) -> None:
    view = await opened(both)
    assert "Deploy v1.2 to production" in says(view) and "nothing is started" in says(view)
    assert both.desk.asked == [] and both.desk.looked == [("decidable", CHANGE.id, DIGEST, "lead")]
    assert Held.load(view["private_metadata"]).digest == DIGEST
    assert await submit(both, view, "Not on a Friday.") == "acked"
    assert both.desk.asked == [(*REJECTED, "Not on a Friday.")]
    assert windows(both, "lead") == []


async def test_a_reason_may_be_left_out(both: Faced) -> None:
    await submit(both, await opened(both))
    assert both.desk.asked == [(*REJECTED, "")]


async def test_what_happened_meanwhile_is_said_at_the_field(both: Faced) -> None:
    def lapsed() -> None:
        raise Refusal("It was not approved and started within 4 hours. Ask again: `deploy v1.2`", CHANGE.id)

    view = await opened(both)
    both.desk.before = lapsed
    assert await submit(both, view, "too late") == "acked"
    assert view["errors"] == {"reason": "It was not approved and started within 4 hours. Ask again: /chom deploy v1.2"}
    assert windows(both, "lead") == [view]


async def test_both_the_click_and_the_window_delivered_twice_are_done_as_once(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    view = await opened(both)
    await asyncio.sleep(0.2)
    assert len(windows(both, "lead")) == 1
    await submit(both, view, "no")
    await asyncio.sleep(0.2)
    assert set(both.desk.asked) == {(*REJECTED, "no")} and windows(both, "lead") == []
    assert both.slack.whispers("lead") == []


async def test_who_may_not_reject_is_told_before_they_write_a_reason(bot: Faced) -> None:
    async def refuse(*_: Any) -> None:
        raise Refusal("You asked for this yourself, so somebody else has to decide it.", CHANGE.id)

    bot.desk.decidable = refuse  # type: ignore[method-assign]
    await bot.click(show_card(bot), "chom_reject", user="dev")
    assert "You asked for this yourself" in (await bot.slack.whisper("dev"))["text"]
    assert windows(bot, "dev") == []


async def test_where_it_takes_long_to_look_a_light_window_opens_and_fills(bot: Faced) -> None:
    free = asyncio.Event()

    async def slow(*_: Any) -> Any:
        await free.wait()
        return STAGES["waiting"]

    bot.desk.decidable = slow  # type: ignore[method-assign]
    view = await opened(bot)
    assert "*One moment…*" in says(view) and view["submit"] is None
    free.set()
    await turned(bot, view, "Deploy v1.2 to production")
    assert view["submit"]["text"] == "Reject"


async def test_a_refusal_that_comes_late_is_said_in_the_window(bot: Faced) -> None:
    async def slow(*_: Any) -> Any:
        await asyncio.sleep(1.0)
        raise Refusal("Deploy v1.2 was approved already and is under way.", CHANGE.id)

    bot.desk.decidable = slow  # type: ignore[method-assign]
    view = await opened(bot)
    assert "Open its card" in await turned(bot, view, "approved already")
    assert bot.slack.whispers("lead") == []


async def test_what_bursts_late_is_said_in_the_window_and_with_a_reference(bot: Faced) -> None:
    async def slow(*_: Any) -> Any:
        await asyncio.sleep(1.0)
        raise ZeroDivisionError("secret thing")

    bot.desk.decidable = slow  # type: ignore[method-assign]
    view = await opened(bot)
    await turned(bot, view, "Close this and try again")
    assert "reference" in (await bot.slack.whisper("lead"))["text"]


@pytest.mark.parametrize("refused", [True, False])
async def test_a_slow_store_does_not_cost_the_ack_and_its_answer_follows(bot: Faced, refused: bool) -> None:
    free = asyncio.Event()

    async def slow() -> None:
        await free.wait()
        if refused:
            raise Refusal("Deploy v1.2 was approved already and is under way.")

    view = await opened(bot)
    bot.desk.before = slow
    begun = time.monotonic()
    assert await submit(bot, view, "no") == "acked"
    assert time.monotonic() - begun < 2.9 and "Rejecting it" in says(view)
    free.set()
    await turned(bot, view, "approved already" if refused else "It is rejected.")


async def test_what_bursts_at_once_keeps_the_window_and_gives_a_reference(bot: Faced) -> None:
    def burst() -> None:
        raise ZeroDivisionError("secret thing")

    view = await opened(bot)
    bot.desk.before = burst
    await submit(bot, view, "no")
    assert "reference" in view["errors"]["reason"] and "secret" not in view["errors"]["reason"]


async def test_a_second_copy_of_a_card_gives_itself_up_when_its_reject_is_pressed(bot: Faced) -> None:
    copy = show_card(bot, known=False)
    show_card(bot)
    await bot.click(copy, "chom_reject")
    message = bot.slack.stand_in.memory.find("C0DEPLOYS", copy)
    await until(lambda: message and message["text"].startswith("This is an old copy"))
    await until(lambda: windows(bot, "lead"))


@pytest.mark.parametrize("reason", ["<!channel> <@U0CTO>", "a\u202eb\u0000", "*x* `y`", "&<>", "x" * 500, "a\n\nb"])
async def test_a_hostile_reason_goes_to_the_desk_as_it_was_typed_and_breaks_nothing(bot: Faced, reason: str) -> None:
    await submit(bot, await opened(bot), reason)
    assert bot.desk.asked == [(*REJECTED, reason)]


async def test_a_reason_that_is_too_long_is_said_at_its_field(bot: Faced) -> None:
    view = await opened(bot)
    element = next(block["element"] for block in view["blocks"] if "element" in block)
    element["max_length"] = 3000  # as if the client did not count
    await submit(bot, view, "x" * 3000)
    assert view["errors"] == {"reason": "The reason is 3,000 characters long; it has at most 500."}
    assert bot.desk.asked == []
