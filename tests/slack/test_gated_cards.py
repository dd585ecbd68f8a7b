"""What a card says of evidence and of the watch after a deploy: a mark, a word and a sentence, and the buttons."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from actions.engine.fold import fold
from actions.engine.journal import Ended, Observed, Opened, Outcome, Sight
from actions.engine.watched import Watched
from bot.desk.view import ChangeView, EnvironmentStatus
from bot.shell import printed
from bot.slack.blocks import Card
from bot.slack.cards.live import change_card
from bot.slack.messages import texts
from bot.slack.messages.thread import thread
from policies.change import Evidence, Need, Requirement, Role, Waiting, WhenReady
from tests.slack.changes import AT, CHANGE, after, yes
from tests.slack.check import check
from tests.slack.views import view

TWO = Requirement(2, "It has migrations.", (Need(Role.TECH_LEAD),), ("staging", "checks", "drill"))
GREEN = "v1.2 has been healthy in staging for 12 of 30 minutes."
SHOWN = (
    Evidence("staging", False, GREEN, AT, opens=AT + timedelta(minutes=18)),
    Evidence("checks", False, "tests failed for commit 1f0c2d3e4b.", AT),
    Evidence("drill", True, "A DR drill passed 2026-11-01T10:00:00Z (recorded by hand by Ola Ops: “restored”).", AT),
)
SAID = f"{GREEN} tests failed for commit 1f0c2d3e4b."


def waiting(missing: tuple[Need, ...] = (), when: WhenReady = WhenReady.START) -> ChangeView:
    change = replace(CHANGE, requirement=replace(TWO, when_ready=when))
    said = ("Waiting for a Tech Lead: Lea Lead. " if missing else "") + SAID
    return replace(
        view(Waiting(said, missing, ("staging", "checks")), yes(change=change), change=change), evidence=SHOWN
    )


def seen(card: Card) -> str:
    return json.dumps(card.blocks, ensure_ascii=False)


@pytest.mark.parametrize("missing", [(), (Need(Role.TECH_LEAD),)])
def test_each_gate_has_its_line_once_and_the_text_says_it_too(missing: tuple[Need, ...]) -> None:
    card = change_card(waiting(missing))
    check(card)
    shown = seen(card)
    assert f"◷ *Staging:* {GREEN}" in shown and "✗ *CI checks:* tests failed" in shown and "✓ *DR drill:*" in shown
    assert shown.count(GREEN) == 1 and GREEN in card.text and "tests failed" in card.text
    assert ("chom_approve" in shown) is bool(missing)


def test_what_is_to_be_typed_is_said_as_it_is_typed_in_slack() -> None:
    said = "v1.2 is not in staging. Try it there first: `deploy v1.2 to staging`."
    tried = replace(waiting(), verdict=Waiting(said, (), ("staging",)))
    for card in (
        texts.asked(tried, "C0DEPLOYS"),
        texts.status((EnvironmentStatus("production", None, "app2 does not answer.", None, (tried,)),)),
    ):
        check(card)
        assert "first: `/chom deploy v1.2 to staging`." in seen(card)


def test_once_approved_the_card_says_what_it_waits_for_and_what_happens_then() -> None:
    card = change_card(waiting())
    assert "Approved; it waits for evidence." in seen(card) and "It starts by itself" in seen(card)
    asks = change_card(waiting(when=WhenReady.ASK))
    assert "it is started with Start now" in seen(asks)


def test_a_shell_says_the_same() -> None:
    lines = "\n".join(printed.plan(waiting()))
    assert f"◷ Staging: {GREEN}" in lines and "passed 2026-11-01 10:00 UTC" in lines


ENTRIES = (Opened(after(41), CHANGE.id, CHANGE.digest, "lead"), Ended(after(90), Outcome.DONE, "v1.2 is live."))
WATCH = Watched(CHANGE.id, "production", "v1.2", "r", AT, AT, needs=900.0, green=250.0, metrics=True)


def ended(*more: Observed) -> ChangeView:
    return replace(view(waiting().verdict, yes()), run=fold([*ENTRIES, *more]))


def test_a_watch_that_goes_on_is_on_the_card() -> None:
    card = change_card(replace(ended(), watched=WATCH))
    check(card)
    said = "Watching production: 4 of 15 minutes, all probes pass, errors and latency are within their limits."
    assert said in seen(card) and said in card.text


def test_one_that_ended_well_is_told_in_the_thread_and_one_that_ended_ill_to_the_channel() -> None:
    for sight, alarming in ((Sight.WELL, False), (Sight.UNSEEN, False), (Sight.ILL, True)):
        last = Observed(after(990), sight, "v1.2 is as it is.")
        there = ended(last)
        card, (told,) = change_card(there), thread([*ENTRIES, last], 2, there)
        check(card)
        assert "v1.2 is as it is." in card.text and "v1.2 is as it is." in told.card.text
        assert (told.broadcast, told.urgent) == (alarming, alarming)
        assert ("Live, but ill." in seen(card)) is alarming and ("Press Roll back to send" in seen(card)) is alarming
