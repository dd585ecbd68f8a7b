"""Every state of the card, as it was read aloud and agreed to; CHOM_SNAPSHOTS=write takes new pictures."""

from __future__ import annotations

import html
import json
import os
import re
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from actions.engine.journal import Answered, Asked, TurnedBack
from actions.engine.plan import Arg
from actions.engine.registry import discover
from bot.app import RESERVED
from bot.desk.refusals import busy
from bot.desk.stopping import why_not
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.slack.blocks import Card
from bot.slack.cards.details import details
from bot.slack.cards.explained import explained
from bot.slack.cards.live import change_card, metadata, preview_card
from bot.slack.cards.pressed import Answer, Click, Press, read_click
from bot.slack.cards.stage import DEAD, Stage, stage_of
from bot.slack.messages import log_file, notices, texts, thread
from tests.slack.changes import CHANGE, FLEET, MIGRATIONS, after, yes
from tests.slack.check import buttons, check, words_of
from tests.slack.journals import FINISHED, OPENED, ROLLED, STAGED, TURNED, begun
from tests.slack.views import GO, STAGES, view

HERE = Path(__file__).parent / "snapshots"
LINK = "https://chom.slack.com/archives/C0DEPLOYS/p1"

CONTENTS: dict[str, Arg] = {
    "unknown": "",
    "by_commit": ("v1.1",),
    "migrations": ("2026_11_09_140000_add_discount_to_orders", "2026_11_10_101500_drop_old_price"),
    "destructive": ("2026_11_10_101500_drop_old_price",),
    "destructive_because": ("line 14: it calls dropColumn old_price of products",),
    "restores": ("2026_11_10_101500_drop_old_price",),
    "forward_only": ("2026_11_09_140000_add_discount_to_orders",),
    "locks": ("laravel/framework v8.83.27 → v9.0.0 (major)",),
    "env_added": ("MAIL_HOST",),
    "env_removed": ("OLD_KEY",),
    "vendor": True,
    "changed": ("app/Shop.php", "config/app.php"),
    "changed_files": 5,
    "changed_bytes": 120_000,
}


def with_facts(facts: dict[str, Arg]) -> ChangeView:
    made = STAGES["waiting"]
    plan = replace(made.change.plan, facts={**made.change.plan.facts, **facts})
    return replace(made, change=replace(made.change, plan=plan))


PICTURES: dict[str, Card] = (
    {name: change_card(seen) for name, seen in STAGES.items()}
    | {
        "done_long_ago": change_card(STAGES["done"], newest=False),
        "preview_emergency": preview_card(STAGES["emergency"]),
        "details_emergency": details(STAGES["emergency"]),
        "explained": explained((STAGES["waiting_half"], STAGES["emergency"])),
        "notice_emergency": notices.emergency(STAGES["emergency"]),
        "notice_reminder": notices.reminder(STAGES["waiting_two"]),
        "notice_ready": notices.ready(STAGES["allowed_held"]),
        "notice_review": notices.review_owed(STAGES["emergency_done"], 0),
        "notice_review_weeks": notices.review_owed(STAGES["emergency_done"], 3),
        "reviewed_typed": texts.reviewed(STAGES["emergency_reviewed"], LINK),
        "history_of_all": texts.history(
            (
                PastRun(STAGES["emergency_done"], after(41), after(65)),
                *(PastRun(STAGES[name], after(0), None) for name in ("rejected", "withdrawn", "expired", "void")),
            ),
            "",
        ),
        "status_reviews": texts.status(
            (EnvironmentStatus("production", FLEET, "", None, (), (STAGES["emergency_done"],)),)
        ),
        "preview": preview_card(STAGES["waiting"]),
        "details": details(STAGES["waiting"]),
        "details_changes": details(with_facts(CONTENTS)),
        "details_not_known": details(with_facts({"unknown": "what it changes is not known: v1.1 has no artifact"})),
        "details_usual": details(STAGES["waiting_usual"]),
        "details_running": details(STAGES["running_half"]),
        "details_turned_back": details(STAGES["turned_back"]),
        "asked_for": texts.asked(STAGES["waiting"], "C0DEPLOYS", LINK),
        "asked_for_no_card_yet": texts.asked(STAGES["waiting"], "C0DEPLOYS"),
        "asked_for_starts": texts.asked(STAGES["starting"], "C0DEPLOYS", LINK),
        "trouble": texts.trouble("0a1b2c3d"),
        "log_follows": log_file.follows(["app2"]),
        "log_given_up": log_file.given_up(STAGES["turned_back"], "app2 does not answer: ssh, 3 times."),
        "busy": texts.said(texts.BUSY),
        "too_slow": texts.said(texts.TOO_SLOW),
        "refused": texts.said(busy(STAGES["running"]).said, LINK),
        "refused_late": texts.said(why_not(STAGES["stopping"]), LINK),
        "not_asked": texts.not_asked(busy(STAGES["running"]).said),
        "stopping_typed": texts.stopping(STAGES["stopping"], LINK),
        "withdrawn_typed": texts.stopping(STAGES["withdrawn"], LINK),
        "approval_counted": texts.approval_counted(STAGES["waiting_half"]),
        "approval_counted_blocked": texts.approval_counted(STAGES["blocked"]),
        "old_copy": texts.old_copy(LINK),
        "old_copy_lost": texts.old_copy(),
        "help": texts.helped(discover(RESERVED).help()),
        "help_deploy": texts.helped(discover(RESERVED).help("deploy")),
        "help_mistyped": texts.helped(discover(RESERVED).help("deplyo")),
        "status": texts.status(
            (
                EnvironmentStatus("production", None, "app2 does not answer: ssh, 3 times.", STAGES["running"], ()),
                EnvironmentStatus("staging", None, "app9 does not answer.", None, (STAGES["waiting"],)),
            )
        ),
        "status_canary": texts.status((EnvironmentStatus("production", FLEET, "", STAGES["canary_held"], ()),)),
        "status_served": texts.status((EnvironmentStatus("production", FLEET, "", None, ()),)),
        "history": texts.history(
            (
                PastRun(STAGES["turned_back"], after(41), after(57.5)),
                PastRun(STAGES["done"], after(41), after(65)),
                PastRun(STAGES["running"], after(41), None),
            ),
            "production",
        ),
        "history_none": texts.history((), "staging"),
    }
    | {
        f"thread_{name}_{number}": said.card
        for name, entries in (("turned_back", TURNED), ("done", FINISHED))
        for number, said in enumerate(thread.thread(entries, 0, view(GO, yes(), entries=entries)))
    }
)


@pytest.mark.parametrize("name", PICTURES)
def test_it_looks_as_it_was_agreed(name: str) -> None:
    path, made = HERE / f"{name}.json", json.dumps(asdict(PICTURES[name]), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("CHOM_SNAPSHOTS") == "write":
        HERE.mkdir(exist_ok=True)
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


def test_there_is_a_picture_of_every_stage_and_no_other() -> None:
    assert {stage_of(seen) for seen in STAGES.values()} == set(Stage)
    assert {path.stem for path in HERE.iterdir()} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_slack_takes_it_and_a_screen_reader_reads_a_sentence(name: str) -> None:
    check(PICTURES[name])
    assert PICTURES[name].text[-1] in ".?!"


@pytest.mark.parametrize("name", STAGES)
def test_what_a_card_offers(name: str) -> None:
    offered = {
        Stage.WAITING: {"Approve", "Reject", "View plan"},
        Stage.BLOCKED: {"Reject", "View plan"},
        Stage.ALLOWED: {"Start now", "Reject", "View plan"},
        Stage.STARTING: {"Stop", "View plan"},
        Stage.RUNNING: {"Stop", "View plan"},
        Stage.ASKED: {"Try again", "Turn back", "Go on", "View plan"},
        Stage.DONE: {"Roll back", "View plan"},
        Stage.EXPIRED: {"Ask again"},
        Stage.VOID: {"Ask again"},
    }
    stage = stage_of(STAGES[name])
    offered |= {dead: set[str]() for dead in DEAD - offered.keys()}
    offered |= {Stage.ALLOWED: {"Reject", "View plan"}} if STAGES[name].behind else {}
    special = {"host_away": {"Stop", "View plan"}, "rolled_back": {"View plan"}, "standard_done": {"View plan"}}
    special |= {"done_lost": {"View plan"}}
    special |= {
        "emergency_done": {"Review", "Roll back", "View plan"},
        "emergency_turned_back": {"Review", "View plan"},
    }
    special |= {name: {"Promote now", "Hold", "Abort", "View plan"} for name in ("canary", "canary_second")}
    special |= {"canary_held": {"Promote now", "Abort", "View plan"}}
    expected = special.get(name) or offered.get(stage, {"View plan"})
    assert buttons(PICTURES[name]).keys() == expected


def test_every_button_that_acts_asks_first_and_carries_what_was_shown() -> None:
    """Reject and Review ask in the window that they open (test_forms.py)."""
    for name, seen in STAGES.items():
        for label, button in buttons(PICTURES[name]).items():
            click = read_click(button["action_id"], button["value"])
            assert click is not None
            assert ("confirm" in button) == (label not in {"View plan", "Reject", "Review"})
            if isinstance(click, Click):
                assert (click.change, click.digest) == (CHANGE.id, seen.change.digest)
                spoken = json.dumps(button.get("confirm", {}))
                assert "confirm" not in button or (seen.change.plan.version in spoken and "production" in spoken)


def test_who_has_to_act_is_called_by_their_account_and_the_requester_never() -> None:
    waiting = words_of(PICTURES["waiting"])
    assert "<@U0LEAD>" in waiting and "<@U0DEV>" not in waiting and "<@U0CTO>" not in waiting


def test_what_cannot_be_undone_is_named_before_it_is_approved() -> None:
    for name in MIGRATIONS:
        assert name in words_of(PICTURES["waiting"])
        assert name in words_of(PICTURES["preview"])
        assert name in words_of(PICTURES["turned_back"])


def test_migrations_that_no_step_names_are_named_too() -> None:
    silent = replace(CHANGE, plan=replace(CHANGE.plan, steps=CHANGE.plan.steps[:2]))
    assert all(name in words_of(change_card(view(change=silent))) for name in MIGRATIONS)


def test_who_decided_and_when_stays_on_the_card() -> None:
    for name in ("running", "done", "turned_back", "void"):
        assert "Approved by *Lea Lead* (Tech Lead) <!date^" in words_of(PICTURES[name])
    assert "Rejected by Lea Lead" in PICTURES["rejected"].text


def test_a_preview_has_no_button_and_says_that_nothing_began() -> None:
    assert buttons(PICTURES["preview"]) == {}
    assert "nothing has been started" in PICTURES["preview"].text


def test_a_card_is_drawn_anew_by_the_hour_only_while_it_runs_and_only_by_the_minute() -> None:
    for seen in STAGES.values():
        if stage_of(seen) is not Stage.RUNNING:
            assert change_card(replace(seen, now=after(999))) == change_card(seen)
    long = replace(STAGES["running_long"], now=after(41 + 60 * 10))
    faces = {change_card(replace(long, now=long.now + timedelta(seconds=s))).text for s in range(120)}
    assert len(faces) <= 4


def test_an_answer_is_read_back_with_step_host_and_choice() -> None:
    button = buttons(PICTURES["asked"])["Try again"]
    assert read_click("chom_answer", button["value"]) == Answer(CHANGE.id, "migrate", "app1", "try again")
    bot_itself = Asked(after(70), "hold", "", "Go on?", ("go on", "turn back"))
    offered = buttons(change_card(view(GO, yes(), entries=[*STAGED, bot_itself])))
    assert read_click("chom_answer", offered["Go on"]["value"]) == Answer(CHANGE.id, "hold", "", "go on")


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("chom_approve", ""),
        ("chom_approve", "chg-7f3kq2"),
        ("chom_approve", "chg-7f3kq2:abc"),
        ("chom_approve", f"../x:{'a' * 64}"),
        ("chom_answer", "chg-7f3kq2:migrate"),
        ("chom_delete_everything", f"chg-7f3kq2:{'a' * 64}"),
    ],
)
def test_what_is_not_ours_is_not_guessed_at(action: str, value: str) -> None:
    assert read_click(action, value) is None


def test_a_press_is_what_its_button_says() -> None:
    button = buttons(PICTURES["waiting"])["Approve"]
    assert read_click(button["action_id"], button["value"]) == Click(Press.APPROVE, CHANGE.id, CHANGE.digest)


def test_metadata_names_the_change_and_slack_takes_its_type() -> None:
    made = metadata(STAGES["waiting"], "0.0")
    assert made == {"event_type": "chom_card", "event_payload": {"change": CHANGE.id, "revision": "0.0"}}


def test_a_hundred_steps_still_are_one_message() -> None:
    many = tuple(
        replace(CHANGE.plan.steps[1], name=f"s{n}", title=f"Step of many, number {n} " + "x" * 190) for n in range(100)
    )
    seen = view(change=replace(CHANGE, plan=replace(CHANGE.plan, steps=many)))
    for made in (change_card(seen), preview_card(seen), details(seen)):
        check(made)
        assert "100 steps" in made.text or "100 steps" in words_of(made) or "more" in words_of(made)


def test_the_thread_tells_entries_once_and_a_success_to_those_who_look() -> None:
    seen = view(GO, yes(), entries=FINISHED)
    told = thread.thread(FINISHED, 0, seen)
    assert [(said.upto, said.broadcast, said.urgent) for said in told] == [
        (len(FINISHED) - 1, False, False),
        (len(FINISHED), False, True),
    ]
    assert thread.thread(FINISHED, len(FINISHED), seen) == []
    assert thread.thread([OPENED, begun("expect", "", 42)], 0, seen) == []


def test_the_channel_hears_of_a_failure_and_of_its_end_and_of_nothing_between() -> None:
    (before, failure, undone, end) = thread.thread(TURNED, 0, view(GO, yes(), entries=TURNED))
    assert [said.broadcast for said in (before, failure, undone, end)] == [False, True, False, True]
    assert "```\nGET /health\nHTTP 500" in words_of(failure.card) and "Turning back" in words_of(failure.card)
    assert "HTTP 500" not in words_of(before.card) and "removed" in words_of(undone.card)
    assert "16 s" in end.card.text and "approved by Lea Lead" in end.card.text


def test_a_failure_that_was_told_already_is_called_one_when_it_turns() -> None:
    """Told in two goes, since the turn was written later: the channel still hears of it once."""
    turned = next(n for n, entry in enumerate(TURNED) if isinstance(entry, TurnedBack))
    parts = [*thread.thread(TURNED[:turned], 0, view(GO, yes(), entries=TURNED[:turned]))]
    parts += thread.thread(TURNED[: turned + 1], turned, view(GO, yes(), entries=TURNED[: turned + 1]))
    assert [said.broadcast for said in parts] == [False, True]
    assert "Turning back: the health check failed on app1" in words_of(parts[-1].card), "the channel hears why"


def test_a_run_that_somebody_stopped_is_no_failure() -> None:
    stopped = [replace(entry, by="dev") if isinstance(entry, TurnedBack) else entry for entry in TURNED]
    assert not any(said.broadcast for said in thread.thread(stopped, 0, view(GO, yes(), entries=stopped)))


def test_a_question_is_put_to_the_channel() -> None:
    asked = STAGES["asked"]
    entries = [*STAGED, begun("migrate", "app1", 50), asked.run.question]
    (before, question) = thread.thread(entries, 0, asked)
    assert not before.broadcast and question.broadcast and "was interrupted" in words_of(question.card)
    said = words_of(question.card)
    assert "*Deploy v1.2 to production.* A person has to decide." in said, "the channel does not see the card above it"
    for told in (said, words_of(PICTURES["asked"])):
        assert "<@U0LEAD> and <@U0DEVOPS> can answer it." in told and "<@U0DEV>" not in told
    over = view(GO, yes(), entries=[*entries, Answered(after(80), "migrate", "app1", "turn back", "lead")])
    assert "can answer it" not in str(thread.thread(entries, 0, over)), "nobody is called once it is answered"


def test_a_title_too_long_for_a_header_loses_its_brackets_and_nothing_is_lost() -> None:
    left = tuple(f"2026_11_{n:02}_create_things" for n in range(1, 9))
    title = f"Roll back production from v1.2 to v1.1 ({', '.join(left)} stay in the database)"
    plan = replace(CHANGE.plan, title=title, hosts=(), facts={"migrations_left": left, "way_back": "forward-only"})
    made = change_card(view(change=replace(CHANGE, plan=plan)))
    check(made)
    assert made.blocks[0]["text"]["text"] == "Roll back production from v1.2 to v1.1"
    assert all(name in words_of(made) for name in left)


def test_after_a_rollback_only_the_way_forward_is_offered_for_there_may_be_no_older_release() -> None:
    rolled = STAGES["rolled_back"]
    forward = "To go to v1.1 again: `/chom rollback to v1.1 on production`"
    end = words_of(thread.thread(ROLLED, 0, rolled)[-1].card)
    assert forward in end and "Something wrong?" not in end
    assert forward in words_of(PICTURES["rolled_back"]) and "chom_rollback" not in str(PICTURES["rolled_back"].blocks)
    first = replace(CHANGE, plan=replace(CHANGE.plan, facts={"replaces": ""}))
    assert "rollback" not in words_of(
        thread.thread(FINISHED, 0, view(GO, yes(), entries=FINISHED, change=first))[-1].card
    )


def test_approve_is_on_the_first_screen_of_a_phone() -> None:
    """390 px hold 40 characters a line, and 20 lines between Slack's bars: see it with a sandbox in a narrow window."""
    for name in (name for name, seen in STAGES.items() if stage_of(seen) is Stage.WAITING):
        blocks = list(PICTURES[name].blocks)
        buttons_at = next(n for n, block in enumerate(blocks) if block["type"] == "actions")
        read = html.unescape("\n".join(block["text"]["text"] for block in blocks[:buttons_at]))
        lines = re.sub(r"<!date[^>]*>|<@U\w+>", "today at 10:00", read).split("\n")
        assert sum(1 + len(line) // 40 for line in lines) + buttons_at <= 20, name
