"""How long a run will still take: medians of what the same steps took before, and nothing where there is no before.

What was waited for a person's answer or for a host away is not counted: it says nothing of the next run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from actions.engine.fold import State
from actions.engine.journal import Outcome, Way
from actions.engine.plan import Do, Plan, Step, together

PAST_RUNS = 5
"""So many of the newest successful runs are looked at."""
LONGER = 1.5
"""A step is late when it takes this many times what it usually takes, and
`GRACE` seconds more than that: a step of one second is not late after two."""
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Usual:
    """What runs of one action in one environment usually take, in seconds."""

    steps: Mapping[str, float] = field(default_factory=dict[str, float])
    """By the step's name; a step that no run had is not in it."""
    total: float = 0.0
    """From the start to the end; 0 where there is no past."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What can be said of a run that goes forward. All in seconds, None where nothing can be said."""

    so_far: float
    """Since it was started."""
    left: float | None
    """Until it ends, if it goes on as usual; never below 0."""
    late: float | None
    """What the running step usually takes, where it takes clearly longer this time."""


def usual(past: Iterable[State]) -> Usual:
    """The medians over the runs that ended well; give them newest first, `PAST_RUNS` of them count."""
    good = [run for run in past if run.opened and run.ended and run.ended.outcome is Outcome.DONE][:PAST_RUNS]
    took = dict[str, list[float]]()
    for run in good:
        for name in {step for step, _, way in run.marks if way is Way.FORWARD}:
            if (time := _took(run, name)) is not None:
                took.setdefault(name, []).append(time)
    total = (
        median(_worked(run, run.opened.at, run.ended.at) for run in good if run.opened and run.ended) if good else 0.0
    )
    return Usual({name: median(times) for name, times in took.items()}, total)


def outlook(plan: Plan, run: State, past: Usual, now: datetime) -> Outlook | None:
    """What can be said of an open run at that time; None where it has not begun, has ended, or does not go forward."""
    if run.opened is None or run.ended or run.stop or run.way is Way.BACK:
        return None
    so_far = _seconds(run.opened.at, now)
    if run.question or run.waiting:
        return Outlook(so_far, None, None)
    left, late, known = 0.0, None, bool(past.steps)
    for group in together(plan.steps):
        longest = 0.0
        for step in (one for one in group if not _is_over(one, run)):
            expected, begun = past.steps.get(step.name), _begun(step, run)
            if expected is None:
                known = False
                continue
            spent = 0.0 if begun is None else _worked(run, begun, now)
            longest = max(longest, expected - spent)
            late = expected if spent > expected * LONGER + GRACE else late
        left += longest
    return Outlook(so_far, None if late is not None or not known else left, late)


def _took(run: State, step: str) -> float | None:
    """From its first beginning to its last end, over all hosts; None where it did not end everywhere."""
    marks = [mark for (name, _, way), mark in run.marks.items() if name == step and way is Way.FORWARD]
    ends = [mark.ended for mark in marks if mark.ended]
    return _worked(run, min(mark.started for mark in marks), max(ends)) if len(ends) == len(marks) else None


def _is_over(step: Step, run: State) -> bool:
    hosts = step.hosts if isinstance(step, Do) else ("",)
    marks = [run.mark(step.name, host, Way.FORWARD) for host in hosts]
    return all(mark is not None and mark.ended for mark in marks)


def _begun(step: Step, run: State) -> datetime | None:
    hosts = step.hosts if isinstance(step, Do) else ("",)
    marks = [run.mark(step.name, host, Way.FORWARD) for host in hosts]
    return min((mark.started for mark in marks if mark), default=None)


def _worked(run: State, start: datetime, end: datetime) -> float:
    """Seconds between the two in which the run waited neither for a person nor for a host."""
    idle = sum(_seconds(max(start, since), min(end, until)) for since, until in run.idle)
    return max(0.0, _seconds(start, end) - idle)


def _seconds(start: datetime, end: datetime) -> float:
    """Clocks of two bots differ: a time that runs backwards is none."""
    return max(timedelta(0), end - start).total_seconds()
