"""What the analysis decides of a canary, as tables."""

from __future__ import annotations

import pytest

from actions.engine.analysis import (
    Cause,
    Extend,
    Hold,
    Limits,
    Promote,
    RollBack,
    Scrape,
    Totals,
    Wait,
    Watched,
    decide,
)
from actions.engine.codec import dump, load
from tests.pure.canary import BEGAN, LIMITS, Tick, after, begun

HEALTHY = Tick(requests=5, stable=45)
STAGE = 60
"""Ticks of five seconds in a stage."""
END = BEGAN + LIMITS.stage


def decided(watched: Watched, now: float):
    return decide(watched, now, LIMITS)


def test_a_healthy_stage_waits_until_it_is_over_and_is_then_promoted():
    watched = after(*[HEALTHY] * STAGE)
    assert decided(watched, END - 1) == Wait("0 of 300 requests failed; stable: 0 of 2,700.")
    assert decided(watched, END) == Promote("0 of 300 requests failed; stable: 0 of 2,700.")


@pytest.mark.parametrize(
    ("ticks", "why"),
    [
        (
            [Tick(requests=5, failed=2, stable=45), Tick(requests=5, failed=3, stable=45)] * 2,
            "10 of 20 requests failed; stable: 0 of 180. The limit is 5 %, and this is 50 %.",
        ),
        (
            [Tick(requests=5, slow=2, stable=45, stable_slow=1)] * 3,
            "6 of 15 requests were slow; stable: 3 of 135. The limit is 5 %, and this is 40 %.",
        ),
    ],
)
def test_a_bad_build_goes_back_before_its_stage_is_over(ticks: list[Tick], why: str):
    found = decided(after(*ticks), BEGAN + 20)
    assert isinstance(found, RollBack)
    assert (found.why, found.environment, found.inconclusive) == (why, False, False)
    assert found.cause is (Cause.FAILED if "failed" in why else Cause.SLOW)


def test_one_outage_is_not_a_build_and_a_total_failure_is_known_at_the_third_tick():
    hiccup = [HEALTHY] * 4 + [Tick(requests=50, failed=50, stable=450)]
    assert isinstance(decided(after(*hiccup), BEGAN + 25), Wait)
    again = [*hiccup, *[Tick(requests=5, failed=2, stable=45)] * 5]
    assert isinstance(decided(after(*again), BEGAN + 50), RollBack)
    total = [Tick(requests=20, failed=20)] * 3
    assert isinstance(decided(after(*total[:2]), BEGAN + 10), Wait)
    assert isinstance(decided(after(*total), BEGAN + 15), RollBack)


def test_two_failures_never_send_a_build_back():
    watched = after(Tick(requests=1, failed=1), Tick(requests=1, failed=1))
    assert isinstance(decided(watched, BEGAN + 10), Wait)


def test_where_stable_is_ill_too_it_is_said_and_users_go_back_all_the_same():
    ill = Tick(requests=5, failed=4, stable=45, stable_failed=9)
    found = decided(after(*[ill] * 6), BEGAN + 30)
    assert isinstance(found, RollBack)
    assert found.environment
    assert "24 of 30 requests failed; stable: 54 of 270." in found.why
    assert found.why.endswith("it may be the environment, not the build.")


def test_a_build_no_worse_than_a_stable_that_is_not_well_is_not_sent_back():
    """8 of 120 is beyond a healthy build's 2 %; of 4.5 %, which stable shows, it may be chance."""
    ticks = [Tick(requests=15, failed=1, stable=200, stable_failed=9)] * 8
    watched = after(*ticks, *[Tick(requests=10)] * 2, every=30.0)
    assert isinstance(decided(watched, BEGAN + 299), Wait)
    alone = after(*[Tick(requests=6, failed=1, stable=200)] * 10, every=30.0)
    assert isinstance(decided(alone, BEGAN + 299), RollBack)


def test_too_few_requests_extend_three_times_then_a_person_is_asked_and_silence_goes_to_stable():
    watched = after(*[Tick(requests=2, stable=18)] * 5, every=60.0)
    for number in range(3):
        end = BEGAN + LIMITS.stage * (number + 1)
        watched = watched.read([Scrape("app1", end, Totals(50, 7, 7), Totals(9090, 90, 90))])
        said = "Only 10 requests in this stage; 59 are needed to tell. 300 seconds more."
        assert decided(watched, end) == Extend(said)
        watched = watched.extending()
    end = BEGAN + 4 * LIMITS.stage
    watched = watched.read([Scrape("app1", end, Totals(50, 7, 7), Totals(9090, 90, 90))])
    assert decided(watched, end) == Hold("Only 10 requests in this stage; 59 are needed to tell.")
    watched = watched.holding(end)
    later = end + LIMITS.patience
    watched = watched.read([Scrape("app1", later, Totals(50, 7, 7), Totals(9090, 90, 90))])
    assert isinstance(decided(watched, later - 1), Wait)
    found = decided(watched, later)
    assert found == RollBack("Nobody answered for 30 minutes.", Cause.UNANSWERED)
    assert found.inconclusive


def test_a_bad_build_goes_back_while_a_person_is_asked():
    watched = after(*[Tick(requests=1)] * 5).holding(BEGAN + 25)
    for number in range(1, 4):
        counters = Totals(45 + 5 * number, 7 + 5 * number, 7)
        watched = watched.read([Scrape("app1", BEGAN + 25 + 5 * number, counters, Totals(9000, 90, 90))])
    assert isinstance(decided(watched, BEGAN + 40), RollBack)


def test_above_the_limit_by_what_may_be_chance_extends():
    watched = after(*[Tick(requests=10, stable=90)] * 5, Tick(requests=10, failed=2), Tick(failed=2, requests=10))
    watched = watched.read([Scrape("app1", END, Totals(111, 11, 7), Totals(9450, 90, 90))])
    found = decided(watched, END)
    assert isinstance(found, Extend)
    assert found.why.startswith("4 of 71 requests failed; stable: 0 of 450. That is above 5 %, and may be chance.")


def test_blind_never_promotes_and_goes_to_stable_after_two_minutes():
    watched = after(*[HEALTHY] * 50)  # up to second 250
    assert decided(watched, END) == Wait("Nothing was measured for 50 seconds: no decision yet.")
    assert isinstance(decided(watched, BEGAN + 369), Wait)
    found = decided(watched, BEGAN + 370)
    assert found == RollBack("Nothing was measured for 2 minutes: inconclusive, the build may be good.", Cause.BLIND)
    assert found.inconclusive


def test_one_server_that_is_not_heard_makes_blind():
    watched = begun("app1", "app2")
    for second in range(5, 125, 5):
        watched = watched.read([Scrape("app1", BEGAN + second, Totals(40 + second, 7, 7), Totals(9000, 90, 90))])
    found = decided(watched, BEGAN + 120)
    assert isinstance(found, RollBack)
    assert found.cause is Cause.BLIND


def test_what_was_scraped_long_before_the_first_user_is_not_held_against_it():
    """Prometheus was away until just now, and still has the scrapes from before that."""
    watched = Watched(("app1",), 5, BEGAN).read([Scrape("app1", BEGAN - 200)])
    assert decided(watched, BEGAN + 1) == Wait("No request yet; stable: no requests.")
    found = decided(watched, BEGAN + LIMITS.blind)
    assert isinstance(found, RollBack) and found.cause is Cause.BLIND


def test_the_last_requests_of_the_canary_before_are_not_this_ones():
    scrapes = [Scrape("app1", BEGAN - 2, Totals(100, 0, 40)), Scrape("app1", BEGAN + 3, Totals(117, 0, 51))]
    watched = Watched(("app1",), 5, BEGAN).read(scrapes[:1]).read(scrapes[1:])
    assert watched.tallies[0].canary.requests == 0
    watched = watched.read([Scrape("app1", BEGAN + 8, Totals(120, 0, 51))])
    assert (watched.tallies[0].canary.requests, watched.tallies[0].canary.slow) == (3, 0)


def test_a_server_that_was_never_heard_makes_blind():
    found = decided(Watched(("app1",), 5, BEGAN), BEGAN + 120)
    assert isinstance(found, RollBack)
    assert found.cause is Cause.BLIND


def test_workers_that_are_busy_and_complete_nothing_send_users_back_after_half_a_minute():
    hung = [HEALTHY, *[Tick(busy=3, stable=45)] * 7]
    assert isinstance(decided(after(*hung[:-1]), BEGAN + 35), Wait)
    found = decided(after(*hung), BEGAN + 40)
    assert isinstance(found, RollBack)
    assert found.cause is Cause.STUCK
    assert found.why == "On app1, 3 workers of the canary had work and completed nothing for 30 seconds."


@pytest.mark.parametrize("rescue", [Tick(requests=1, busy=3), Tick(busy=0)])
def test_one_request_done_or_no_work_at_all_is_not_stuck(rescue: Tick):
    hung = [*[Tick(busy=3)] * 6, rescue, *[Tick(busy=3)] * 5]
    assert isinstance(decided(after(*hung), BEGAN + 60), Wait)


def test_a_stage_stays_as_old_as_it_is_for_whoever_reads_it_back():
    watched = after(*[HEALTHY] * 36)  # minute 3 of 5
    again = load(Watched, dump(watched))
    assert again == watched
    assert decided(again, BEGAN + 180) == decided(watched, BEGAN + 180)
    on = again.read([Scrape("app1", END, Totals(340, 7, 7), Totals(11700, 90, 90))])
    assert decided(on, END) == Promote("0 of 300 requests failed; stable: 0 of 2,700.")


@pytest.mark.parametrize(
    ("gaps", "missed"),
    [
        pytest.param([(100, 160)], 60, id="one server"),
        pytest.param([(100, 160), (100, 130)], 60, id="two at once: the longest"),
        pytest.param([(100, 160), (90, 150)], 70, id="two that were not begun at once"),
        pytest.param([(100, 160), (200, 210)], 70, id="one after the other"),
        pytest.param([(100, 160), (160, 170), (100, 160)], 70, id="told again, and longer, by the next bot"),
        pytest.param([(-50, -10)], 0, id="before the stage began"),
        pytest.param([(-50, 20)], 20, id="the stage began meanwhile"),
        pytest.param([(100, 90)], 0, id="a server whose clock is ahead"),
    ],
)
def test_time_in_which_no_bot_was_there_and_users_were_on_stable_is_not_the_stages(
    gaps: list[tuple[float, float]], missed: float
):
    watched = after(*[HEALTHY] * STAGE)
    for began, ended in gaps:
        watched = watched.lapsed([(BEGAN + began, BEGAN + ended)])
    assert watched.lapsed(watched.lapses) == watched == load(Watched, dump(watched))
    ends = END + missed
    watched = watched.read([Scrape("app1", ends, Totals(340, 7, 7), Totals(11700, 90, 90))])
    assert isinstance(decided(watched, ends - 1), Wait) and isinstance(decided(watched, ends), Promote)
    assert watched.promoted(ends).ends(300) == ends + 300, "the next one is as long as any"
    held = watched.holding(BEGAN)
    asked = BEGAN + LIMITS.patience + missed
    held = held.read([Scrape("app1", asked, Totals(340, 7, 7), Totals(11700, 90, 90))])
    assert isinstance(decided(held, asked - 1), Wait) and isinstance(decided(held, asked), RollBack)


@pytest.mark.parametrize(
    ("tick", "shown"),
    [
        (HEALTHY, "0 of 300 requests failed; stable: 0 of 2,700."),
        (Tick(), "Only 0 requests in this stage; 59 are needed to tell."),
    ],
)
def test_who_is_asked_reads_what_it_has_shown_until_now(tick: Tick, shown: str):
    assert decided(after(*[tick] * STAGE).holding(END), END) == Wait(shown)


def test_the_next_stage_begins_anew_and_forgets_nothing():
    watched = after(*[HEALTHY] * STAGE).extending().holding(END).promoted(END)
    assert (watched.since, watched.extended, watched.held) == (END, 0, None)
    assert watched.tallies[-1].canary.requests == 0
    assert watched.tallies[0].canary.requests == 300


def test_a_build_that_fails_only_in_a_late_stage_is_found_as_soon_as_one_that_failed_at_once():
    """10,000 good requests before do not hide 40 bad ones."""
    watched = after(*[Tick(requests=1000)] * 10).promoted(BEGAN + 50)
    for number in range(1, 6):
        counters = Totals(10_040 + 10 * number, 7 + 8 * number, 7)
        watched = watched.read([Scrape("app1", BEGAN + 50 + 5 * number, counters, Totals(9000, 90, 90))])
    found = decided(watched, BEGAN + 75)
    assert isinstance(found, RollBack)
    assert found.why.startswith("40 of 50 requests failed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"share": 0.01},
        {"healthy": 0.0},
        {"share": 1.0},
        {"stage": 0.0},
        {"least": 0},
        {"steady": 500.0},
        {"hiccups": 5},
        {"extensions": -1},
    ],
)
def test_limits_that_cannot_be_kept_together_are_refused(wrong: dict[str, float]):
    with pytest.raises(ValueError, match=r"needed|above 0|at most"):
        Limits(**wrong)  # pyright: ignore[reportArgumentType]
