"""The form for a deploy as people go through it, through the real Bolt: opened, searched, submitted, answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.desk.offers import Fault, Field, Versions
from bot.desk.planning import Refusal
from bot.sandbox.slack.suggest import flat
from bot.slack.acts.modal import Held
from bot.slack.acts.windows import SETTLED
from policies.change import Account, Person
from tests.slack.changes import CHANGE
from tests.slack.conftest import Faced, faced
from tests.slack.support import seen_text, until
from tests.slack.views import STAGES

FILLED = {"version": "v1.2", "environment": "staging", "reason": "the new checkout"}
TEXT = 'deploy v1.2 blue-green to staging reason="the new checkout"'
Json = dict[str, Any]


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


# --- over both transports ----------------------------------------------------


async def test_from_the_command_over_the_form_to_the_card(both: Faced) -> None:
    view = await opened(both)
    assert view["title"]["text"] == "Deploy a version"
    usual = {"strategy": "blue-green", "category": "-"}
    assert filled_in(view) == {"version": "", "environment": "production", "reason": "", **usual}
    both.desk.shows = STAGES["waiting"]
    both.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    assert await submit(both, view) == "acked"
    told = await turned(both, view, "is asked for")
    assert f"{both.slack.base}/archives/C0DEPLOYS/p1000001|Open its card" in told
    assert view["submit"] is None and view["callback_id"] == "" and view["private_metadata"] == ""
    assert both.desk.asked == [("propose", TEXT, "dev")]
    assert both.slack.whispers("dev") == [] and both.slack.messages() == []


async def test_versions_are_searched_newest_first_with_what_is_live_where(both: Faced) -> None:
    view = await opened(both)
    labels = [o["text"]["text"] for o in await searched(both, view)]
    assert labels[:2] == ["v1.3", "v1.2 · live on staging"]
    found = await searched(both, view, "1.3")
    assert [o["value"] for o in found] == ["v1.3"] and "built" in found[0]["description"]["text"]


async def test_faults_are_said_at_their_fields_and_nothing_is_asked_for(both: Faced) -> None:
    both.desk.wrong = lambda wanted: (
        Fault(Field.VERSION, f"There is no version {wanted.version} any more; choose another one."),
        Fault(Field.ENVIRONMENT, "Dana Dev has staging since 14:02 UTC. Wait for its end, or stop it with `stop`."),
    )
    view = await opened(both)
    assert await submit(both, view) == "acked"
    assert view["errors"] == {
        "version": "There is no version v1.2 any more; choose another one.",
        "environment": "Dana Dev has staging since 14:02 UTC. Wait for its end, or stop it with /chom stop.",
    }
    assert both.desk.asked == [] and view["callback_id"] == "chom_deploy"


async def test_while_the_servers_are_looked_at_the_window_says_so(both: Faced) -> None:
    free = asyncio.Event()
    both.desk.before = free.wait
    view = await opened(both)
    begun = time.monotonic()
    assert await submit(both, view) == "acked"
    assert time.monotonic() - begun < 1 and "Looking at the servers" in says(view)
    free.set()
    await turned(both, view, "is asked for")


async def test_the_outcome_is_never_shown_before_slack_has_had_the_answer_to_the_submission(both: Faced) -> None:
    view = await opened(both)
    begun = time.monotonic()
    assert await submit(both, view) == "acked" and "Looking at the servers" in says(view)
    await turned(both, view, "is asked for")
    assert time.monotonic() - begun >= SETTLED


async def test_a_refusal_comes_back_with_the_form_as_it_was_filled_in(both: Faced) -> None:
    def refuse() -> None:
        raise Refusal("app2 does not answer: ssh, 3 times. Nothing was changed anywhere.", CHANGE.id)

    both.desk.before = refuse
    both.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    view = await opened(both)
    await submit(both, view)
    told = await turned(both, view, "Not asked for.")
    assert "app2 does not answer" in told and "Open its card" in told
    assert filled_in(view) == {**FILLED, "strategy": "blue-green", "category": "-"}
    both.desk.before = lambda: None
    await submit(both, view)
    await turned(both, view, "is asked for")
    assert len(both.desk.asked) == 2


async def test_the_same_submission_delivered_twice_asks_once(both: Faced) -> None:
    view = await opened(both)
    await both.slack.stand_in.fault({"deliver": "twice"})
    await submit(both, view)
    await turned(both, view, "is asked for")
    await asyncio.sleep(0.2)
    assert len(both.desk.asked) == 1 and "is asked for" in says(view)


async def test_the_button_delivered_twice_opens_one_window(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    await opened(both)
    await asyncio.sleep(0.3)
    assert len(windows(both)) == 1 and both.slack.whispers("dev") == []


# --- what goes wrong ---------------------------------------------------------


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


async def test_what_could_not_be_seen_in_time_is_said_above_the_list(both: Faced) -> None:
    both.desk.offers.there = replace(both.desk.offers.there, unseen=("production",))
    view = await opened(both)
    (group,) = await both.slack.stand_in.acts.suggest("dev", view["id"], "chom_version", "")
    assert group["label"]["text"] == "Not seen in time: what is live on production" and len(group["options"]) == 3


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


async def test_the_form_opens_from_its_button_too_and_where_it_was_pressed(bot: Faced) -> None:
    await bot.type("")
    ts = (await bot.slack.whisper("dev"))["ts"]
    await bot.click(ts, "chom_open_deploy", "staging", user="dev")
    await until(lambda: windows(bot))
    assert filled_in(windows(bot)[0])["environment"] == "staging"
