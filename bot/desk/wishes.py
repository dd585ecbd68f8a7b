"""What a person may want of a canary, in the words that its buttons, the shell and the thread have for it."""

from __future__ import annotations

from typing import assert_never

from actions.engine.fold import Phase, State
from actions.engine.journal import Way, Wish
from actions.engine.plan import Plan, Shift


def label(plan: Plan, step: str, weight: int, wish: Wish) -> str:
    """Where it leads while that many percent of users have it: "Promote to 25 %", behind the last "Make v1.2 live"."""
    shift = plan.step(step)
    assert isinstance(shift, Shift)
    match wish:
        case Wish.PROMOTE:
            later = shift.after(weight)
            return f"Promote to {later} %" if later else f"Make {plan.version} live"
        case Wish.HOLD:
            return "Hold"
        case _:
            assert_never(wish)


def choice(plan: Plan, step: str, weight: int, wish: Wish) -> str:
    """The same as a button carries it and a person types it: "promote to 25 %"."""
    said = label(plan, step, weight, wish)
    return said[0].lower() + said[1:]


def wish_of(said: str) -> Wish | None:
    """What somebody wants who says that, whichever stage they speak of; None where it is not of a canary."""
    match said.split():
        case ["hold"]:
            return Wish.HOLD
        case ["promote", *_] | ["make", *_]:
            return Wish.PROMOTE
        case _:
            return None


def same(said: str, meant: str) -> bool:
    """Whether they are the same to who types: "promote to 25" is "promote to 25 %"."""
    one, other = (text.replace("%", "").split() for text in (said, meant))
    return one == other


def to_stop(run: State) -> str:
    """What the button is called that turns the run back, or that was pressed: Abort while a canary has users."""
    marks = (run.mark(step, "", Way.FORWARD) for step in run.shifts)
    return "Abort" if any(mark is not None and mark.phase is not Phase.DONE for mark in marks) else "Stop"
