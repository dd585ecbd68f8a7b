"""What a canary's picture shows of time in which no bot was there: nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from actions.engine.journal import Entry, Measured, Weighed
from bot.charts.story import moments, story
from bot.charts.words import alt
from tests.pure.test_charts import AT, PLAN, told
from tests.support.canaries import shift


def test_time_in_which_no_bot_was_there_and_all_were_on_stable_is_not_in_the_picture() -> None:
    """90 s of the second stage, which has looks after 15 and, as a clock counts, after 120 s."""
    gap = AT.timestamp() + 80, AT.timestamp() + 170
    entries, late = list[Entry](), timedelta(0)
    for entry in shift(AT):
        if entry.at > AT + timedelta(seconds=75):
            late = timedelta(seconds=90)
        if isinstance(entry, Weighed | Measured) and late:
            entry = replace(entry, watched=entry.watched.lapsed([gap]))
        entries.append(replace(entry, at=entry.at + late))
    last, usual = story(PLAN, entries, moments(PLAN, entries)[-1]), told()
    assert last.stages == usual.stages
    assert [(last.when(at) - AT).total_seconds() for at in (0, 60, 80, 81, 180)] == [0, 60, 80, 171, 270]
    assert "50 % of users for 1 min:" in alt(last)
