"""How a canary's requests are counted out of scrapes, and what evidence the counts are."""

from __future__ import annotations

import math

import pytest

from actions.engine.analysis import (
    Scrape,
    Totals,
    Watched,
)
from actions.engine.analysis.evidence import e_value, pooled
from tests.pure.canary import BEGAN, LIMITS, begun

NOW = BEGAN + 5
HERE = Totals(9000, 90, 90)


def counted(*read: Scrape):
    watched = begun()
    for scrape in read:
        watched = watched.read([scrape])
    stage = watched.tallies[-1]
    return (stage.canary.requests, stage.canary.failed, stage.stable.requests)


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param([Scrape("app1", NOW, Totals(50, 9, 7), HERE)], (10, 2, 0), id="a difference"),
        pytest.param([Scrape("app1", NOW, Totals(4, 1, 0), HERE)], (4, 1, 0), id="reset: all is new"),
        pytest.param([Scrape("app1", NOW, Totals(60, 0, 0), HERE)], (60, 0, 0), id="one of them fell: all were reset"),
        pytest.param([Scrape("app1", NOW, Totals(50, 9, 7), HERE)] * 3, (10, 2, 0), id="said three times"),
        pytest.param(
            [Scrape("app1", NOW, Totals(50, 9, 7), HERE), Scrape("app1", NOW - 2, Totals(45, 8, 7), HERE)],
            (10, 2, 0),
            id="older than what is known",
        ),
        pytest.param([Scrape("app1", NOW, Totals(math.nan, 9, 7), HERE)], (0, 0, 0), id="NaN"),
        pytest.param(
            [Scrape("app1", NOW, Totals(50, math.nan, 7), HERE), Scrape("app1", NOW + 5, Totals(52, 9, 7), HERE)],
            (12, 2, 0),
            id="what NaN hid is in the next one",
        ),
        pytest.param([Scrape("app1", NOW, Totals(math.inf, 9, 7), HERE)], (0, 0, 0), id="infinite"),
        pytest.param([Scrape("app1", NOW, Totals(50, -1, 7), HERE)], (0, 0, 0), id="below nothing"),
        pytest.param([Scrape("app9", NOW, Totals(50, 9, 7), HERE)], (0, 0, 0), id="another environment's server"),
    ],
)
def test_counters(read: list[Scrape], expected: tuple[int, int, int]):
    assert counted(*read) == expected


def test_a_series_that_is_born_while_it_is_watched_counts_from_nothing():
    newborn = Watched(("app1",), 5, BEGAN).read([Scrape("app1", BEGAN)])
    watched = newborn.read([Scrape("app1", NOW, Totals(3, 2, 0), Totals(30, 0, 0))])
    assert watched.tallies[-1].canary.failed == 2
    assert watched.tallies[-1].stable.requests == 30


def test_what_was_counted_before_the_first_scrape_is_not_the_canarys():
    watched = Watched(("app1",), 5, BEGAN).read([Scrape("app1", NOW, Totals(900, 800, 0), HERE)])
    assert watched.tallies[0].canary.requests == 0


def test_what_a_scrape_with_no_value_says_is_not_fresh():
    watched = begun().read([Scrape("app1", NOW, Totals(math.nan, 0, 0), HERE)])
    assert watched.fresh == BEGAN


def test_evidence_is_one_before_anything_was_seen_and_falls_with_good_requests():
    assert e_value(0, 0, 0.02, LIMITS.alternatives) == 1
    assert e_value(0, 100, 0.02, LIMITS.alternatives) < 0.02
    assert pooled(1, [1], 5) == 1


def test_evidence_is_an_e_value_its_mean_is_one_where_the_share_is_just_allowed():
    """Sum over s of P(s of 40) * E(s, 40) = 1: what Ville's inequality needs."""
    for allowed in (0.02, 0.035, 0.05):
        mean = sum(
            math.comb(40, s) * allowed**s * (1 - allowed) ** (40 - s) * e_value(s, 40, allowed, LIMITS.alternatives)
            for s in range(41)
        )
        assert mean == pytest.approx(1)


def test_evidence_of_a_hundred_thousand_failures_is_a_number():
    assert e_value(100_000, 100_000, 0.02, LIMITS.alternatives) > 1e300
