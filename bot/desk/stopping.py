"""When a stop comes too late or a second time: what is said to the person who asked for it."""

from __future__ import annotations

from actions.engine.fold import Phase, State
from actions.engine.journal import Way
from actions.engine.plan import Do, Plan, Step
from actions.engine.runner.closing import configures
from actions.engine.words import instant
from bot.desk.view import ChangeView
from bot.desk.wishes import to_stop
from bot.milestones import why_back


def why_not(view: ChangeView) -> str:
    """Why a stop would do nothing now, as a sentence; "" where it would turn the run back."""
    plan, run = view.change.plan, view.run
    if run.ended:
        return f"It has ended already: {run.ended.summary}"
    if run.turned:
        return f"It is turning back already: {why_back(view)}."
    if run.stop:
        return f"{view.name(run.stop.by)} has pressed {to_stop(run)} ({instant(run.stop.at)}), and it is stopping."
    if is_settled(plan, run):
        new, back = ("The new configuration", "config undo") if configures(plan) else (plan.version, "rollback")
        return f"{new} is already live and checked, so stop cannot turn it back. Use `{back}`."
    return ""


def is_settled(plan: Plan, run: State) -> bool:
    """Whether every step that has to succeed has succeeded: from then on the run does not turn back."""
    return all(_is_done(step, run) for step in plan.steps if not isinstance(step, Do) or step.must)


def _is_done(step: Step, run: State) -> bool:
    hosts = step.hosts if isinstance(step, Do) else ("",)
    marks = (run.mark(step.name, host, Way.FORWARD) for host in hosts)
    return all(mark is not None and mark.phase is Phase.DONE for mark in marks)
