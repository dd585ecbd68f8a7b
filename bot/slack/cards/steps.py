"""The numbered steps of a plan with where each stands: one line a step, its state in words and not in colour alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from statistics import median
from typing import assert_never

from actions.engine.fold import Mark, Phase, State
from actions.engine.journal import Way
from actions.engine.plan import Ask, Back, Do, Expect, Harmless, Irreversible, Plan, Shift, Step, Watch, hosts_of
from actions.engine.words import AT_ONCE, FEW, joined, named, percent, took
from bot.slack.cards.stage import StepPhase, beside, marks_of, phase_of, since
from bot.slack.words import about, at, code, inline, listed, sentence

SHORT = 6
"""A plan of more steps than this is folded on its card, and stands whole behind View plan."""

Numbered = tuple[int, Step]


def planned_steps(plan: Plan) -> list[str]:
    """The steps before anything has begun."""
    first = beside(plan)
    return [
        f"{number}. {_title(step)}{_with(first.get(step.name))}{_for_good(step)}"
        for number, step in enumerate(plan.steps, 1)
    ]


def walked_steps(plan: Plan, run: State) -> list[str]:
    """The steps with how far each has come; of a long plan only those that matter now, the others counted."""
    steps = list(enumerate(plan.steps, 1))
    if len(steps) <= SHORT:
        return [_line(number, step, run) for number, step in steps]
    return list(_folded(steps, run))


def _folded(steps: list[Numbered], run: State) -> Iterator[str]:
    """Neighbours that are done share a line, and so do those to come, but for the next one."""
    for phase, neighbours in groupby(steps, lambda pair: phase_of(run, pair[1])):
        group = list(neighbours)
        if phase is StepPhase.AHEAD and not run.ended and run.way is Way.FORWARD:
            yield _line(*group.pop(0), run)
        if phase not in {StepPhase.AHEAD, StepPhase.DONE} or len(group) < 2:
            yield from (_line(number, step, run) for number, step in group)
            continue
        span = f"{group[0][0]}–{group[-1][0]}"
        marks = [mark for _, step in group for mark in marks_of(run, step, Way.FORWARD).values()]
        yield f"✓ {span}. done{_time(marks)}" if phase is StepPhase.DONE else f"◦ {span}. to do"


def detailed_steps(plan: Plan, run: State, usual: dict[str, float]) -> list[str]:
    """The steps with how far each has come, what exactly is done where, and how each is undone."""
    first = beside(plan)
    return [
        f"*{number}. {_title(step)}*{_with(first.get(step.name))}{_how_far(step, run)}\n"
        f"{_detail(step, usual.get(step.name))}"
        for number, step in enumerate(plan.steps, 1)
    ]


def _title(step: Step) -> str:
    return inline(step.title, 200)


def _with(number: int | None) -> str:
    return f", at the same time as step {number}" if number else ""


def _for_good(step: Step) -> str:
    return " — _cannot be undone_" if isinstance(step, Do) and isinstance(step.undo, Irreversible) else ""


def _how_far(step: Step, run: State) -> str:
    """ " — done in 6 s (app1 4 s, app2 6 s)"; "" where it has not begun."""
    words = _state(step, run)[1]
    ended = [(host, mark) for host, mark in marks_of(run, step, Way.FORWARD).items() if host and mark.ended]
    slowest = sorted(ended, key=lambda pair: _seconds(pair[1]), reverse=True)[:3] if len(ended) > FEW else ended
    each = listed([f"{code(host, 60)} {took(mark.started, mark.ended)}" for host, mark in slowest if mark.ended])
    most = f"longest on {each}" if len(ended) > FEW else each
    return f" — {words}{f' ({most})' if len(ended) > 1 else ''}" if words else ""


def _line(number: int, step: Step, run: State) -> str:
    sign, words = _state(step, run)
    title = f"{number}. {_title(step)}"
    late = _straggler(marks_of(run, step, Way.FORWARD)) if sign == "✓" else ""
    return f"{sign} {f'*{title}*' if sign in _LOUD else title}{f' — {words}{late}' if words else ''}"


_LOUD = frozenset("▸✗↩")


def _state(step: Step, run: State) -> tuple[str, str]:
    """A sign for the eye, and the same in words."""
    forward, back = marks_of(run, step, Way.FORWARD), marks_of(run, step, Way.BACK)
    phase = phase_of(run, step)
    match phase:
        case StepPhase.AHEAD:
            return "◦", ""
        case StepPhase.DONE:
            return "✓", f"done{_time(list(forward.values()))}"
        case StepPhase.RUNNING:
            return "▸", _running(step, run, forward)
        case StepPhase.FAILED:
            return "✗", f"failed{_where(forward, Phase.FAILED)}{_beside(step, forward)}"
        case StepPhase.UNDOING:
            return "↩", f"being undone{spread(back) if len(back) > FEW else _where(back, Phase.STARTED)}"
        case StepPhase.UNDONE:
            return "↩", "undone"
        case StepPhase.STUCK:
            return "✗", f"not undone{_where(back, Phase.FAILED)}"
        case _:
            assert_never(phase)


def _running(step: Step, run: State, marks: dict[str, Mark]) -> str:
    begun = since(marks)
    start = f" since {at(begun)}" if begun else ""
    if run.ended:
        return f"was begun{start}"
    if len(hosts_of(step)) > FEW:
        return f"running{start}{spread(marks)}"
    busy, done = _in(marks, Phase.STARTED), _in(marks, Phase.DONE)
    where = f" on {names(busy)}" if busy and len(busy) < len(hosts_of(step)) else ""
    finished = f", done on {names(done)}" if done and len(hosts_of(step)) > 1 else ""
    return f"running{where}{start}{finished}"


def spread(marks: dict[str, Mark], show: Callable[[str], str] = code) -> str:
    """How many of many servers are done, and which are not where they are few: ", 97 of 100 done, still on app7"."""
    busy = _in(marks, Phase.STARTED)
    late = f", still on {named(busy, show=show)}" if busy and len(busy) <= FEW else ""
    return f", {len(marks) - len(busy)} of {len(marks)} servers done{late}"


def _beside(step: Step, marks: dict[str, Mark]) -> str:
    """What of many servers is well, where some failed: one bad among a hundred is no bad hundred."""
    of, done = len(hosts_of(step)), len(_in(marks, Phase.DONE))
    return f" (done on {done} of {of} servers)" if of > FEW else ""


def _straggler(marks: dict[str, Mark]) -> str:
    """The server for which all of many others had to be waited, where there is one."""
    times = {host: _seconds(mark) for host, mark in marks.items() if mark.ended}
    if len(times) <= FEW:
        return ""
    slowest = max(times, key=lambda host: times[host])
    half = median(times.values())
    return f", {about(half)} on most, longest on {code(slowest, 60)}" if times[slowest] > 2 * half + 2 else ""


def _in(marks: dict[str, Mark], phase: Phase) -> list[str]:
    return [host for host, mark in marks.items() if host and mark.phase is phase]


def _seconds(mark: Mark) -> float:
    return (mark.ended - mark.started).total_seconds() if mark.ended else 0.0


def _time(marks: list[Mark]) -> str:
    ended = [mark.ended for mark in marks if mark.ended]
    time = took(min(mark.started for mark in marks), max(ended)) if ended else AT_ONCE
    return "" if time == AT_ONCE else f" in {time}"


def _where(marks: dict[str, Mark], phase: Phase) -> str:
    hosts = _in(marks, phase)
    failed = {
        host: mark.summary.removeprefix(f"{host}: ") for host, mark in marks.items() if mark.phase is Phase.FAILED
    }
    host, why = next(((host, why) for host, why in failed.items() if why), ("", ""))
    each = f", on {code(host, 60)}" if host and len(set(failed.values())) > 1 else ""
    said = f"{each}: {inline(why, 300)}" if why and phase is Phase.FAILED else ""
    return (f" on {names(hosts)}" if hosts else "") + said


def names(hosts: Collection[str]) -> str:
    """Host names as code, at most eight; neighbours in one, "`app1` to `app99`"."""
    return named(hosts, 8, lambda host: code(host, 60))


def _detail(step: Step, usual: float | None) -> str:
    habit = f" Usually takes {about(usual)}." if usual else ""
    match step:
        case Do():
            return f"On {names(step.hosts)}, for {about(step.timeout)} at most.{habit} {_undo(step)}"
        case Watch():
            probes = listed([code(probe.url) for probe in step.probes], 3)
            return f"{probes} must answer well {step.need} times in a row within {about(step.seconds)}.{habit}"
        case Shift():
            stage, share = about(step.limits.stage), percent(step.limits.share)
            return (
                f"{joined(str(weight) for weight in step.weights)} % of users, for {stage} each; back to the version "
                f"before where more than {share} fail, or are slower than {step.limits.slow:g} s."
            )
        case Ask():
            return f"A person is asked: {inline(sentence(step.question), 400)}"
        case Expect():
            serve = "serves" if len(step.releases) == 1 else "serve"
            return f"Nothing is done if {names(tuple(step.releases))} {serve} something else by then."
        case _:
            assert_never(step)


def _undo(step: Do) -> str:
    match step.undo:
        case Back(title=title):
            return f"Undone by: {inline(sentence(title), 300)}"
        case Harmless(why=why):
            return inline(sentence(why), 300)
        case Irreversible(what=what):
            return f"*Cannot be undone:* {inline(sentence(what), 300)}"
        case _:
            assert_never(step.undo)
