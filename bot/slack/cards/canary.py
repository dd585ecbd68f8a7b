"""What a card says while a canary has users: how many, what they got, how long still, and what can be done now."""

from __future__ import annotations

from actions.engine.plan import Shift
from bot.desk.answering import shifting
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
    old = str(view.change.plan.facts.get("replaces", "")) or "the version before"
    head = f"{shifted.weight} % of users have {view.change.plan.version}, the others {old}."
    workers = f"Queue workers run {old} until {view.change.plan.version} is live."
    number = step.weights.index(shifted.weight) + 1
    shown = sentence(shifted.why)
    stage = f"Stage {number} of {len(step.weights)}"
    then = (
        f"then {step.weights[number]} %" if number < len(step.weights) else f"then {view.change.plan.version} is live"
    )
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
    """Promote now and Hold, for the stage that the card shows; [] where no canary has users."""
    on = shifting(view.run)
    if on is None:
        return []
    step, shifted = on
    plan = view.change.plan
    shift = plan.step(step)
    assert isinstance(shift, Shift)
    later = [weight for weight in shift.weights if weight > shifted.weight]
    more = f"{later[0]} % of users get {plan.version}" if later else f"{plan.version} is live for everybody"
    value = f"{view.change.id}:{step}:{shifted.weight}"
    text = f"It does not wait for the end of this stage: {more}. {sentence(shifted.why)}"
    confirm = Confirm(f"Promote {plan.version} now?", text, "Promote", "Not yet")
    promote = Button("chom_answer", "Promote now", f"{value}:promote now", plan.title, confirm, Style.PRIMARY)
    patience = about(shift.limits.patience)
    back = f"It stays at {shifted.weight} % until somebody promotes it. Unanswered, it goes back in {patience}."
    stay = Confirm(f"Hold {plan.version} on {plan.environment} at {shifted.weight} %?", back, "Hold", "Not now")
    hold = Button("chom_answer_hold", "Hold", f"{value}:hold", f"{plan.title}, at {shifted.weight} %", stay)
    return [promote] if shifted.watched.held is not None else [promote, hold]
