"""Where a change stands, as one word, and who did what to it: read from the view by every text and card."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from actions.engine.fold import Mark, Phase, State
from actions.engine.journal import Outcome, Way
from actions.engine.plan import Do, Irreversible, Plan, Step, hosts_of, together
from bot.desk.view import ChangeView
from policies.change import Allowed, Approval, Blocked, Refused, Role, Waiting, Why, Word


class Stage(StrEnum):
    """Each has a card of its own."""

    WAITING = "waiting for approval"
    BLOCKED = "approved, but closed now"
    ALLOWED = "approved, not started"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    VOID = "void"
    STRATEGY = "wrong strategy"
    STARTING = "starting"
    RUNNING = "running"
    HOST_AWAY = "waiting for a server"
    ASKED = "a person is asked"
    STOPPING = "stopping"
    TURNING_BACK = "turning back"
    DONE = "done"
    TURNED_BACK = "turned back"


ENDED = frozenset({Stage.DONE, Stage.TURNED_BACK})
DEAD = frozenset({Stage.REJECTED, Stage.WITHDRAWN, Stage.EXPIRED, Stage.VOID, Stage.STRATEGY})
OVER = ENDED | DEAD
"""Nothing more happens to these by itself."""

_REFUSED = {
    Why.REJECTED: Stage.REJECTED,
    Why.WITHDRAWN: Stage.WITHDRAWN,
    Why.EXPIRED: Stage.EXPIRED,
    Why.VOID: Stage.VOID,
    Why.STRATEGY: Stage.STRATEGY,
}


def stage_of(view: ChangeView) -> Stage:
    """The stage; the journal speaks before the verdict, since a run is never judged again."""
    if view.run.seq:
        return _of_run(view.run)
    match view.verdict:
        case Waiting():
            return Stage.WAITING
        case Blocked():
            return Stage.BLOCKED
        case Allowed():
            return Stage.ALLOWED
        case Refused():
            return _REFUSED[view.verdict.why]
        case _:
            assert_never(view.verdict)


def _of_run(run: State) -> Stage:
    if run.ended:
        return Stage.DONE if run.ended.outcome is Outcome.DONE else Stage.TURNED_BACK
    if run.question:
        return Stage.ASKED
    if run.waiting:
        return Stage.HOST_AWAY
    if run.way is Way.BACK:
        return Stage.TURNING_BACK
    if run.stop:
        return Stage.STOPPING
    return Stage.RUNNING if run.marks else Stage.STARTING


class StepPhase(StrEnum):
    """Where a step stands over all its hosts."""

    AHEAD = "to do"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNDOING = "undoing"
    UNDONE = "undone"
    STUCK = "not undone"


def marks_of(run: State, step: Step, way: Way) -> dict[str, Mark]:
    """Host -> mark of that step in that direction, for hosts where it began; "" is the bot itself."""
    wanted = hosts_of(step) or ("",)
    marks = {host: run.mark(step.name, host, way) for host in (*wanted, "")}
    return {host: mark for host, mark in marks.items() if mark is not None}


def phase_of(run: State, step: Step) -> StepPhase:
    """The step's phase; going back counts more than having gone forward."""
    back = [mark.phase for mark in marks_of(run, step, Way.BACK).values()]
    if back:
        if Phase.FAILED in back:
            return StepPhase.STUCK
        return StepPhase.UNDOING if Phase.STARTED in back else StepPhase.UNDONE
    marks = marks_of(run, step, Way.FORWARD)
    phases = [mark.phase for mark in marks.values()]
    if not phases:
        return StepPhase.AHEAD
    if Phase.FAILED in phases:
        return StepPhase.FAILED
    wanted = 1 if "" in marks else len(hosts_of(step) or ("",))
    done = phases.count(Phase.DONE) >= wanted
    return StepPhase.DONE if done else StepPhase.RUNNING


def current_step(view: ChangeView) -> tuple[int, Step] | None:
    """The step at which the run is now, counted from 1; None before the first."""
    steps = list(enumerate(view.change.plan.steps, 1))
    busy = {StepPhase.UNDOING, StepPhase.STUCK} if view.run.way is Way.BACK else {StepPhase.RUNNING, StepPhase.FAILED}
    for number, step in steps:
        if phase_of(view.run, step) in busy:
            return number, step
    begun = [pair for pair in steps if phase_of(view.run, pair[1]) is not StepPhase.AHEAD]
    return begun[-1] if begun else None


def beside(plan: Plan) -> dict[str, int]:
    """The name of each step that begins together with others -> the number of the first of these."""
    found, number = dict[str, int](), 1
    for group in together(plan.steps):
        found |= {step.name: number for step in group[1:]}
        number += len(group)
    return found


def since(marks: dict[str, Mark]) -> datetime | None:
    """When the earliest of these marks began."""
    return min((mark.started for mark in marks.values()), default=None)


def decided(view: ChangeView, word: Word) -> list[Approval]:
    """The approvals, or the rejections, of what the change is now."""
    return [a for a in view.approvals if a.word is word and a.digest == view.change.digest]


def role_word(role: Role) -> str:
    """The role as people say it."""
    match role:
        case Role.TECH_LEAD:
            return "Tech Lead"
        case Role.DEVOPS:
            return "DevOps"
        case Role.CTO:
            return "CTO"
        case Role.TEAM:
            return "team member"
        case Role.ON_CALL:
            return "on call"
        case _:
            assert_never(role)


def irreversible(plan: Plan) -> list[tuple[int, str]]:
    """(step number, what stays) of every step that cannot be undone."""
    found: list[tuple[int, str]] = []
    for number, step in enumerate(plan.steps, 1):
        if isinstance(step, Do) and isinstance(step.undo, Irreversible):
            found.append((number, step.undo.what))
    return found
