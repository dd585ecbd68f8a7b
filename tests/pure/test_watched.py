"""A watch from look to look: only time that was seen to be well counts, and nothing unknown becomes green."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.engine.journal import Sight
from actions.engine.watched import ILL_LOOKS, Glance, How, Watched, looked
from bot.watching.sentences import ended, going

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONGEST = 40.0
WELL, ILL, UNSEEN = Glance(Sight.WELL), Glance(Sight.ILL, "HTTP 500"), Glance(Sight.UNSEEN, "could not see errors")
GONE = Glance(Sight.ILL, "app1 serves v1.1", elsewhere=True)
NEW = Watched("chg-aaaaaa", "production", "v1.2", "20261123_120000", AT, AT, needs=900.0)
STAGING = replace(NEW, environment="staging", needs=0.0)


def after(record: Watched, *looks: Glance, every: float = 10.0) -> Watched:
    for saw in looks:
        if not record.over:
            record = looked(record, saw, record.last + timedelta(seconds=every), LONGEST)
    return record


def test_a_watch_that_sees_only_good_ends_well_after_its_time() -> None:
    assert after(NEW, *[WELL] * 89).how is How.WATCHED
    record = after(NEW, *[WELL] * 90)
    assert (record.how, record.green) == (How.WELL, 900.0)
    sight, said = ended(record)
    assert sight is Sight.WELL and said.startswith("v1.2 was watched on production for 15 minutes: all probes pass")


def test_minute_4_stays_minute_4_while_no_bot_lives() -> None:
    record = after(NEW, *[WELL] * 24)
    assert "4 of 15 minutes" in going(record)
    back = looked(record, WELL, record.last + timedelta(hours=3), LONGEST)
    assert back.green == record.green and "4 of 15 minutes" in going(back)
    assert looked(back, WELL, back.last + timedelta(seconds=10), LONGEST).green == record.green + 10


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    record = after(NEW, WELL)
    assert looked(record, WELL, record.last - timedelta(hours=1), LONGEST).green == record.green


def test_one_ill_look_is_forgiven_and_three_in_a_row_are_not() -> None:
    assert after(NEW, WELL, ILL, ILL, WELL, ILL, ILL, WELL).how is How.WATCHED
    record = after(NEW, WELL, *[ILL] * ILL_LOOKS)
    assert record.how is How.ILL
    assert ended(record) == (Sight.ILL, "v1.2 is ill on production after 0 of 15 minutes of watching: HTTP 500.")


def test_what_cannot_be_seen_is_never_taken_for_health() -> None:
    record = after(NEW, WELL, *[UNSEEN] * 10)
    assert record.green == 10.0 and "it stands still: could not see errors" in going(record)
    over = after(NEW, *[UNSEEN] * 200)
    assert over.how is How.UNSEEN
    assert ended(over) == (
        Sight.UNSEEN,
        "v1.2 was watched on production for 0 of 15 minutes only: could not see errors.",
    )


def test_staging_begins_anew_where_it_was_ill_and_never_ends() -> None:
    assert after(STAGING, *[WELL] * 500).how is How.WATCHED
    assert after(STAGING, WELL, WELL, ILL).green == 0.0
    record = after(STAGING, WELL, WELL, ILL, WELL, WELL)
    assert record.green == 10.0  # the time since the first good look, not since the ill one


def test_another_release_ends_a_watch_and_sets_staging_back() -> None:
    assert after(NEW, WELL, GONE).how is How.REPLACED
    record = after(STAGING, WELL, WELL, GONE)
    assert (record.how, record.green) == (How.WATCHED, 0.0)


@pytest.mark.parametrize("metrics", [True, False])
def test_where_there_are_no_metrics_the_card_says_so(metrics: bool) -> None:
    said = going(after(replace(NEW, metrics=metrics), *[WELL] * 24))
    assert said.startswith("Watching production: 4 of 15 minutes, all probes pass")
    assert ("errors and latency are not watched" in said) is not metrics


@given(st.lists(st.tuples(st.sampled_from([WELL, ILL, UNSEEN]), st.floats(-100, 1000)), max_size=60))
def test_green_is_never_more_than_the_time_between_good_looks(looks: list[tuple[Glance, float]]) -> None:
    record, most, before = NEW, 0.0, Sight.WELL
    for saw, gap in looks:
        if record.over:
            break
        if saw is WELL and before is Sight.WELL and 0 <= gap <= LONGEST:
            most += gap
        record, before = looked(record, saw, record.last + timedelta(seconds=gap), LONGEST), saw.sight
    assert record.green <= most + 0.001
    assert record.how is not How.WELL or record.green >= record.needs
