"""What a walk does next: read from the plan and the fold of its journal, and from nothing else but the time.

A walker that took over decides as the one before it would have. Once turned back, never forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from actions.engine.fold import Mark, Phase, State
from actions.engine.journal import Outcome, Way
from actions.engine.plan import Ask, Back, Do, Expect, Irreversible, Plan, Shift, Step, Watch, together
from actions.engine.runner import closing
from actions.engine.words import took

GO_ON, TURN_BACK, TRY_AGAIN = "go on", "turn back", "try again"
"""The answers there are."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin the step on these hosts, or follow it to its end where it was begun."""

    step: Do
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """Look whether the hosts are still as the plan saw them."""

    step: Expect


@dataclass(frozen=True, slots=True)
class Observe:
    """Begin the watch, or go on with it until its deadline."""

    step: Watch


@dataclass(frozen=True, slots=True)
class Together:
    """Several at once, each as if it were alone; all of them are awaited before anything else is decided."""

    begins: tuple[Begin, ...]
    observes: tuple[Observe, ...]


@dataclass(frozen=True, slots=True)
class ShiftOn:
    """Begin to shift users, or go on where the shift stands."""

    step: Shift


@dataclass(frozen=True, slots=True)
class Put:
    """Put the step's question to the people."""

    step: Ask


@dataclass(frozen=True, slots=True)
class Listen:
    """A question is open: wait for its answer, until its deadline where it has one."""

    until: datetime | None


@dataclass(frozen=True, slots=True)
class Pass:
    """The Ask step is over and the run goes on; `said` is why, in words."""

    step: Ask
    said: str


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Decide to undo. `broken_off` are the bot's own steps that have begun and will not end."""

    why: str
    by: str = ""
    broken_off: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undo:
    """On these hosts: see what became of the step where that is not known, else undo it."""

    step: Do
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Revisit:
    """Only hosts that do not answer are left: try each (step, host) again, for as long as it takes."""

    undos: tuple[tuple[Do, str], ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    outcome: Outcome
    summary: str


@dataclass(frozen=True, slots=True)
class Over:
    """The run has ended."""


Move = Begin | Compare | Observe | Together | ShiftOn | Put | Listen | Pass | TurnBack | Undo | Revisit | Finish | Over


def decide(plan: Plan, state: State, now: datetime) -> Move:
    """The next move. Pure: the same journal at the same time gives the same move."""
    if state.ended:
        return Over()
    if state.way is Way.BACK:
        return _back(plan, state, now)
    if turning := _turning(plan, state):
        return turning
    for group in together(plan.steps):
        left = [step for step in group if not (_is_over(step, state) or (state.stop and _may_be_left(step, state)))]
        if left:
            return _at_once([_forward(plan, step, state, now) for step in left])
    return Finish(Outcome.DONE, closing.done(plan, state, now))


def turn_back(plan: Plan, state: State, why: str, by: str = "") -> TurnBack:
    """The decision to turn back for that reason, which says so where there is nothing to undo."""
    own = [step.name for step in plan.steps if not isinstance(step, Do)]
    marks = {name: state.mark(name, "", Way.FORWARD) for name in own}
    begun = tuple(name for name, mark in marks.items() if mark and mark.phase is Phase.STARTED)
    return TurnBack(f"{why}{closing.nothing_to_undo(plan, state)}", by, begun)


# --- forward -----------------------------------------------------------------


def _at_once(moves: list[Move]) -> Move:
    """One move for the steps of a group. While a person is asked about one of them, none is begun or followed."""
    begins = tuple(move for move in moves if isinstance(move, Begin))
    observes = tuple(move for move in moves if isinstance(move, Observe))
    if len(moves) == 1 or len(begins) + len(observes) < len(moves):
        return next((move for move in moves if isinstance(move, Listen)), moves[0])
    return Together(begins, observes)


def _turning(plan: Plan, state: State) -> TurnBack | None:
    """Why the run cannot go on, if it cannot."""
    if why := closing.failure(plan, state):
        return turn_back(plan, state, why)
    if TURN_BACK in state.answers.values():
        return turn_back(plan, state, f"the answer was “{TURN_BACK}”")
    if state.stop is None:
        return None
    left = next((step for step in plan.steps if _must(step) and not _is_over(step, state)), None)
    return turn_back(plan, state, closing.stopped_at(left, state), state.stop.by) if left else None


def _must(step: Step) -> bool:
    return step.must if isinstance(step, Do) else True


def _is_over(step: Step, state: State) -> bool:
    """Whether it has ended everywhere; a failure of what must succeed was seen before."""
    return all(_has_ended(state.mark(step.name, host, Way.FORWARD)) for host in _hosts(step))


def _may_be_left(step: Step, state: State) -> bool:
    """What need not succeed and has not begun is not begun once somebody pressed Stop."""
    return not _must(step) and not any(state.mark(step.name, host, Way.FORWARD) for host in _hosts(step))


def _hosts(step: Step) -> tuple[str, ...]:
    return step.hosts if isinstance(step, Do) else ("",)


def _has_ended(mark: Mark | None) -> bool:
    return mark is not None and mark.phase is not Phase.STARTED


def _forward(plan: Plan, step: Step, state: State, now: datetime) -> Move:
    match step:
        case Do():
            if state.question:
                return Listen(None)
            left = (host for host in step.hosts if not _has_ended(state.mark(step.name, host, Way.FORWARD)))
            return Begin(step, tuple(left))
        case Expect():
            return Compare(step)
        case Watch():
            return Observe(step)
        case Shift():
            return ShiftOn(step)
        case Ask():
            return _ask(plan, step, state, now)
        case _:
            assert_never(step)


def _ask(plan: Plan, step: Ask, state: State, now: datetime) -> Move:
    mark = state.mark(step.name, "", Way.FORWARD)
    if mark is None:
        return Put(step)
    if (step.name, "") in state.answers:
        return Pass(step, "the answer was “go on”")
    if mark.deadline is None or now < mark.deadline:
        return Listen(mark.deadline)
    silence = f"nobody answered within {took(mark.started, mark.deadline)}"
    return Pass(step, silence) if step.otherwise == GO_ON else turn_back(plan, state, silence)


# --- back --------------------------------------------------------------------


def _back(plan: Plan, state: State, now: datetime) -> Move:
    """Undo in reverse order. A host that is waited for does not hold up the others."""
    latest = dict[str, Do]()
    for step, host in _open(plan, state):
        latest.setdefault(host, step)
    if not latest:
        return Finish(Outcome.TURNED_BACK, closing.turned_back(plan, state, now))
    away = {host for host, waiting in state.waiting.items() if waiting.way is Way.BACK}
    there = {host: step for host, step in latest.items() if host not in away}
    if not there:
        return Revisit(tuple((step, host) for host, step in latest.items()))
    newest = max(there.values(), key=plan.steps.index)
    return Undo(newest, tuple(host for host, step in there.items() if step is newest))


def _open(plan: Plan, state: State) -> Iterator[tuple[Do, str]]:
    """(step, host) that has still to be settled or undone, the last step first."""
    for step in reversed(plan.steps):
        if not isinstance(step, Do):
            continue
        for host in step.hosts:
            began, undone = state.mark(step.name, host, Way.FORWARD), state.mark(step.name, host, Way.BACK)
            if began is None or _has_ended(undone):
                continue
            if isinstance(step.undo, Back) or not _has_ended(began):
                yield step, host


def insists(step: Do) -> bool:
    """Whether turning back waits for a host to say what became of the step there: not where it is harmless."""
    return isinstance(step.undo, Back | Irreversible)
