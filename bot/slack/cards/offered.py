"""The buttons of a card: what each stage offers, and the question that stands before everything that acts."""

from __future__ import annotations

from typing import assert_never

from actions.engine.across import behind
from actions.engine.journal import Way
from actions.engine.plan import Plan
from actions.engine.runner.closing import configures
from actions.engine.words import capital
from bot.desk.view import ChangeView
from bot.desk.wishes import to_stop
from bot.slack.blocks import Block, Button, Confirm, Style, actions, section
from bot.slack.cards import canary
from bot.slack.cards.forgood import kept_in_a_sentence, no_way_back
from bot.slack.cards.gated import is_ill
from bot.slack.cards.lead import is_last
from bot.slack.cards.stage import Stage
from bot.slack.words import inline, sentence
from policies.change import Waiting
from policies.sentences import who_could


def value_of(view: ChangeView) -> str:
    """What a button carries: the change and the digest of what was shown."""
    return f"{view.change.id}:{view.change.digest}"


def offered(view: ChangeView, stage: Stage, newest: bool) -> list[Block]:
    """The rows of buttons of that stage; a decided button is in none of them."""
    buttons: list[Button] = []
    match stage:
        case Stage.WAITING:
            buttons = [_approve(view), _reject(view)] if _is_open_to_somebody(view) else [_reject(view)]
        case Stage.BLOCKED:
            buttons = [_reject(view)]
        case Stage.ALLOWED:
            buttons = [_reject(view)] if view.behind else [_start(view), _reject(view)]
        case Stage.STARTING | Stage.RUNNING | Stage.HOST_AWAY:
            on = canary.buttons(view)
            buttons = [] if view.run.way is Way.BACK or view.run.stop else [*on, _stop(view)]
        case Stage.DONE:
            buttons = [_roll_back(view)] if newest and _has_way_back(view) else []
        case Stage.ASKED | Stage.STOPPING | Stage.TURNING_BACK | Stage.TURNED_BACK:
            pass
        case Stage.EXPIRED | Stage.VOID:
            return [] if view.again else [actions([_ask_again(view)])]
        case Stage.REJECTED | Stage.WITHDRAWN | Stage.STRATEGY:
            return []
        case _:
            assert_never(stage)
    if view.owes_review:
        buttons.insert(0, review(view))
    answers = _choices(view) if stage is Stage.ASKED else []
    return [*answers, actions([*buttons, _plan(view)])]


def _plan(view: ChangeView) -> Button:
    return Button("chom_show_plan", "View plan", value_of(view), "every step, only you see it")


def _is_open_to_somebody(view: ChangeView) -> bool:
    """Whether an approval is missing that anybody could give: an Approve that can only be refused is not offered."""
    if not isinstance(view.verdict, Waiting):
        return False
    without = {*view.change.barred, *view.verdict.approvers}
    return any(who_could(need, view.people, without) for need in view.verdict.missing)


def _approve(view: ChangeView) -> Button:
    plan = view.change.plan
    starts = "It starts at once." if is_last(view.verdict) else "It starts as soon as nothing else is missing."
    text = f"{sentence(view.title)} {starts} {kept_in_a_sentence(plan)}".rstrip()
    confirm = Confirm(f"Approve {_new(plan)} for {plan.environment}?", text, "Approve")
    return Button("chom_approve", "Approve", value_of(view), view.title, confirm, Style.PRIMARY)


def _start(view: ChangeView) -> Button:
    plan = view.change.plan
    ready = "is approved and starts" if view.change.requirement.needs else "starts"
    text = f"{sentence(view.title)} It {ready} at once. {kept_in_a_sentence(plan)}".rstrip()
    confirm = Confirm(f"Start {_new(plan)} on {plan.environment}?", text, "Start")
    return Button("chom_approve", "Start now", value_of(view), view.title, confirm, Style.PRIMARY)


def _reject(view: ChangeView) -> Button:
    """Opens a window that says what it means and takes a reason; that window is the confirmation."""
    return Button("chom_reject", "Reject", value_of(view), view.title, style=Style.DANGER)


def review(view: ChangeView) -> Button:
    """Opens a window that takes a sentence; that window is the confirmation."""
    return Button("chom_review", "Review", value_of(view), view.title, style=Style.PRIMARY)


def _stop(view: ChangeView) -> Button:
    plan = view.change.plan
    kept = " Migrations that were applied stay." if plan.pending else ""
    old = plan.facts.get("replaces")
    label = to_stop(view.run)
    first = f"Everybody has {old} again within a second" if label == "Abort" else "The running step finishes"
    confirm = Confirm(
        f"{label} {_new(plan)} on {plan.environment}?",
        f"{first}, then everything that can be undone is undone"
        f"{f', so that {plan.environment} serves {old}' if old else ''}.{kept}",
        f"{label} it",
        "Let it run",
    )
    return Button(
        "chom_stop",
        label,
        value_of(view),
        view.title,
        confirm,
        Style.DANGER,
    )


def _new(plan: Plan) -> str:
    return "the new configuration" if configures(plan) else plan.version


def _has_way_back(view: ChangeView) -> bool:
    """Where the deploy replaced something, and took nothing away that a release of before needs.

    Behind a rollback there may be nothing; its card says the way forward.
    """
    plan = view.change.plan
    going_back = plan.action != "rollback" and bool(plan.facts.get("replaces"))
    return going_back and not no_way_back(view)


def _ask_again(view: ChangeView) -> Button:
    """It only asks, in the name of whoever presses it; of two one does."""
    plan = view.change.plan
    text = (
        f"You ask for it: {view.change.text}. The plan is made anew, and gets a card that says who has to approve it."
    )
    confirm = Confirm(f"Ask again for {plan.version} on {plan.environment}?", text, "Ask again", "Not now")
    return Button("chom_ask_again", "Ask again", value_of(view), plan.title, confirm)


def _roll_back(view: ChangeView) -> Button:
    plan = view.change.plan
    kind, what = behind(plan, view.run.applied)
    confirm = Confirm(
        f"Roll back {plan.environment} from {plan.version}?",
        f"If you may let it through alone, the way back to the release before {plan.version} starts at once. If not, "
        f"it gets a card of its own that says who has to approve it. {kind}: {what}",
        "Roll back",
        "Not now",
    )
    style = Style.DANGER if is_ill(view) else Style.QUIET
    return Button(
        "chom_rollback", "Roll back", value_of(view), f"{plan.environment}, from {plan.version}", confirm, style
    )


# --- answers to a run's question ---------------------------------------------


def _choices(view: ChangeView) -> list[Block]:
    """A row for each answer, so that what it leads to stands beside its button."""
    asked, plan = view.run.question, view.change.plan
    assert asked is not None
    rows: list[Block] = []
    for choice in asked.choices[:10]:
        leads = consequence(view, choice)
        what = f"{sentence(plan.title)} {leads}"
        confirm = Confirm(f"{capital(choice)}?", what, capital(choice), "Not yet")
        value = f"{view.change.id}:{asked.step}:{asked.host}:{choice}"
        button = Button("chom_answer", capital(choice), value, plan.title, confirm)
        rows.append(section(inline(leads, 400), button))
    return rows


def consequence(view: ChangeView, choice: str) -> str:
    """What an answer leads to, as a sentence."""
    asked, plan = view.run.question, view.change.plan
    where = f" on {asked.host}" if asked and asked.host else ""
    old = plan.facts.get("replaces")
    match choice:
        case "try again":
            return f"Try again: this step is run once more{where}."
        case "turn back":
            serves = f", so that {plan.environment} serves {old}" if old else ""
            return f"Turn back: everything that can be undone is undone{serves}."
        case "go on":
            return f"Go on: this step is left as it is{where}, and the next one begins."
        case _:
            return sentence(f"{capital(choice)}: the run goes on with this answer")
