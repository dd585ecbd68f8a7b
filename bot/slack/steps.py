"""The numbered steps of a plan with where each stands: one line a step, its state in words and not in colour alone."""

from __future__ import annotations

from typing import assert_never

from actions.engine.fold import Mark, Phase, State
from actions.engine.journal import Way
from actions.engine.plan import Ask, Back, Do, Expect, Harmless, Irreversible, Plan, Step, Watch, hosts_of
from bot.slack.stage import StepPhase, marks_of, phase_of, since
from bot.slack.words import INSTANT, at, code, inline, listed, sentence, took


def planned_steps(plan: Plan) -> list[str]:
    """The steps before anything has begun."""
    return [f"{number}. {_title(step)}{_for_good(step)}" for number, step in enumerate(plan.steps, 1)]


def walked_steps(plan: Plan, run: State) -> list[str]:
    """The steps with how far each has come; those of an ended run that never began are left plain."""
    return [_line(number, step, run) for number, step in enumerate(plan.steps, 1)]


def detailed_steps(plan: Plan) -> list[str]:
    """The steps with what exactly is run where, and how each is undone."""
    return [f"*{number}. {_title(step)}*\n{_detail(step)}" for number, step in enumerate(plan.steps, 1)]


def _title(step: Step) -> str:
    return inline(step.title, 200)


def _for_good(step: Step) -> str:
    return " — _cannot be undone_" if isinstance(step, Do) and isinstance(step.undo, Irreversible) else ""


def _line(number: int, step: Step, run: State) -> str:
    forward, back = marks_of(run, step, Way.FORWARD), marks_of(run, step, Way.BACK)
    title, phase = f"{number}. {_title(step)}", phase_of(run, step)
    match phase:
        case StepPhase.AHEAD:
            return f"◦ {title}"
        case StepPhase.DONE:
            return f"✓ {title} — done{_time(forward)}"
        case StepPhase.RUNNING:
            return f"▸ *{title}* — {_running(step, run, forward)}"
        case StepPhase.FAILED:
            return f"✗ *{title}* — failed{_where(forward, Phase.FAILED)}"
        case StepPhase.UNDOING:
            return f"↩ *{title}* — being undone{_where(back, Phase.STARTED)}"
        case StepPhase.UNDONE:
            return f"↩ {title} — undone"
        case StepPhase.STUCK:
            return f"✗ *{title}* — not undone{_where(back, Phase.FAILED)}"
        case _:
            assert_never(phase)


def _running(step: Step, run: State, marks: dict[str, Mark]) -> str:
    begun = since(marks)
    start = f" since {at(begun)}" if begun else ""
    if run.ended:
        return f"was begun{start}"
    busy = [host for host, mark in marks.items() if host and mark.phase is Phase.STARTED]
    done = [host for host, mark in marks.items() if host and mark.phase is Phase.DONE]
    where = f" on {names(busy)}" if busy and len(busy) < len(hosts_of(step)) else ""
    finished = f", done on {names(done)}" if done and len(hosts_of(step)) > 1 else ""
    return f"running{where}{start}{finished}"


def _time(marks: dict[str, Mark]) -> str:
    begun, ended = since(marks), [mark.ended for mark in marks.values() if mark.ended]
    time = took(begun, max(ended)) if begun and ended else INSTANT
    return "" if time == INSTANT else f" in {time}"


def _where(marks: dict[str, Mark], phase: Phase) -> str:
    hosts = [host for host, mark in marks.items() if host and mark.phase is phase]
    why = next((mark.summary for mark in marks.values() if mark.phase is Phase.FAILED and mark.summary), "")
    said = f": {inline(why, 300)}" if why and phase is Phase.FAILED else ""
    return (f" on {names(hosts)}" if hosts else "") + said


def names(hosts: list[str] | tuple[str, ...]) -> str:
    """Host names as code, at most eight."""
    return listed([code(host, 60) if " more" not in host else host for host in hosts])


def _detail(step: Step) -> str:
    match step:
        case Do():
            what = f"{code(step.call.verb)} on {names(step.hosts)}, {step.timeout} s at most"
            return f"{what}. {_undo(step)}"
        case Watch():
            probes = listed([code(probe.url) for probe in step.probes], 3)
            return f"{probes} must answer well {step.need} times in a row within {step.seconds} s."
        case Ask():
            return f"A person is asked: {inline(sentence(step.question), 400)}"
        case Expect():
            return (
                f"Stops before anything is done if {names(tuple(step.releases))} no longer serve what they serve now."
            )
        case _:
            assert_never(step)


def _undo(step: Do) -> str:
    match step.undo:
        case Back(title=title):
            return f"Undone by: {inline(sentence(title), 300)}"
        case Harmless(why=why):
            return f"Nothing to undo: {inline(sentence(why), 300)}"
        case Irreversible(what=what):
            return f"*Cannot be undone:* {inline(sentence(what), 300)}"
        case _:
            assert_never(step.undo)
