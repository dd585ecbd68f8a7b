"""What a run is, read from its journal: one pure fold, used by the runner, the cards and the command line alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from actions.engine.journal import (
    Answered,
    Asked,
    Done,
    Ended,
    Entry,
    Failed,
    Measured,
    Observed,
    Opened,
    Returned,
    Started,
    StopAsked,
    Took,
    TurnedBack,
    Waiting,
    Way,
    Weighed,
    Wished,
)
from actions.engine.shifts import Shifted, shifted


class Phase(StrEnum):
    """Where one step stands on one host, in one direction."""

    STARTED = "started"
    """Begun; whether its effect happened is asked of the host, never guessed."""
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest that the journal says of one step, host and way."""

    phase: Phase
    started: datetime
    ended: datetime | None = None
    attempt: int = 1
    deadline: datetime | None = None
    summary: str = ""
    """For DONE what it did, for FAILED why."""
    lines: tuple[str, ...] = ()


Key = tuple[str, str, Way]
"""(step, host, way); host is "" where the bot itself acts."""


@dataclass(frozen=True, slots=True)
class State:
    """A run at one moment."""

    seq: int = 0
    """How many entries were folded."""
    opened: Opened | None = None
    fence: int = 0
    worker: str = ""
    way: Way = Way.FORWARD
    turned: TurnedBack | None = None
    stop: StopAsked | None = None
    ended: Ended | None = None
    observed: Observed | None = None
    marks: Mapping[Key, Mark] = field(default_factory=dict[Key, Mark])
    question: Asked | None = None
    """The open question, None once it was answered or its step has ended."""
    answers: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """(step, host) -> the newest choice; a Started of that step and host has acted on it and takes it away."""
    waiting: Mapping[str, Waiting] = field(default_factory=dict[str, Waiting])
    """Hosts that are waited for."""
    shifts: Mapping[str, Shifted] = field(default_factory=dict[str, Shifted])
    """By step."""
    idle_since: datetime | None = None
    """Since when a person's answer or a host is waited for, None where neither is."""
    idle: tuple[tuple[datetime, datetime], ...] = ()
    """From when to when that was so before: one after the other, never overlapping."""
    applied: tuple[str, ...] = ()
    """Migrations that this run applied, in order; they stay when it turns back."""

    def mark(self, step: str, host: str, way: Way) -> Mark | None:
        """What the journal says of that step on that host in that direction, None if it never began."""
        return self.marks.get((step, host, way))


def fold(entries: Iterable[Entry], state: State | None = None) -> State:
    """Read the entries in order, starting from an earlier fold where one is given.

    The marks are copied once and not for every entry: a run on a hundred servers has some thousand entries.
    """
    before = state or State()
    marks = dict(before.marks)
    now = replace(before, marks=marks)
    for entry in entries:
        now = replace(_idled(_next(now, entry, marks), entry.at), seq=now.seq + 1)
    return now


def _idled(now: State, at: datetime) -> State:
    idles = now.question is not None or bool(now.waiting)
    if idles == (now.idle_since is not None):
        return now
    if now.idle_since is None:
        return replace(now, idle_since=at)
    return replace(now, idle_since=None, idle=(*now.idle, (now.idle_since, at)))


def _next(now: State, entry: Entry, marks: dict[Key, Mark]) -> State:
    """`marks` are those of `now`, and nobody else's yet."""
    match entry:
        case Opened():
            return replace(now, opened=entry)
        case Took():
            return replace(now, fence=entry.fence, worker=entry.worker)
        case Started():
            mark = Mark(Phase.STARTED, entry.at, attempt=entry.attempt, deadline=entry.deadline)
            marks[entry.step, entry.host, entry.way] = mark
            if (entry.step, entry.host) not in now.answers:
                return now
            return replace(
                now, answers={key: said for key, said in now.answers.items() if key != (entry.step, entry.host)}
            )
        case Done():
            ended = _ended(now, entry, marks, Phase.DONE, entry.summary)
            return replace(ended, applied=_joined(now.applied, entry.applied)) if entry.applied else ended
        case Failed():
            ended = _ended(now, entry, marks, Phase.FAILED, entry.why)
            return replace(ended, applied=_joined(now.applied, entry.applied)) if entry.applied else ended
        case TurnedBack():
            return replace(now, way=Way.BACK, turned=entry, question=None)
        case Waiting() | Returned():
            others = {host: waiting for host, waiting in now.waiting.items() if host != entry.host}
            return replace(now, waiting={**others, entry.host: entry} if isinstance(entry, Waiting) else others)
        case Asked():
            return replace(now, question=entry, applied=_joined(now.applied, entry.applied))
        case Answered():
            return replace(now, question=None, answers={**now.answers, (entry.step, entry.host): entry.choice})
        case Weighed() | Measured() | Wished():
            return replace(now, shifts={**now.shifts, entry.step: shifted(now.shifts.get(entry.step), entry)})
        case StopAsked():
            return replace(now, stop=now.stop or entry)
        case Ended():
            return replace(now, ended=entry, question=None, waiting={})
        case Observed():
            return replace(now, observed=entry)
        case _:
            assert_never(entry)


def _ended(now: State, entry: Done | Failed, marks: dict[Key, Mark], phase: Phase, summary: str) -> State:
    key = (entry.step, entry.host, entry.way)
    before = marks.get(key) or Mark(Phase.STARTED, entry.at)
    marks[key] = replace(before, phase=phase, ended=entry.at, summary=summary, lines=entry.lines)
    asked = now.question
    over = asked is not None and (asked.step, asked.host) == (entry.step, entry.host)
    return replace(now, question=None) if over else now


def _joined(seen: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return seen + tuple(name for name in new if name not in seen)
