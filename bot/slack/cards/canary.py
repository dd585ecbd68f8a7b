"""What a card says while a canary has users: how many, what they got, how long still, and what can be done now."""

from __future__ import annotations

from actions.engine.journal import Wish
from actions.engine.plan import Shift
from actions.engine.shifts import Shifted
from bot.desk import wishes
from bot.desk.answering import shifting, words
from bot.desk.view import ChangeView
from bot.slack.blocks import Button, Confirm, Style
from bot.slack.cards.called import can_answer
from bot.slack.cards.progress import left
from bot.slack.words import about, at, inline, sentence, utc


def shares(view: ChangeView) -> tuple[str, str, str] | None:
    """(the head, what it has shown and what comes next as mrkdwn, the same plainly); None where no canary has users."""
    on = shifting(view.run)
    if on is None:
        return None
    step, shifted = view.change.plan.step(on[0]), on[1]
    assert isinstance(step, Shift)
    old, later = _old(view), step.after(shifted.weight)
    others = f", the others {old}" if later else f"; {old} is kept ready"
    head = f"{shifted.weight} % of users have {view.change.plan.version}{others}."
    workers = f"Queue workers run {old} until {view.change.plan.version} is live."
    number = step.weights.index(shifted.weight) + 1
    shown = sentence(shifted.why)
    stage = f"Stage {number} of {len(step.weights)}"
    then = f"then {later} %" if later else f"then {view.change.plan.version} is live"
    if shifted.watched.held is not None:
        back = f"if nobody answers within {about(step.limits.patience)}, everybody goes back to {old}"
        ahead = f"{stage}, {then} if somebody promotes it"
        held = f"*Held.* {inline(ahead)}; {inline(back)}. {can_answer(view)}".rstrip()
        plain = f"{head} {shown} It is held; {back}. {ahead}. {workers}"
        return head, f"{inline(shown, 400)}\n{held} {inline(workers)}", plain
    rest = left(max(0.0, shifted.watched.ends(step.limits.stage) - view.now.timestamp()))
    longer = ", extended" if shifted.watched.extended else ""
    told = f"{stage}{longer}: {rest}, {then}. {workers}"
    since = f"Since {at(shifted.since)}: " if shifted.stages else ""
    plain = f"Since {utc(shifted.since)}: " if shifted.stages else ""
    return head, f"{since}{inline(shown, 400)}\n{inline(told)}", f"{head} {plain}{shown} {told}"


def buttons(view: ChangeView) -> list[Button]:
    """To the next stage, and Hold, for the stage that the card shows; [] where no canary has users."""
    on = shifting(view.run)
    if on is None:
        return []
    step, shifted = on
    plan = view.change.plan
    shift, made = plan.step(step), {wish: said for said, wish in words(plan, view.run).items()}
    assert isinstance(shift, Shift)
    value = f"{view.change.id}:{step}:{shifted.weight}"
    label = wishes.label(plan, step, shifted.weight, Wish.PROMOTE)
    onward = _onward(view, shift, shifted, label)
    promote = Button("chom_answer", label, f"{value}:{made[Wish.PROMOTE]}", plan.title, onward, Style.PRIMARY)
    if Wish.HOLD not in made:
        return [promote]
    patience = about(shift.limits.patience)
    back = f"It stays at {shifted.weight} % until somebody promotes it. Unanswered, it goes back in {patience}."
    stay = Confirm(f"Hold {plan.version} on {plan.environment} at {shifted.weight} %?", back, "Hold", "Not now")
    of = f"{plan.title}, at {shifted.weight} %"
    return [promote, Button("chom_answer_hold", "Hold", f"{value}:{made[Wish.HOLD]}", of, stay)]


def _onward(view: ChangeView, shift: Shift, shifted: Shifted, label: str) -> Confirm:
    """Of going on: to how many users, that it is before its time, and what was seen until now."""
    plan, later, shown = view.change.plan, shift.after(shifted.weight), sentence(shifted.why)
    early = "" if shifted.watched.held is not None else " It does not wait for the end of this stage."
    if later:
        others = f", the others keep {_old(view)}" if later < 100 else f"; {_old(view)} is kept ready"
        text = f"{later} % of users get {plan.version}{others}.{early} {shown}"
        return Confirm(f"Promote {plan.version} on {plan.environment} to {later} %?", text, label)
    live = f"All users have {plan.version} already; with this {plan.environment} is switched to it, queue workers too."
    text = f"{live}{early} {shown}"
    return Confirm(f"Make {plan.version} live on {plan.environment}?", text, "Make it live")


def _old(view: ChangeView) -> str:
    return str(view.change.plan.facts.get("replaces", "")) or "the version before"
