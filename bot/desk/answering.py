"""A person's word to a run that is on: an answer to its question, or what they want of its canary."""

from __future__ import annotations

from datetime import datetime

from actions.engine.fold import Phase, State
from actions.engine.journal import Answered, Entry, Way, Wish, Wished
from actions.engine.shifts import Shifted
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from policies.change import Person
from policies.judge import may_answer
from policies.sentences import who_could

WISHES = {"promote now": Wish.PROMOTE, "hold": Wish.HOLD}
"""What a person may say of a canary; to end it is Stop."""


class Closed(Exception):
    """What was answered is not asked any more."""


def shifting(run: State) -> tuple[str, Shifted] | None:
    """The step that shifts users now, and how far it is; None where none does, or where all are being sent back."""
    if run.ended or run.stop or run.way is Way.BACK:
        return None
    for step, shifted in run.shifts.items():
        mark = run.mark(step, "", Way.FORWARD)
        if mark and mark.phase is Phase.STARTED:
            return step, shifted
    return None


def why_not(view: ChangeView, choice: str, who: Person) -> str:
    """Why this person may not say that now, as a sentence with who may; "" where they may."""
    if not may_answer(who):
        return "A Tech Lead, DevOps, the CTO or whoever is on call has to answer this."
    needs = view.change.requirement.needs
    if WISHES.get(choice) is not Wish.PROMOTE or not needs or who.id not in view.change.barred:
        return ""
    others = sorted({name for need in needs for name in who_could(need, view.people, view.change.barred)})
    can = f" {' or '.join(others)} can." if others else ""
    return f"You asked for this yourself, so somebody else has to promote it before its time.{can}"


def entry(run: State, step: str, host: str, choice: str, who: Person, now: datetime, change: str) -> Entry:
    """What is journalled of it. `host` is, for a canary, the weight (percent) that the person saw.

    Raises Refusal, and Closed where the question has been answered.
    """
    on = shifting(run)
    if choice in WISHES and run.question is None:
        if on is None or (on[0], str(on[1].weight)) != (step, host):
            raise Refusal("That stage is over. The card says how it went on; use its buttons as they are now.", change)
        if WISHES[choice] is Wish.HOLD and on[1].watched.held is not None:
            raise Refusal("It is held already.", change)
        return Wished(now, step, on[1].weight, WISHES[choice], who.id)
    asked = run.question
    if asked is None or (asked.step, asked.host) != (step, host):
        raise Closed
    if choice not in asked.choices:
        raise Refusal(f'The answers are: {", ".join(asked.choices)}. "{choice}" is none of them.', change)
    return Answered(now, step, host, choice, who.id)
