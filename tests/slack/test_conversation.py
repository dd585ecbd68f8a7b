"""What people type and click, through the real Bolt, over Socket Mode and over signed HTTP."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import replace

import pytest

from bot.desk.planning import Refusal
from bot.desk.view import PastRun
from bot.sandbox.slack.blocks import checked
from bot.slack.cards.live import change_card, metadata
from policies.change import Account, Person, Role
from tests.slack.changes import CHANGE, PEOPLE, after
from tests.slack.conftest import Faced
from tests.slack.support import seen_text, until
from tests.slack.views import STAGES, view

DIGEST = CHANGE.digest


def show_card(bot: Faced, stage: str = "waiting", known: bool = True) -> str:
    """Put a card into the channel, as the tail does; its ts."""
    made = change_card(STAGES[stage])
    said = {
        "user": "U0CHOM",
        "bot_id": "B0CHOM",
        "app_id": "A0CHOM",
        "text": made.text,
        "blocks": checked(list(made.blocks)),
        "metadata": metadata(STAGES[stage], "1.0"),
    }
    ts = bot.slack.stand_in.memory.post("C0DEPLOYS", said)["ts"]
    if known:
        bot.memory.cards[CHANGE.id] = ("C0DEPLOYS", ts)
    return ts


# --- over both transports ----------------------------------------------------


async def test_a_deploy_is_proposed_by_who_typed_it(both: Faced) -> None:
    assert await both.type('deploy v1.2 reason="it is time"') == "acked"
    told = await both.slack.whisper("dev")
    assert both.desk.asked == [("propose", 'deploy v1.2 reason="it is time"', "dev")]
    assert "Deploy v1.2 to production" in told["text"]
    assert both.slack.messages() == []


async def test_a_click_reaches_the_desk_with_change_digest_person_and_account(both: Faced) -> None:
    ts = show_card(both)
    both.desk.shows = STAGES["starting"]
    assert await both.click(ts, "chom_approve") == "acked"
    await until(lambda: both.desk.asked)
    assert both.desk.asked == [("approve", CHANGE.id, DIGEST, "lead", "T0CHOM:U0LEAD")]


async def test_the_same_delivery_twice_is_done_once(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    ts = show_card(both)
    await both.click(ts, "chom_approve")
    await both.type("deploy v1.2")
    await both.slack.whisper("dev")
    await asyncio.sleep(0.1)
    assert sorted(asked[0] for asked in both.desk.asked) == ["approve", "propose"]


async def test_the_ack_does_not_wait_for_the_work(both: Faced) -> None:
    free = asyncio.Event()
    both.desk.before = free.wait
    begun = time.monotonic()
    assert await both.type("deploy v1.2") == "acked"
    assert time.monotonic() - begun < 1
    await until(lambda: both.desk.asked)
    assert both.slack.whispers("dev") == []
    free.set()
    await both.slack.whisper("dev")


async def test_a_refusal_is_for_the_one_who_typed_and_for_nobody_else(both: Faced) -> None:
    def refuse() -> None:
        raise Refusal('There is no version "<!channel>". The newest are v1.2 and v1.1.')

    both.desk.before = refuse
    await both.type("deploy <!channel>")
    told = await both.slack.whisper("dev")
    assert "There is no version" in told["text"] and "&lt;!channel&gt;" in told["text"]
    assert "<!channel>" not in str(told) and both.slack.messages() == []
    assert all(both.slack.whispers(person) == [] for person in ("lead", "devops", "cto"))


async def test_what_nobody_foresaw_gets_a_reference_that_stands_in_the_log(
    both: Faced, caplog: pytest.LogCaptureFixture
) -> None:
    def burst() -> None:
        raise ZeroDivisionError("secret thing")

    both.desk.before = burst
    await both.type("deploy v1.2")
    told = await both.slack.whisper("dev")
    reference = re.search(r"reference: ([0-9a-f]{8})\.", told["text"])
    assert reference and "secret thing" not in str(told)
    (line,) = [record for record in caplog.records if reference[1] in record.getMessage()]
    assert line.levelno == logging.ERROR and line.exc_info and line.exc_info[0] is ZeroDivisionError


# --- commands ----------------------------------------------------------------


@pytest.mark.parametrize("typed", ["help", "HELP", "help deploy"])
async def test_help_is_for_everybody(bot: Faced, typed: str) -> None:
    bot.desk.person = unknown  # type: ignore[method-assign]
    await bot.type(typed)
    told = seen_text(await bot.slack.whisper("dev"))
    assert "deploy &lt;version&gt;" in told and "`/chom deploy v1.2`" in told
    assert bot.desk.asked == []


def unknown(account: Account) -> Person:
    """The configuration knows nobody."""
    raise Refusal(f"I don't know you ({account.team}:{account.user}).")


async def test_who_is_not_in_the_configuration_can_do_nothing(bot: Faced) -> None:
    bot.desk.person = unknown  # type: ignore[method-assign]
    ts = show_card(bot)
    await bot.click(ts, "chom_approve")
    for typed in ("deploy v1.2", "status", "stop", "plan deploy v1.2", "history"):
        await bot.type(typed, "cto")
    told = await bot.slack.whisper("cto", 5)
    await bot.slack.whisper("lead")
    assert "I don't know you" in told["text"] and bot.desk.asked == []


async def test_a_plan_is_shown_to_one_person_and_starts_nothing(bot: Faced) -> None:
    await bot.type("plan deploy v1.2")
    told = await bot.slack.whisper("dev")
    assert "nothing has been started" in told["text"]
    assert not any(block["type"] == "actions" for block in told["blocks"])
    assert bot.desk.asked == [("preview", "deploy v1.2", "dev")] and bot.slack.messages() == []


async def test_plan_alone_says_what_to_type(bot: Faced) -> None:
    await bot.type("plan")
    assert "`/chom plan deploy v1.2`" in seen_text(await bot.slack.whisper("dev"))


async def test_status_and_history_are_answered_to_one_person(bot: Faced) -> None:
    bot.desk.past = (PastRun(STAGES["done"], after(41), after(65)),)
    await bot.type("status of production")
    await bot.type("history on production")
    told = await bot.slack.whisper("dev", 2)
    assert bot.desk.asked == [("status", "production")]
    assert "took 24 s" in seen_text(told) and bot.slack.messages() == []


async def test_stop_names_the_only_run_or_one_by_its_id(bot: Faced) -> None:
    bot.desk.shows = STAGES["stopping"]
    await bot.type("stop")
    await bot.type("stop chg-7f3kq2")
    told = await bot.slack.whisper("dev", 2)
    assert bot.desk.asked == [("stop", "", "dev"), ("stop", "chg-7f3kq2", "dev")]
    assert "Stopping: Deploy v1.2" in told["text"]


# --- buttons -----------------------------------------------------------------


async def test_each_button_does_what_it_says(bot: Faced) -> None:
    bot.desk.shows = STAGES["running"]
    await bot.click(show_card(bot), "chom_approve")
    await bot.click(show_card(bot, "running"), "chom_stop", user="devops")
    await bot.click(show_card(bot, "asked"), "chom_answer", f"{CHANGE.id}:migrate:app1:turn back", "devops")
    await until(lambda: len(bot.desk.asked) == 3)
    assert sorted(bot.desk.asked) == [
        ("answer", CHANGE.id, "migrate", "app1", "turn back", "devops"),
        ("approve", CHANGE.id, DIGEST, "lead", "T0CHOM:U0LEAD"),
        ("stop", CHANGE.id, "devops"),
    ]


async def test_a_plan_is_opened_for_who_asks_and_for_nobody_whom_the_configuration_does_not_know(bot: Faced) -> None:
    views = bot.slack.stand_in.memory.views
    await bot.click(show_card(bot), "chom_show_plan", user="cto")
    await until(lambda: views)
    (shown,) = views.values()
    assert shown["user"] == "cto" and bot.desk.asked == [] and bot.slack.whispers("cto") == []
    assert "Undone by: Switch app1 and app2 back to v1.1 and restart the queue workers." in str(shown["blocks"])
    bot.desk.person = unknown  # type: ignore[method-assign]
    await bot.click(show_card(bot), "chom_show_plan", user="dev")
    assert "I don't know you" in (await bot.slack.whisper("dev"))["text"] and len(views) == 1


async def test_what_a_click_is_told_stands_in_the_channel_also_where_the_card_has_a_thread(bot: Faced) -> None:
    bot.desk.shows = STAGES["waiting_half"]
    ts, memory = show_card(bot), bot.slack.stand_in.memory
    memory.post("C0DEPLOYS", {"user": "U0DEV", "text": "At last.", "thread_ts": ts})
    card = memory.find("C0DEPLOYS", ts)
    assert card and card["thread_ts"] == ts, "as Slack has it of what has a thread"
    await bot.click(ts, "chom_approve")
    assert "thread_ts" not in await bot.slack.whisper("lead")


async def test_an_approval_that_was_not_the_last_is_said_to_be_counted(bot: Faced) -> None:
    bot.desk.shows = STAGES["waiting_half"]
    await bot.click(show_card(bot), "chom_approve")
    assert "Your approval is counted" in (await bot.slack.whisper("lead"))["text"]


async def test_a_click_on_an_old_card_gets_what_is_true_now_and_a_link(bot: Faced) -> None:
    def refuse() -> None:
        raise Refusal("Deploy v1.2 has ended: v1.2 is live.", CHANGE.id)

    bot.desk.before = refuse
    ts = show_card(bot)
    await bot.click(ts, "chom_approve")
    told = seen_text(await bot.slack.whisper("lead"))
    assert "v1.2 is live" in told
    assert f"{bot.slack.base}/archives/C0DEPLOYS/p{ts.replace('.', '')}|Open its card" in told


@pytest.mark.parametrize("value", ["chg-7f3kq2:zzz", "nonsense", "chg-7f3kq2"])
async def test_a_value_that_is_not_ours_is_refused_in_words(bot: Faced, value: str) -> None:
    await bot.click(show_card(bot), "chom_approve", value)
    assert "another version of the bot" in (await bot.slack.whisper("lead"))["text"]
    assert bot.desk.asked == []


async def test_a_second_copy_of_a_card_gives_itself_up_when_it_is_clicked(bot: Faced) -> None:
    copy = show_card(bot, known=False)
    true = show_card(bot)
    await bot.click(copy, "chom_approve")
    message = bot.slack.stand_in.memory.find("C0DEPLOYS", copy)
    await until(lambda: message and message["text"].startswith("This is an old copy"))
    assert f"p{true.replace('.', '')}" in seen_text(message or {})
    assert [asked[0] for asked in bot.desk.asked] == ["approve"]
    assert "Approve" in str(bot.slack.stand_in.memory.find("C0DEPLOYS", true))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (f"approve {CHANGE.id}", "press Approve on its card"),
        (f"Reject {CHANGE.id} not on a Friday", "press Reject on its card"),
        ("answer", "press one of the answers on its card"),
    ],
)
async def test_what_is_a_button_in_slack_is_not_typed_there(bot: Faced, typed: str, said: str) -> None:
    show_card(bot)
    await bot.type(typed, "lead")
    answer = await bot.slack.whisper("lead")
    assert said in answer["text"] and bot.desk.asked == []
    assert (CHANGE.id in typed) == ("Open its card" in seen_text(answer)), "the card is linked where it was named"


async def test_roll_back_asks_for_a_rollback_of_what_is_live(bot: Faced) -> None:
    bot.desk.shows = STAGES["done"]
    bot.desk.past = (
        PastRun(STAGES["turned_back"], after(41), after(57)),
        PastRun(STAGES["done"], after(41), after(65)),
    )
    await bot.click(show_card(bot, "done"), "chom_rollback")
    await bot.slack.whisper("lead")
    assert bot.desk.asked == [("at_once", "rollback on production", "lead", "T0CHOM:U0LEAD")]


async def test_roll_back_on_an_older_card_rolls_nothing_back(bot: Faced) -> None:
    bot.desk.shows = STAGES["done"]
    newer = view(change=replace(CHANGE, id="chg-newest", plan=replace(CHANGE.plan, title="Deploy v1.3 to production")))
    bot.desk.past = (PastRun(newer, after(99), None), PastRun(STAGES["done"], after(41), after(65)))
    await bot.click(show_card(bot, "done"), "chom_rollback")
    assert "Deploy v1.3 to production came after it" in (await bot.slack.whisper("lead"))["text"]
    assert bot.desk.asked == []


# --- who ---------------------------------------------------------------------


async def test_in_a_shared_channel_the_clickers_own_team_counts() -> None:
    from bot.slack.acts.asker import of_click

    body = {"team": {"id": "T0CHOM"}, "user": {"id": "U0LEAD", "team_id": "T0OTHER", "name": "lead"}}
    assert of_click(body).account == Account("T0OTHER", "U0LEAD")


async def test_names_in_a_payload_are_never_looked_at(bot: Faced) -> None:
    from bot.slack.acts.asker import of_command

    body = {"team_id": "T0CHOM", "user_id": "U0DEV", "user_name": "lead"}
    assert bot.desk.person(of_command(body).account) == PEOPLE["dev"]
    assert Role.TECH_LEAD not in PEOPLE["dev"].roles
