"""What the thread below a card tells, and of it what the channel hears."""

from __future__ import annotations

import json
from dataclasses import replace

from actions.engine.journal import Answered, StopAsked, TurnedBack
from bot.desk.stopping import why_not
from bot.milestones import milestone
from bot.slack.cards.live import change_card
from bot.slack.messages import thread
from tests.slack.changes import SHIFTING, after, yes
from tests.slack.check import words_of
from tests.slack.journals import FINISHED, FIRST_USERS, OPENED, STAGED, TURNED, begun, ended
from tests.slack.pictures import PICTURES
from tests.slack.views import GO, STAGES, view


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


def test_what_was_pressed_is_called_as_its_button_was() -> None:
    """Abort while a canary had users, and Stop once they all have it."""
    stop = StopAsked(after(97), "dev")
    for over, button in (([], "Abort"), ([ended("shift", "", 96)], "Stop")):
        before = view(GO, yes(), entries=[*FIRST_USERS, *over], change=SHIFTING)
        assert f'"accessibility_label": "{button}: ' in json.dumps(change_card(before).blocks)
        seen = view(GO, yes(), entries=[*FIRST_USERS, *over, stop], change=SHIFTING)
        assert milestone(stop, seen) == f"Dana Dev pressed {button}"
        assert f"{button} pressed by *Dana Dev*" in words_of(change_card(seen))
        assert why_not(seen).startswith(f"Dana Dev has pressed {button} (")
