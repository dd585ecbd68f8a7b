"""The decision alone: a plan and a journal in, a move out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from actions.engine.fold import fold
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
from actions.engine.plan import Plan
from actions.engine.runner.decide import (
    Begin,
    Compare,
    Finish,
    Listen,
    Observe,
    Over,
    Revisit,
    Together,
    TurnBack,
    Undo,
    decide,
)
from tests.runner.stories import blue_green
from tests.runner.virtual import START

PLAN = blue_green(("app1", "app2"))
NOW = START + timedelta(seconds=42)


def done(*steps: str, hosts: tuple[str, ...] = ("app1", "app2"), way: Way = Way.FORWARD) -> list[Entry]:
    """These steps, begun and ended well."""
    said: list[Entry] = []
    for step in steps:
        own = step in ("expect", "verify")
        for host in ("",) if own else ("app1",) if step in ("backup", "migrate", "smoke") else hosts:
            said += [Started(START, step, host, way), Done(START, step, host, way)]
    return said


def move(*entries: Entry, plan: Plan = PLAN) -> object:
    return decide(plan, fold([Opened(START, "c", "d", "lead"), *entries]), NOW)


def step(name: str) -> object:
    return PLAN.step(name)


COPIED = ("expect", "stage", "backup")
BEFORE_SWITCH = (*COPIED, "migrate", "health")
SWITCHED = (*BEFORE_SWITCH, "switch", "restart")
ALL = (*SWITCHED, "verify", "smoke")


def test_forward_step_by_step() -> None:
    assert move() == Compare(step("expect"))
    assert move(*done(*COPIED)) == Begin(step("migrate"), ("app1",))
    assert move(*done(*COPIED), Started(START, "migrate", "app1", Way.FORWARD)) == Begin(step("migrate"), ("app1",))
    assert move(*done(*COPIED, "migrate")) == Begin(step("health"), ("app1", "app2"))
    assert move(*done(*COPIED, "migrate"), *done("health", hosts=("app2",))) == Begin(step("health"), ("app1",))
    assert move(*done(*ALL)) == Begin(step("retain"), ("app1", "app2"))
    assert move(*done(*ALL, "retain")) == Finish(Outcome.DONE, "v1.2 is live on production. It took 42 s.")


def test_steps_beside_each_other_begin_together_and_are_all_awaited() -> None:
    stage, backup = Begin(step("stage"), ("app1", "app2")), Begin(step("backup"), ("app1",))
    assert move(*done("expect")) == Together((stage, backup), ())
    begun = [Started(START, "stage", "app1", Way.FORWARD), Started(START, "backup", "app1", Way.FORWARD)]
    assert move(*done("expect"), *begun) == Together((stage, backup), ())
    assert move(*done("expect", "backup")) == stage
    assert move(*done("expect", "stage")) == backup
    smoke, verify = Begin(step("smoke"), ("app1",)), Observe(step("verify"))
    assert move(*done(*SWITCHED)) == Together((smoke,), (verify,))
    assert move(*done(*SWITCHED, "smoke")) == verify
    assert move(*done(*SWITCHED, "verify")) == smoke


def test_a_failure_of_one_of_them_turns_back_and_both_are_settled_the_last_first() -> None:
    entries = [*done("expect"), Started(START, "stage", "app1", Way.FORWARD), *done("stage", hosts=("app2",))]
    entries += [Started(START, "backup", "app1", Way.FORWARD), Failed(START, "stage", "app1", Way.FORWARD, "why")]
    assert move(*entries) == TurnBack("the copy failed on app1 (why)")
    entries.append(TurnedBack(START, "why"))
    assert move(*entries) == Undo(step("backup"), ("app1",))
    entries.append(Done(START, "backup", "app1", Way.FORWARD))
    assert move(*entries) == Undo(step("stage"), ("app1", "app2"))


def test_a_question_about_one_of_them_is_listened_to_and_none_goes_on_meanwhile() -> None:
    asked = Asked(START, "smoke", "app1", "?", ("try again", "turn back"))
    watching = Started(START, "verify", "", Way.FORWARD, 1, NOW)
    entries = [*done(*SWITCHED), watching, Started(START, "smoke", "app1", Way.FORWARD), asked]
    assert move(*entries) == Listen(None)
    answered = Answered(START, "smoke", "app1", "try again", "lead")
    assert move(*entries, answered) == Together((Begin(step("smoke"), ("app1",)),), (Observe(step("verify")),))


def test_a_run_that_has_ended_is_over() -> None:
    assert move(Ended(START, Outcome.DONE, "")) == Over()


def test_a_failure_turns_back_even_while_another_host_is_in_doubt() -> None:
    entries = [*done(*BEFORE_SWITCH), Started(START, "switch", "app1", Way.FORWARD)]
    entries += [Started(START, "switch", "app2", Way.FORWARD), Failed(START, "switch", "app2", Way.FORWARD, "why.")]
    assert move(*entries) == TurnBack("the switch failed on app2 (why)")


def test_once_turned_back_never_forward() -> None:
    """In doubt or done, whatever was begun is gone back over, the last first, and then it ends."""
    entries = [*done(*BEFORE_SWITCH), Started(START, "switch", "app1", Way.FORWARD), TurnedBack(START, "why")]
    assert move(*entries) == Undo(step("switch"), ("app1",))
    entries += [Done(START, "switch", "app1", Way.FORWARD)]
    assert move(*entries) == Undo(step("switch"), ("app1",))
    entries += done("switch", hosts=("app1",), way=Way.BACK)
    assert move(*entries) == Undo(step("stage"), ("app1", "app2"))
    entries += done("stage", hosts=("app2",), way=Way.BACK)
    assert move(*entries) == Undo(step("stage"), ("app1",))
    end = move(*entries, *done("stage", hosts=("app1",), way=Way.BACK))
    assert isinstance(end, Finish) and end.outcome is Outcome.TURNED_BACK


def test_a_host_that_is_waited_for_does_not_hold_up_the_others() -> None:
    entries = [*done(*BEFORE_SWITCH, "switch"), TurnedBack(START, "why"), Waiting(START, "app2", Way.BACK, "gone")]
    assert move(*entries) == Undo(step("switch"), ("app1",))
    entries += done("switch", "stage", hosts=("app1",), way=Way.BACK)
    assert move(*entries) == Revisit(((step("switch"), "app2"),))
    assert move(*entries, Returned(START, "app2")) == Undo(step("switch"), ("app2",))


def test_waited_for_on_the_way_forward_is_tried_on_the_way_back() -> None:
    waiting = Waiting(START, "app2", Way.FORWARD, "gone")
    assert move(*done("expect", "stage"), waiting, TurnedBack(START, "why")) == Undo(step("stage"), ("app1", "app2"))


def test_an_interrupted_migration_is_settled_before_the_end() -> None:
    entries = [*done("expect"), Started(START, "migrate", "app1", Way.FORWARD), TurnedBack(START, "why")]
    assert move(*entries) == Undo(step("migrate"), ("app1",))
    end = move(*entries, Done(START, "migrate", "app1", Way.FORWARD, "", (), ("m1",)))
    assert isinstance(end, Finish) and "The applied migration stays: m1." in end.summary


def test_stop_before_anything_says_that_there_is_nothing_to_undo() -> None:
    stop = StopAsked(START, "dev")
    assert move(stop) == TurnBack("it was stopped before the first look at the servers; nothing was changed", "dev")
    assert move(*done("expect"), stop) == TurnBack("it was stopped before the copy; nothing was changed", "dev")
    assert move(*done(*COPIED), stop) == TurnBack("it was stopped before the migration", "dev")


def test_stop_breaks_off_a_watch() -> None:
    entries = [*done(*SWITCHED), Started(START, "verify", "", Way.FORWARD, 1, NOW), StopAsked(START, "dev")]
    assert move(*entries) == TurnBack("it was stopped during the check from outside", "dev", ("verify",))


def test_stop_after_the_last_step_that_must_succeed_is_ignored_in_words() -> None:
    """What need not succeed is not begun any more; what has begun is followed to its end."""
    end = move(*done(*ALL), StopAsked(START, "dev"))
    assert isinstance(end, Finish) and end.outcome is Outcome.DONE
    assert end.summary.endswith("Stop was pressed when that was done already, so it stays; to go back, roll back.")
    begun = [Started(START, "retain", host, Way.FORWARD) for host in ("app1", "app2")]
    assert move(*done(*ALL), *begun, StopAsked(START, "dev")) == Begin(step("retain"), ("app1", "app2"))


def test_an_open_question_is_waited_for_and_its_answer_acted_on_once() -> None:
    entries: list[Entry] = [*done(*COPIED), Started(START, "migrate", "app1", Way.FORWARD)]
    entries.append(Asked(START, "migrate", "app1", "?", ("try again", "turn back")))
    assert move(*entries) == Listen(None)
    assert move(*entries, Answered(START, "migrate", "app1", "turn back", "lead")) == TurnBack(
        "the answer was “turn back”"
    )
    entries.append(Answered(START, "migrate", "app1", "try again", "lead"))
    assert move(*entries) == Begin(step("migrate"), ("app1",))
    assert fold(entries).answers
    assert not fold([*entries, Started(START, "migrate", "app1", Way.FORWARD, 2)]).answers


def test_what_need_not_succeed_turns_nothing_back() -> None:
    failed = [Started(START, "retain", "app1", Way.FORWARD), Failed(START, "retain", "app1", Way.FORWARD, "no disk")]
    assert move(*done(*ALL), *failed, *done("retain", hosts=("app2",))) == Finish(
        Outcome.DONE,
        "v1.2 is live on production. It took 42 s. app1 could not be cleaned up; its old releases stay until the next "
        "deploy.",
    )


def test_steps_are_undone_in_reverse_over_all_hosts() -> None:
    """A host whose latest step is an earlier one waits for those that have a later one to undo."""
    entries = [*done(*BEFORE_SWITCH), *done("switch", hosts=("app2",)), TurnedBack(START, "why")]
    assert move(*entries) == Undo(step("switch"), ("app2",))


def test_harmless_steps_in_doubt_are_looked_at_but_not_undone() -> None:
    begun = Started(START, "health", "app1", Way.FORWARD)
    plan = replace(PLAN, steps=(step("expect"), step("health")))
    entries = [*done("expect"), begun, TurnedBack(START, "why")]
    assert move(*entries, plan=plan) == Undo(step("health"), ("app1",))
    end = move(*entries, Failed(START, "health", "app1", Way.FORWARD, "gone"), plan=plan)
    assert isinstance(end, Finish)
