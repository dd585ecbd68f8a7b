"""The buttons of a card: each asks first, carries what was shown, and is read back as the person saw it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import pytest

from actions.engine.journal import Asked
from bot.slack.cards.live import change_card
from bot.slack.cards.pressed import Answer, Click, Press, read_click
from bot.slack.cards.stage import DEAD, Stage, stage_of
from bot.slack.messages import thread
from tests.slack.changes import CHANGE, after, yes
from tests.slack.check import buttons, words_of
from tests.slack.journals import FINISHED, ROLLED, STAGED
from tests.slack.pictures import PICTURES
from tests.slack.views import GO, STAGES, view


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
    special |= {"done_lost": {"View plan"}, "waiting_nobody_can": {"Reject", "View plan"}}
    special |= {
        "emergency_done": {"Review", "Roll back", "View plan"},
        "emergency_turned_back": {"Review", "View plan"},
    }
    special |= {"canary": {"Promote to 25 %", "Hold", "Abort", "View plan"}}
    special |= {"canary_second": {"Promote to 50 %", "Hold", "Abort", "View plan"}}
    special |= {"canary_last": {"Make v1.2 live", "Hold", "Abort", "View plan"}}
    special |= {"canary_held": {"Promote to 25 %", "Abort", "View plan"}}
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


@pytest.mark.parametrize(
    ("stage", "weight", "label", "choice"),
    [
        ("canary", 10, "Promote to 25 %", "promote to 25 %"),
        ("canary_second", 25, "Promote to 50 %", "promote to 50 %"),
        ("canary_last", 100, "Make v1.2 live", "make v1.2 live"),
    ],
)
def test_the_way_on_says_where_it_leads_and_pins_it(stage: str, weight: int, label: str, choice: str) -> None:
    button = buttons(PICTURES[stage])[label]
    assert read_click("chom_answer", button["value"]) == Answer(CHANGE.id, "shift", str(weight), choice)
    assert button["accessibility_label"].startswith(f"{label}: "), "it is heard as it is read"
    title = button["confirm"]["title"]["text"]
    assert "v1.2" in title and "production" in title


def test_a_preview_has_no_button_and_says_that_nothing_began() -> None:
    assert buttons(PICTURES["preview"]) == {}
    assert "nothing has been started" in PICTURES["preview"].text


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
    for name in (name for name in STAGES if "Approve" in buttons(PICTURES[name])):
        blocks = list(PICTURES[name].blocks)
        buttons_at = next(n for n, block in enumerate(blocks) if block["type"] == "actions")
        read = html.unescape("\n".join(block["text"]["text"] for block in blocks[:buttons_at]))
        lines = re.sub(r"<!date[^>]*>|<@U\w+>", "today at 10:00", read).split("\n")
        assert sum(1 + len(line) // 40 for line in lines) + buttons_at <= 20, name
