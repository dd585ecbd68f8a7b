"""A person's word to a run that is on: an answer to its question, or what they want of its canary."""

from __future__ import annotations

from actions.engine.fold import Phase, State
from actions.engine.journal import Answered, Entry, Way, Wish, Wished
from actions.engine.plan import Plan
from actions.engine.shifts import Shifted
from bot.desk import wishes
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from policies.change import Person
from policies.judge import may_answer
from policies.sentences import who_could


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
    if wishes.wish_of(choice) is not Wish.PROMOTE or not needs or who.id not in view.change.barred:
        return ""
    others = sorted({name for need in needs for name in who_could(need, view.people, view.change.barred)})
    can = f" {' or '.join(others)} can." if others else ""
    return f"You asked for this yourself, so somebody else has to promote it before its time.{can}"


def words(plan: Plan, run: State) -> dict[str, Wish]:
    """What a person may say of the canary at its stage, each with what it means; {} where none has users.

    To end it is Stop.
    """
    on = shifting(run)
    if on is None:
        return {}
    step, shifted = on
    open_to = (Wish.PROMOTE,) if shifted.watched.held is not None else (Wish.PROMOTE, Wish.HOLD)
    return {wishes.choice(plan, step, shifted.weight, wish): wish for wish in open_to}


def entry(view: ChangeView, step: str, host: str, choice: str, who: Person) -> Entry:
    """What is journalled of it, at the moment of the view.

    `host` is, for a canary, the weight (percent) that the person saw: with the words it pins what they were promised.
    Raises Refusal, and Closed where the question has been answered.
    """
    run, change, on = view.run, view.change.id, shifting(view.run)
    asked = run.question
    if asked is None and (wishes.wish_of(choice) or (on and on[0] == step)):
        return _wished(view, step, host, choice, who)
    if asked is None or (asked.step, asked.host) != (step, host):
        raise Closed
    if choice not in asked.choices:
        raise Refusal(f'The answers are: {", ".join(asked.choices)}. "{choice}" is none of them.', change)
    return Answered(view.now, step, host, choice, who.id)


def _wished(view: ChangeView, step: str, host: str, choice: str, who: Person) -> Wished:
    """Of the stage that they saw and of no other: nobody is sent further than was said. Raises Refusal."""
    change, on = view.change, shifting(view.run)
    if on is None or on[0] != step:
        raise Refusal(
            f"This canary's stages are over, so “{choice}” changed nothing. Its card says how it went on.", change.id
        )
    shifted = on[1]
    have = f"{shifted.weight} % of users have {change.plan.version}"
    if str(shifted.weight) != host:
        raise Refusal(
            f"{have} by now, so “{choice}” changed nothing. Its card has the buttons of this stage.", change.id
        )
    known = words(change.plan, view.run)
    wish = next((wish for said, wish in known.items() if wishes.same(choice, said)), None)
    if wish is None and wishes.wish_of(choice) is Wish.HOLD:
        raise Refusal("It is held already.", change.id)
    if wish is None:
        typed = " or ".join(f"`answer {change.id} {said}`" for said in known)
        raise Refusal(f"{have}, and “{choice}” is no answer to that. Type {typed}.", change.id)
    return Wished(view.now, step, shifted.weight, wish, who.id)
