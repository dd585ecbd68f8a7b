"""`/chom` alone, through the real Bolt: what is most likely wanted, only for who typed it, and each button works."""

from __future__ import annotations

import asyncio

import pytest

from bot.desk.planning import Refusal
from bot.desk.view import PastRun
from policies.change import Account, Person
from tests.slack.changes import CHANGE, after
from tests.slack.conftest import Faced
from tests.slack.support import seen_text, until
from tests.slack.test_conversation import show_card
from tests.slack.views import STAGES


async def begun(bot: Faced, user: str = "dev") -> tuple[str, dict[str, dict[str, object]]]:
    """(ts of the answer, action id -> button)."""
    assert await bot.type("", user) == "acked"
    told = await bot.slack.whisper(user)
    rows = [block["accessory"] for block in told["blocks"] if "accessory" in block]
    return told["ts"], {button["action_id"]: button for button in rows}


async def test_it_is_answered_to_one_person_with_three_buttons(both: Faced) -> None:
    _, offered = await begun(both)
    assert list(offered) == ["chom_open_deploy", "chom_ask_rollback", "chom_status"]
    assert "/chom help" in both.slack.whispers("dev")[-1]["text"]
    assert both.slack.messages() == [] and both.slack.whispers("lead") == [] and both.desk.asked == []


async def test_what_waits_for_me_leads_to_its_card_and_asks_nothing_of_the_bot(both: Faced) -> None:
    both.desk.going = (STAGES["waiting"],)
    card = show_card(both)
    ts, offered = await begun(both, "lead")
    assert offered["chom_open_card"]["url"] == f"{both.slack.base}/archives/C0DEPLOYS/p{card.replace('.', '')}"
    assert await both.click(ts, "chom_open_card") == "acked"
    assert len(both.slack.whispers("lead")) == 1 and both.desk.asked == []


async def test_a_request_whose_card_is_not_there_yet_is_shown(bot: Faced) -> None:
    bot.desk.going = (STAGES["waiting"],)
    ts, _ = await begun(bot, "lead")
    await bot.click(ts, "chom_show_plan")
    await until(lambda: bot.slack.stand_in.memory.views)
    (shown,) = bot.slack.stand_in.memory.views.values()
    assert shown["user"] == "lead" and "Run 2 migrations" in str(shown["blocks"])


async def test_roll_back_asks_first_and_then_asks_the_desk_like_anybody(both: Faced) -> None:
    both.desk.past = (
        PastRun(STAGES["turned_back"], after(90), after(99)),
        PastRun(STAGES["done"], after(41), after(65)),
    )
    ts, offered = await begun(both)
    confirm = str(offered["chom_ask_rollback"]["confirm"])
    assert "v1.2 went live there last" in confirm and "production" in confirm
    await both.click(ts, "chom_ask_rollback", user="dev")
    await both.slack.whisper("dev", 2)
    assert both.desk.asked == [("propose", "rollback on production", "dev")]


async def test_a_refused_rollback_is_said(bot: Faced) -> None:
    def refuse() -> None:
        raise Refusal("production keeps only v1.1, so there is nothing to roll back to.")

    ts, _ = await begun(bot)
    bot.desk.before = refuse
    await bot.click(ts, "chom_ask_rollback", user="dev")
    assert "nothing to roll back to" in (await bot.slack.whisper("dev", 2))["text"]


async def test_what_is_live_is_the_status(bot: Faced) -> None:
    ts, _ = await begun(bot)
    await bot.click(ts, "chom_status", user="dev")
    await bot.slack.whisper("dev", 2)
    assert bot.desk.asked == [("status", "")]


async def test_a_run_under_way_is_watched_at_its_card(bot: Faced) -> None:
    bot.desk.going = (STAGES["running"],)
    bot.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    _, offered = await begun(bot, "cto")
    assert str(offered["chom_open_card"]["url"]).endswith("/archives/C0DEPLOYS/p1000001")
    assert "running, step " in seen_text(bot.slack.whispers("cto")[-1]) and "chom_ask_rollback" not in offered


async def test_a_question_comes_first_to_those_who_may_answer_it_and_is_a_run_to_others(bot: Faced) -> None:
    bot.desk.going = (STAGES["running"], STAGES["asked"])
    await begun(bot, "lead")
    said = bot.slack.whispers("lead")[-1]["text"]
    assert said.startswith("What do you need? Deploy v1.2 to production waits for your answer. app1 was interrupted")
    assert "a person is asked" not in said and "running, step" in said
    await begun(bot, "dev")
    told = bot.slack.whispers("dev")[-1]["text"]
    assert "a person is asked, step 4" in told and "your answer" not in told


@pytest.mark.parametrize(
    ("user", "told"),
    [
        ("lead", "Deploy v1.2 to production is approved, not started: open its card and press Start now."),
        ("dev", "Deploy v1.2 to production, which you asked for: approved, not started: open its card."),
        ("cto", "Deploy v1.2 to production: approved, not started: open its card."),
    ],
)
async def test_what_is_approved_and_not_started_is_not_forgotten(bot: Faced, user: str, told: str) -> None:
    bot.desk.going = (STAGES["allowed"],)
    await begun(bot, user)
    assert f"What do you need? {told} " in bot.slack.whispers(user)[-1]["text"]


async def test_rollback_typed_goes_its_old_way(bot: Faced) -> None:
    await bot.type("rollback")
    await bot.slack.whisper("dev")
    assert bot.desk.asked == [("propose", "rollback", "dev")]


async def test_who_is_not_in_the_configuration_gets_help_and_no_button(bot: Faced) -> None:
    def unknown(account: Account) -> Person:
        raise Refusal(f"I don't know you ({account.team}:{account.user}).")

    bot.desk.person = unknown  # type: ignore[method-assign]
    await bot.type("")
    told = await bot.slack.whisper("dev")
    assert "deploy &lt;version&gt;" in seen_text(told) and "accessory" not in str(told["blocks"])


@pytest.mark.parametrize("value", ["two words", "<!channel>", "x" * 33, "-"])
async def test_a_button_that_is_not_ours_is_refused_in_words(bot: Faced, value: str) -> None:
    ts, _ = await begun(bot)
    await bot.click(ts, "chom_ask_rollback", value, user="dev")
    assert "another version of the bot" in (await bot.slack.whisper("dev", 2))["text"] and bot.desk.asked == []


async def test_the_form_opens_from_its_button(both: Faced) -> None:
    ts, _ = await begun(both)
    await both.click(ts, "chom_open_deploy", user="dev")
    await until(lambda: any(view["callback_id"] == "chom_deploy" for view in both.slack.stand_in.memory.views.values()))


async def test_the_form_opens_from_a_button_of_the_home_and_who_closed_it_is_told_in_the_channel(both: Faced) -> None:
    acts, button = both.slack.stand_in.acts, {"type": "button", "action_id": "chom_open_deploy", "value": "home"}
    deploy = {"type": "actions", "elements": [button | {"text": {"type": "plain_text", "text": "Deploy…"}}]}
    await both.face.client.views_publish(user_id="U0DEV", view={"type": "home", "blocks": [deploy]})
    (home,) = both.slack.stand_in.memory.views.values()
    await acts.click_view("dev", home["id"], "chom_open_deploy", None, {})
    await until(lambda: len(both.slack.stand_in.memory.views) == 2)
    form = list(both.slack.stand_in.memory.views.values())[-1]
    assert form["callback_id"] == "chom_deploy"
    free = asyncio.Event()
    both.desk.before = free.wait
    both.memory.cards[CHANGE.id] = ("C0DEPLOYS", "1.000001")
    await acts.submit("dev", form["id"], {"version": "v1.2"})
    await acts.dismiss("dev", form["id"])
    free.set()
    told = await both.slack.whisper("dev")
    assert told["channel"] == "C0DEPLOYS" and "is asked for" in told["text"]


async def test_a_stranger_who_presses_a_button_of_the_home_is_told_so(bot: Faced) -> None:
    def unknown(account: Account) -> Person:
        raise Refusal(f"I don't know you ({account.team}:{account.user}).")

    bot.desk.person = unknown  # type: ignore[method-assign]
    button = {"type": "button", "action_id": "chom_open_deploy", "text": {"type": "plain_text", "text": "Deploy…"}}
    home_view = {"type": "home", "blocks": [{"type": "actions", "elements": [button]}]}
    await bot.face.client.views_publish(user_id="U0DEV", view=home_view)
    (home,) = bot.slack.stand_in.memory.views.values()
    await bot.slack.stand_in.acts.click_view("dev", home["id"], "chom_open_deploy", None, {})
    assert "I don't know you" in (await bot.slack.whisper("dev"))["text"]
