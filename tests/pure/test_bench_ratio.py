"""What a row of the bench says of its goal: nothing that one hiccup of the machine could have said."""

import pytest

from tests.bench.ratio import Limit, Row, Verdict, between

STEADY = (1.0,) * 9


@pytest.mark.parametrize(("n", "low", "high"), [(1, 0, 0), (5, 0, 4), (6, 0, 5), (9, 1, 7), (12, 2, 9), (20, 5, 14)])
def test_the_median_is_between_the_values_of_the_sign_test(n: int, low: int, high: int) -> None:
    assert between(range(n)) == (low, high)


@pytest.mark.parametrize(
    ("ours", "again", "verdict"),
    [
        (STEADY, STEADY, Verdict.MET),
        ((1.2,) * 9, STEADY, Verdict.MISSED),
        ((1.05,) * 9, (0.9, 1.1) * 4 + (1.0,), Verdict.UNDECIDED),
        ((0.9, 1.2) * 4 + (1.0,), STEADY, Verdict.UNDECIDED),
        ((9.0, *STEADY[1:]), (5.0, *STEADY[1:]), Verdict.MET),
    ],
    ids=["met", "missed", "the peer is as far from itself", "ours is unsteady", "one hiccup each"],
)
def test_a_goal_is_met_or_missed_only_beyond_the_spread(
    ours: tuple[float, ...], again: tuple[float, ...], verdict: Verdict
) -> None:
    assert Row("a row", "ms", ours, STEADY, again, 1.1).verdict is verdict


def test_a_difference_is_compared_as_one_and_printed_with_its_spread() -> None:
    row = Row("start-up", "s", (2.25,) * 9, (1.5,) * 9, (1.5,) * 9, 0.5, plus=True)
    assert (row.value, row.spread, row.verdict) == (0.75, 0.0, Verdict.MISSED)
    assert row.line().endswith("+0.750 s  A/A ±0.000  own ±0.000  n=9  goal +0.5 s: MISSED")


def test_a_limit_is_kept_or_not_beyond_what_the_measure_can_tell() -> None:
    seen = [Limit("oldest card", "s", worst, 30, 0.5).verdict for worst in (29.4, 29.8, 30.3, 30.6)]
    assert seen == [Verdict.MET, Verdict.UNDECIDED, Verdict.UNDECIDED, Verdict.MISSED]
    assert "goal 30: met" in Limit("oldest card", "s", 12.3, 30, 0.5, "17 calls").line()
