"""Every state of the card, as it was read aloud and agreed to; CHOM_SNAPSHOTS=write takes new pictures."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.slack.cards.details import details
from bot.slack.cards.live import change_card, metadata, preview_card
from bot.slack.cards.stage import Stage, stage_of
from tests.slack.changes import CHANGE, MIGRATIONS, after
from tests.slack.check import check, words_of
from tests.slack.pictures import PICTURES
from tests.slack.views import STAGES, view

HERE = Path(__file__).parent / "snapshots"


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


def test_a_card_is_drawn_anew_by_the_hour_only_while_it_runs_and_only_by_the_minute() -> None:
    for seen in STAGES.values():
        if stage_of(seen) is not Stage.RUNNING:
            assert change_card(replace(seen, now=after(999))) == change_card(seen)
    long = replace(STAGES["running_long"], now=after(41 + 60 * 10))
    faces = {change_card(replace(long, now=long.now + timedelta(seconds=s))).text for s in range(120)}
    assert len(faces) <= 4


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


def test_a_title_too_long_for_a_header_loses_its_brackets_and_nothing_is_lost() -> None:
    left = tuple(f"2026_11_{n:02}_create_things" for n in range(1, 9))
    title = f"Roll back production from v1.2 to v1.1 ({', '.join(left)} stay in the database)"
    plan = replace(CHANGE.plan, title=title, hosts=(), facts={"migrations_left": left, "way_back": "forward-only"})
    made = change_card(view(change=replace(CHANGE, plan=plan)))
    check(made)
    assert made.blocks[0]["text"]["text"] == "Roll back production from v1.2 to v1.1"
    assert all(name in words_of(made) for name in left)
