"""The form for a deploy when something goes wrong: bots that end, checks that burst, closed windows, hostile words."""

from __future__ import annotations

import asyncio

import pytest

from bot.desk.offers import Versions
from bot.desk.planning import Refusal
from bot.slack.acts.modal import Held
from policies.change import Account, Person
from tests.slack.changes import CHANGE
from tests.slack.conftest import Faced, faced
from tests.slack.filling import FILLED, TEXT, filled_in, opened, says, searched, submit, turned, windows
from tests.slack.support import seen_text, until


async def test_who_saw_no_answer_and_sends_it_again_asks_once(bot: Faced) -> None:
    free = asyncio.Event()
    bot.desk.before = free.wait
    view, sockets = await opened(bot), bot.slack.stand_in.sockets
    sockets.ack_seconds = 0.0
    chosen = {"text": {"type": "plain_text", "text": "v1.2"}, "value": "v1.2"}
    assert await submit(bot, view, version=chosen) == "operation_timeout"
    await until(lambda: bot.desk.asked)
    sockets.ack_seconds = 3.0
    assert await submit(bot, view) == "acked" and "Looking at the servers" in says(view)
    free.set()
    await turned(bot, view, "is asked for")
    await asyncio.sleep(0.2)
    assert len(bot.desk.asked) == 1 and "is asked for" in says(view)


async def test_what_another_bot_has_in_hand_is_not_asked_for_again(bot: Faced) -> None:
    view = await opened(bot)
    bot.memory.known.add(f"form:{Held.load(view['private_metadata']).token}")
    await submit(bot, view)
    await turned(bot, view, "sent already")
    assert bot.desk.asked == []


async def test_a_form_delivered_to_two_bots_is_asked_for_by_one_of_them() -> None:
    async with faced("socket") as one, faced("socket", one.slack, one.memory) as two:
        view = await opened(one)
        await one.slack.stand_in.fault({"deliver": "twice"})
        await submit(one, view)
        await until(lambda: "is asked for" in says(view) or "sent already" in says(view))
        await asyncio.sleep(0.3)
        assert one.desk.asked + two.desk.asked == [("propose", TEXT, "dev")]
        assert "Looking" not in says(view)


async def test_a_bot_that_ends_in_the_middle_leaves_a_window_that_says_what_is_true() -> None:
    async with faced("socket") as bot:
        free = asyncio.Event()
        bot.desk.before = free.wait
        view = await opened(bot)
        await submit(bot, view)
        await until(lambda: bot.desk.asked)
        await bot.face.stop_intake()
        assert "if it was asked for, its card is in <#C0DEPLOYS>" in says(view)
        async with faced("socket", bot.slack, bot.memory) as heir:
            again = await opened(heir)
            await submit(heir, again)
            await turned(heir, again, "is asked for")
            assert [asked[0] for asked in heir.desk.asked] == ["propose"]
        free.set()


async def test_slow_checks_do_not_cost_the_ack(bot: Faced) -> None:
    bot.desk.wrong = lambda wanted: asyncio.sleep(60)
    view = await opened(bot)
    assert await submit(bot, view) == "acked"
    await turned(bot, view, "is asked for")


async def test_a_check_that_bursts_keeps_the_form_and_gives_a_reference(
    bot: Faced, caplog: pytest.LogCaptureFixture
) -> None:
    def burst(wanted: object) -> None:
        raise ZeroDivisionError("secret thing")

    bot.desk.wrong = burst
    view = await opened(bot)
    assert await submit(bot, view) == "acked"
    told = view["errors"]["version"]
    assert "reference" in told and "secret" not in told and view["callback_id"] == "chom_deploy"
    assert any("secret thing" in str(record.exc_info) for record in caplog.records)


async def test_a_desk_that_bursts_gives_the_form_back_with_a_reference(bot: Faced) -> None:
    def burst() -> None:
        raise ZeroDivisionError("secret thing")

    bot.desk.before = burst
    view = await opened(bot)
    await submit(bot, view)
    told = await turned(bot, view, "reference")
    assert "secret" not in told and filled_in(view) == {**FILLED, "strategy": "blue-green", "category": "-"}


@pytest.mark.parametrize("refused", [True, False])
async def test_who_closed_the_window_is_told_all_the_same(bot: Faced, refused: bool) -> None:
    free = asyncio.Event()

    async def before() -> None:
        await free.wait()
        if refused:
            raise Refusal("app2 does not answer.")

    bot.desk.before = before
    bot.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    view = await opened(bot)
    await submit(bot, view)
    await bot.slack.stand_in.acts.dismiss("dev", view["id"])
    free.set()
    told = seen_text(await bot.slack.whisper("dev"))
    assert ("Not asked for. app2" if refused else "is asked for") in told


async def test_the_cards_address_follows_once_there_is_a_card(bot: Faced) -> None:
    view = await opened(bot)
    await submit(bot, view)
    assert "Open its card" not in await turned(bot, view, "is asked for")
    bot.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    await turned(bot, view, "p1000001|Open its card")


@pytest.mark.parametrize("trouble", ["lost", "500", "429"])
async def test_slack_in_trouble_while_the_answer_is_shown(bot: Faced, trouble: str) -> None:
    view = await opened(bot)
    await bot.slack.stand_in.fault({"slack": trouble, "method": "views.update", "count": 1, "seconds": 1})
    await submit(bot, view)
    await turned(bot, view, "is asked for")
    assert len(bot.desk.asked) == 1


async def test_a_window_whose_opening_was_answered_by_nobody_works(bot: Faced) -> None:
    await bot.slack.stand_in.fault({"slack": "lost", "method": "views.open", "count": 1})
    view = await opened(bot)
    await submit(bot, view)
    await turned(bot, view, "is asked for")
    assert len(windows(bot)) == 1
    assert "If no form has opened" in (await bot.slack.whisper("dev"))["text"]


async def test_slack_that_opens_no_window_is_said_to_who_asked(bot: Faced) -> None:
    await bot.slack.stand_in.fault({"slack": "500", "method": "views.open"})
    await bot.type("deploy")
    assert "try again" in (await bot.slack.whisper("dev"))["text"]
    assert windows(bot) == []


async def test_who_is_not_in_the_configuration_gets_no_form(bot: Faced) -> None:
    def unknown(account: Account) -> Person:
        raise Refusal(f"I don't know you ({account.team}:{account.user}).")

    view = await opened(bot)
    bot.desk.person = unknown  # type: ignore[method-assign]
    await bot.type("deploy", "cto")
    assert "I don't know you" in (await bot.slack.whisper("cto"))["text"] and windows(bot, "cto") == []
    await submit(bot, view)
    await turned(bot, view, "I don't know you")
    assert bot.desk.asked == []


async def test_a_form_of_another_version_of_the_bot_is_refused_in_words(bot: Faced) -> None:
    view = await opened(bot)
    view["private_metadata"] = "something else"
    await submit(bot, view)
    assert "reference" in view["errors"]["version"] and bot.desk.asked == []


async def test_no_list_of_versions_lets_one_be_typed(bot: Faced) -> None:
    bot.desk.offers.there = Versions((), "The list of versions cannot be had: no answer.")
    view = await opened(bot)
    (line,) = await searched(bot, view)
    assert line["text"]["text"].startswith("The list of versions cannot be had")
    assert [o["value"] for o in await searched(bot, view, "v1.9")] == ["v1.9"]


async def test_a_list_that_bursts_offers_nothing_and_the_form_lives(bot: Faced) -> None:
    bot.desk.offers.versions = None  # type: ignore[method-assign]
    view = await opened(bot)
    assert await searched(bot, view) == []


NASTY = ("<!channel>", "<@U0CTO> *x*", "a\u202eb\u2066c", '"both" and \'both\' "', "x" * 500, "\n\n`", "&<>" * 100)


@pytest.mark.parametrize("reason", NASTY)
async def test_hostile_words_are_only_words(bot: Faced, reason: str) -> None:
    def refuse() -> None:
        raise Refusal(f"No: {reason}")

    bot.desk.before = refuse
    view = await opened(bot)
    await submit(bot, view, reason=reason)
    told = await turned(bot, view, "Not asked for.")
    assert "<!channel>" not in told and "<@U0CTO>" not in told
    (asked,) = bot.desk.asked
    assert asked[1].startswith("deploy v1.2 blue-green to staging")
