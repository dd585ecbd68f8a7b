"""How long still: from medians of past runs, silent where there is no past, never below nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from actions.engine.fold import State, fold
from actions.engine.journal import (
    Answered,
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Opened,
    Outcome,
    Returned,
    Started,
    StopAsked,
    TurnedBack,
    Waiting,
    Way,
)
from actions.engine.plan import Do, together
from bot.desk.estimate import GRACE, LONGER, PAST_RUNS, Usual, outlook, usual
from tests.pure.making import AT, deploy

PLAN = deploy(migrations=("m1", "m2", "m3"))
NAMES = tuple(step.name for step in PLAN.steps)
GROUPS = [tuple(step.name for step in group) for group in together(PLAN.steps)]


def at(seconds: float):
    return AT + timedelta(seconds=seconds)


def walked(seconds: float, upto: int = len(NAMES), outcome: Outcome | None = Outcome.DONE) -> State:
    """A run of which every step took so long, up to that step; ended where `outcome` is given."""
    entries: list[Entry] = [Opened(at(0), "chg-1", "0" * 64, "lena")]
    now = 0.0
    for step in PLAN.steps[:upto]:
        hosts = step.hosts if isinstance(step, Do) else ("",)
        entries += [Started(at(now), step.name, host, Way.FORWARD) for host in hosts]
        now += seconds
        entries += [Done(at(now), step.name, host, Way.FORWARD) for host in hosts]
    return fold([*entries, Ended(at(now), outcome, "It ended.")] if outcome else entries)


def running(upto: int, *more: Entry, step_seconds: float = 10) -> State:
    return fold(more, walked(step_seconds, upto, outcome=None))


def begin(name: str, second: float) -> list[Entry]:
    step = PLAN.step(name)
    return [Started(at(second), name, h, Way.FORWARD) for h in (step.hosts if isinstance(step, Do) else ("",))]


def test_a_step_usually_takes_its_median_over_all_its_hosts() -> None:
    past = usual(walked(seconds) for seconds in (4, 100, 6))
    assert past.steps == dict.fromkeys(NAMES, 6.0)
    assert past.total == 6.0 * len(NAMES)
    slow = Done(at(9), "stage", "app2", Way.FORWARD)
    begun = [Started(at(2), "stage", "app1", Way.FORWARD), Started(at(3), "stage", "app2", Way.FORWARD)]
    one = fold([Opened(at(0), "c", "0", "p"), *begun, Done(at(4), "stage", "app1", Way.FORWARD), slow])
    assert usual([fold([Ended(at(10), Outcome.DONE, "")], one)]).steps == {"stage": 7.0}


def test_what_was_waited_for_a_person_or_a_host_is_no_part_of_what_is_usual() -> None:
    away = [Waiting(at(12), "app1", Way.FORWARD, "no answer"), Waiting(at(20), "app2", Way.FORWARD, "no answer")]
    back = [Returned(at(600), "app1"), Returned(at(612), "app2")]
    asked = Asked(at(620), "stage", "app1", "What now?", ("go on",))
    answered = Answered(at(1620), "stage", "app1", "go on", "lena")
    ends = [Done(at(1622), "stage", host, Way.FORWARD) for host in ("app1", "app2")]
    run = [Opened(at(0), "c", "0", "p"), *begin("stage", 10), *away, *back, asked, answered, *ends]
    past = usual([fold([*run, Ended(at(1630), Outcome.DONE, "")])])
    assert past.steps == {"stage": 12.0} and past.total == 30.0


def test_a_step_is_not_late_for_what_was_waited_for_a_host() -> None:
    past = usual([walked(40)])
    away = [Waiting(at(50), "app1", Way.FORWARD, "no answer"), Returned(at(950), "app1")]
    begun = [*begin("stage", 40), *begin("backup", 40)]
    seen = outlook(PLAN, running(1, *begun, *away, step_seconds=40), past, at(960))
    assert seen is not None and seen.late is None and seen.left == 20 + 40 * (len(GROUPS) - 2)


def test_of_steps_that_run_at_the_same_time_the_longest_counts() -> None:
    past = usual([walked(40)])
    seen = outlook(PLAN, running(1, *begin("stage", 40), *begin("backup", 40), step_seconds=40), past, at(50))
    assert seen is not None and seen.left == 30 + 40 * (len(GROUPS) - 2)


def test_only_the_newest_runs_that_ended_well_count() -> None:
    bad = walked(500, outcome=Outcome.TURNED_BACK)
    open_ = walked(500, outcome=None)
    newest = [walked(10) for _ in range(PAST_RUNS)]
    assert usual([bad, open_, *newest, walked(900), walked(900), walked(900)]).steps["health"] == 10.0


def test_without_a_past_nothing_is_said_of_the_future() -> None:
    assert usual([]) == Usual()
    seen = outlook(PLAN, running(2), Usual(), at(25))
    assert seen is not None and seen.left is None and seen.late is None and seen.so_far == 25


def test_what_is_left_is_the_rest_of_this_step_and_the_steps_to_come() -> None:
    past = usual([walked(10)])
    before = outlook(PLAN, running(0), past, at(0))
    assert before is not None and before.left == 10 * len(GROUPS)
    seen = outlook(PLAN, running(2, *begin(NAMES[2], 20)), past, at(24))
    assert seen is not None and seen.left == 6 + 10 * (len(GROUPS) - 2)


def test_a_step_to_come_that_no_run_had_leaves_the_rest_unknown_until_it_is_over() -> None:
    past = usual([walked(10)])
    known = Usual({name: s for name, s in past.steps.items() if name != "migrate"}, past.total)
    index = NAMES.index("migrate")
    before = outlook(PLAN, running(index), known, at(10 * index))
    behind = outlook(PLAN, running(index + 1), known, at(10 * index + 10))
    assert before is not None and before.left is None
    assert behind is not None and behind.left == 10 * (len(GROUPS) - GROUPS.index(("migrate",)) - 1)


def test_a_step_that_takes_clearly_longer_is_late_and_nothing_is_promised_any_more() -> None:
    past = usual([walked(40)])
    run = running(1, *begin(NAMES[1], 40), step_seconds=40)
    limit = 40 * LONGER + GRACE
    on_time = outlook(PLAN, run, past, at(40 + limit))
    late = outlook(PLAN, run, past, at(40 + limit + 1))
    assert on_time is not None and on_time.late is None and on_time.left == 40 * (len(GROUPS) - 1)
    assert late is not None and late.late == 40 and late.left is None


def test_a_run_that_does_not_go_forward_by_itself_has_no_future_to_tell() -> None:
    past = usual([walked(10)])
    asked = Asked(at(21), "stage", "app1", "What now?", ("try again",))
    for why in (asked, Waiting(at(21), "app1", Way.FORWARD, "it does not answer")):
        seen = outlook(PLAN, running(2, why), past, at(25))
        assert seen is not None and seen.left is None
    failed = Failed(at(21), "health", "app1", Way.FORWARD, "HTTP 500")
    for over in ([StopAsked(at(21), "lena")], [failed, TurnedBack(at(22), "it failed")]):
        assert outlook(PLAN, running(2, *over), past, at(25)) is None
    assert outlook(PLAN, walked(10), past, at(999)) is None and outlook(PLAN, State(), past, at(1)) is None


@given(st.lists(st.floats(0, 10_000), max_size=8), st.integers(0, len(NAMES)), st.floats(-100, 100_000))
def test_nothing_is_ever_below_nothing(times: Iterable[float], upto: int, second: float) -> None:
    more = begin(NAMES[upto], 10.0 * upto) if upto < len(NAMES) else []
    seen = outlook(PLAN, running(upto, *more), usual(walked(t) for t in times), at(second))
    assert seen is not None and seen.so_far >= 0
    assert seen.left is None or seen.left >= 0
