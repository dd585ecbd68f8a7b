"""The live card: a pure function from a change as it stands to the message that a Tech Lead reads in three seconds."""

from __future__ import annotations

from typing import assert_never

from actions.engine.journal import Way
from actions.engine.words import counted
from bot.slack.blocks import (
    HEADER,
    Block,
    Button,
    Card,
    Confirm,
    Style,
    actions,
    card,
    context,
    header,
    section,
    sections,
    words,
)
from bot.slack.lead import lead_of
from bot.slack.stage import (
    DEAD,
    Stage,
    decided,
    irreversible,
    migrations,
    role_word,
    stage_of,
)
from bot.slack.steps import planned_steps, walked_steps
from bot.slack.words import code, day, inline, listed, sentence
from bot.view import ChangeView
from policies.change import Role, Word

EVENT_TYPE = "chom_card"
"""The metadata's event_type on every card, so that a copy of a card can be told from the card."""


def change_card(view: ChangeView, *, newest: bool = True) -> Card:
    """The card. `newest` is False where a later run has changed the environment: then nothing is offered any more."""
    stage, lead = stage_of(view), lead_of(view)
    blocks: list[Block] = [_header(view), section(f"*{inline(lead.head)}* {lead.next}")]
    if lead.quote:
        blocks.append(words(lead.quote))
    blocks += [*_asked_by(view), *_steps(view, stage), *_for_good(view, stage)]
    blocks += _buttons(view, stage, newest)
    blocks.append(context(_small_print(view, stage)))
    return card(f"{sentence(view.change.plan.title)} {lead.sentence}", blocks)


def preview_card(view: ChangeView) -> Card:
    """What `plan` shows: the same card without buttons, and that nothing has been started."""
    plan = view.change.plan
    blocks = [
        _header(view),
        section("*Only a plan: nothing has been started,* and nothing waits for anybody."),
        *sections(planned_steps(plan)),
        *_for_good(view, Stage.WAITING),
        section(f"If it is asked for: {inline(sentence(view.verdict.said))}"),
        context(_facts(view)),
    ]
    return card(f"{sentence(plan.title)} Only a plan: nothing has been started.", blocks)


def metadata(view: ChangeView, revision: str) -> Block:
    """What the card's message carries for programs: which change it shows, and how new it is."""
    return {"event_type": EVENT_TYPE, "event_payload": {"change": view.change.id, "revision": revision}}


def value_of(view: ChangeView) -> str:
    """What a button carries: the change and the digest of what was shown."""
    return f"{view.change.id}:{view.change.digest}"


def _header(view: ChangeView) -> Block:
    """The title; where it is too long for a header, without what it has in brackets, which the card says below."""
    title = view.change.plan.title
    return header(title if len(title) <= HEADER else title.partition(" (")[0])


def _asked_by(view: ChangeView) -> list[Block]:
    change = view.change
    why = f": “{inline(change.reason, 600)}”" if change.reason else "."
    return [section(f"*{inline(view.name(change.requester), 100)}* asked for it {day(change.at)}{why}")]


def _steps(view: ChangeView, stage: Stage) -> list[Block]:
    plan = view.change.plan
    if stage in DEAD:
        return []
    return sections(walked_steps(plan, view.run) if view.run.seq else planned_steps(plan))


def _for_good(view: ChangeView, stage: Stage) -> list[Block]:
    """What cannot be undone, by name: before it is approved, and after it has happened."""
    plan, run = view.change.plan, view.run
    if stage in DEAD:
        return []
    if not run.seq:
        lines = [f"Step {n} cannot be undone: {inline(sentence(what), 600)}" for n, what in irreversible(plan)]
        unnamed = [name for name in migrations(plan) if not any(name in line for line in lines)]
        if left := plan.facts.get("migrations_left"):
            names = [code(name, 120) for name in (left if isinstance(left, tuple) else (str(left),))]
            lines.append(f"Of the newer version stay in the database: {listed(names, 12)}.")
        if unnamed:
            lines.append(f"Migrations that will be applied: {listed([code(n, 120) for n in unnamed], 12)}.")
        return [section("\n".join(lines))] if lines else []
    if run.applied and (run.way is Way.BACK or run.ended):
        stay = ", and stay" if run.way is Way.BACK else ""
        return [section(f"Migrations applied{stay}: {listed([code(n, 120) for n in run.applied], 12)}.")]
    return []


def _small_print(view: ChangeView, stage: Stage) -> str:
    change = view.change
    parts = [_facts(view)]
    if stage in {Stage.WAITING, Stage.BLOCKED, Stage.ALLOWED} and change.requirement.needs:
        parts.append(f"lapses {day(change.at + change.requirement.expires)}")
    said = [_said(view, word) for word in Word]
    return "\n".join([*(line for line in said if line), " · ".join([*parts, code(change.id)])])


def _facts(view: ChangeView) -> str:
    change = view.change
    why = inline(change.requirement.because, 300).rstrip(".")
    parts = [f"Category {change.requirement.category}: {why}" if change.requirement.needs else why]
    if replaces := change.plan.facts.get("replaces"):
        parts.append(f"replaces {inline(str(replaces), 60)}")
    if change.plan.commit:
        parts.append(f"commit {code(change.plan.commit[:10])}")
    return " · ".join(parts)


def _said(view: ChangeView, word: Word) -> str:
    """Who decided, as what, and when."""
    verb = "Approved" if word is Word.APPROVE else "Rejected"
    each = [
        f"*{inline(view.name(a.person), 80)}*{_as(view, a.person)} {day(a.at)}"
        + (f" (“{inline(a.reason, 200)}”)" if a.reason else "")
        for a in decided(view, word)
    ]
    return f"{verb} by {listed(each)}" if each else ""


def _as(view: ChangeView, person: str) -> str:
    known = view.people.get(person)
    wanted = {need.role for need in view.change.requirement.needs}
    roles = [role for role in Role if known and role in known.roles]
    told = [role for role in roles if role in wanted] or roles
    return f" ({role_word(told[0])})" if told else ""


# --- buttons -------------------------------------------------------------


def _buttons(view: ChangeView, stage: Stage, newest: bool) -> list[Block]:
    show = Button("chom_show_plan", "Show details", value_of(view), "Show every step in detail, only to you")
    match stage:
        case Stage.WAITING | Stage.BLOCKED:
            return [actions([_approve(view), _reject(view), show])]
        case Stage.ALLOWED:
            return [actions([_start(view), _reject(view), show])]
        case Stage.STARTING | Stage.RUNNING | Stage.HOST_AWAY:
            return [] if view.run.way is Way.BACK or view.run.stop else [actions([_stop(view)])]
        case Stage.ASKED:
            return _choices(view)
        case Stage.DONE:
            return [actions([_roll_back(view)])] if newest and view.change.plan.facts.get("replaces") else []
        case Stage.REJECTED | Stage.EXPIRED | Stage.VOID | Stage.STRATEGY:
            return []
        case Stage.STOPPING | Stage.TURNING_BACK | Stage.TURNED_BACK:
            return []
        case _:
            assert_never(stage)


def _approve(view: ChangeView) -> Button:
    plan = view.change.plan
    count = len(migrations(plan))
    kept = f" {counted(count, 'migration')} cannot be undone." if count else ""
    confirm = Confirm(
        f"Approve {plan.version} for {plan.environment}?",
        f"{sentence(plan.title)} It starts as soon as nobody else has to approve.{kept}",
        "Approve",
    )
    says = f"Approve: {plan.title}"
    return Button("chom_approve", "Approve", value_of(view), says, confirm, Style.PRIMARY)


def _start(view: ChangeView) -> Button:
    plan = view.change.plan
    confirm = Confirm(
        f"Start {plan.version} on {plan.environment}?", f"{sentence(plan.title)} It is approved.", "Start"
    )
    return Button("chom_approve", "Start now", value_of(view), f"Start: {plan.title}", confirm, Style.PRIMARY)


def _reject(view: ChangeView) -> Button:
    """Opens a window that says what it means and takes a reason; that window is the confirmation."""
    return Button("chom_reject", "Reject", value_of(view), f"Reject: {view.change.plan.title}", style=Style.DANGER)


def _stop(view: ChangeView) -> Button:
    plan = view.change.plan
    kept = " Migrations that were applied stay." if migrations(plan) else ""
    confirm = Confirm(
        f"Stop {plan.version} on {plan.environment}?",
        f"The step that is running finishes, then every step that can be undone is undone.{kept}",
        "Stop it",
        "Let it run",
    )
    return Button("chom_stop", "Stop", value_of(view), f"Stop and turn back: {plan.title}", confirm, Style.DANGER)


def _roll_back(view: ChangeView) -> Button:
    plan = view.change.plan
    confirm = Confirm(
        f"Ask to roll back {plan.environment}?",
        f"This asks for a rollback of {plan.environment} from {plan.version} to the release before it. "
        "It gets a card of its own, with its plan and who has to approve it.",
        "Ask for it",
    )
    says = f"Ask to roll back {plan.environment} from {plan.version}"
    return Button("chom_rollback", "Roll back", value_of(view), says, confirm)


def _choices(view: ChangeView) -> list[Block]:
    """A row for each answer, so that what it leads to stands beside its button."""
    asked = view.run.question
    assert asked is not None
    rows: list[Block] = []
    for choice in asked.choices[:10]:
        leads = consequence(view, choice)
        confirm = Confirm(f"{choice.capitalize()}?", leads, choice.capitalize())
        value = f"{view.change.id}:{asked.step}:{asked.host}:{choice}"
        button = Button("chom_answer", choice.capitalize(), value, f"Answer: {choice}", confirm)
        rows.append(section(inline(leads, 400), button))
    return rows


def consequence(view: ChangeView, choice: str) -> str:
    """What an answer leads to, as a sentence."""
    asked = view.run.question
    where = f" on {asked.host}" if asked and asked.host else ""
    match choice:
        case "try again":
            return f"Try again: this step is run once more{where}."
        case "turn back":
            return "Turn back: everything done so far that can be undone is undone."
        case "go on":
            return f"Go on: this step{where} is left as it is, and the next one begins."
        case _:
            return sentence(f"{choice.capitalize()}: the run goes on with this answer")
