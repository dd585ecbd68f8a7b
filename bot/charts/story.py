"""What users of both versions got while they were shifted, tick by tick: read from the journal, to be drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from actions.engine.analysis.counters import Counts
from actions.engine.analysis.limits import Limits
from actions.engine.analysis.watched import Spans, Watched
from actions.engine.journal import Done, Entry, Failed, Measured, TurnedBack, Way, Weighed, Wish, Wished
from actions.engine.plan import Plan, Shift


class End(Enum):
    """What the end of a picture means."""

    ON = "the next stage begins"
    LIVE = "the last stage is over, and it becomes the served version"
    BACK = "the bot sends everybody back"
    STOPPED = "a person sends everybody back"


@dataclass(frozen=True, slots=True)
class Tick:
    """What was counted between two looks.

    Times are seconds since the first users were shifted, without those in which all were on stable for want of a bot.
    """

    began: float
    ended: float
    canary: Counts
    stable: Counts


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stage as far as it went, in the same seconds."""

    weight: int
    """Percent of users."""
    began: float
    ended: float
    ticks: tuple[Tick, ...]

    @property
    def canary(self) -> Counts:
        """All that the new version's users got."""
        return sum((tick.canary for tick in self.ticks), Counts())

    @property
    def stable(self) -> Counts:
        """All that the others got meanwhile."""
        return sum((tick.stable for tick in self.ticks), Counts())


@dataclass(frozen=True, slots=True)
class Story:
    """A shift of users from its beginning to one of the moments that are drawn."""

    version: str
    old: str
    """The version of those who are not shifted."""
    environment: str
    hosts: tuple[str, ...]
    """The servers on which users are shifted."""
    began: datetime
    limits: Limits
    stages: tuple[Stretch, ...]
    """Never empty."""
    end: End
    why: str
    """The evidence at the end, as the journal says it."""
    promoter: str = ""
    """Who ended the last stage before its time; "" where the analysis did, or users go back."""
    promoter_id: str = ""
    """The same person as chom.toml calls them, in plain letters."""
    lapses: Spans = ()
    """When all were on stable, in seconds since `began` as a clock counts them."""

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.stages[-1].ended

    def when(self, seconds: float) -> datetime:
        """What the clock said then."""
        for began, ended in self.lapses:
            if seconds > began:
                seconds += ended - began
        return self.began + timedelta(seconds=seconds)


def moments(plan: Plan, entries: Sequence[Entry]) -> tuple[int, ...]:
    """The numbers (from 1) of the entries at which a picture is due: each stage's end, and the shift's own."""
    return tuple(number for number, _ in _ends(plan, entries))


def _ends(plan: Plan, entries: Sequence[Entry]) -> Iterator[tuple[int, End]]:
    shift, begun = _shift(plan), False
    if shift is None:
        return
    for number, entry in enumerate(entries, 1):
        match entry:
            case Weighed(step=shift.name):
                if begun:
                    yield number, End.ON
                begun = True
            case Done(step=shift.name, way=Way.FORWARD) if begun:
                yield number, End.LIVE
                return
            case Failed(step=shift.name, way=Way.FORWARD) if begun:
                yield number, End.BACK
                return
            case TurnedBack() if begun:
                yield number, End.STOPPED if entry.by else End.BACK
                return
            case _:
                pass


def _shift(plan: Plan) -> Shift | None:
    return next((step for step in plan.steps if isinstance(step, Shift)), None)


def story(plan: Plan, entries: Sequence[Entry], number: int, name: Callable[[str], str] = str) -> Story:
    """Up to the entry of that number, which is one of the `moments`. The same whoever reads it, and whenever.

    `name` is what a person's id is shown as.
    """
    shift, end = _shift(plan), dict(_ends(plan, entries))[number]
    assert shift is not None
    told = [e for e in entries[:number] if isinstance(e, Weighed | Measured) and e.step == shift.name]
    last = entries[number - 1]
    why = last.why if isinstance(last, Weighed | Failed | TurnedBack) else told[-1].why
    begun = told[0].at.timestamp()
    lapses = tuple((max(0.0, a - begun), b - begun) for a, b in told[-1].watched.lapses if b > begun)
    stages = _stages(told, last.at, lapses)
    kept = stages[:-1] if end is End.ON else stages
    old = str(plan.facts.get("replaces", "")) or "stable"
    wish = _obeyed(shift, entries[:number], kept[-1].weight) if end in (End.ON, End.LIVE) else None
    promoter = wish.by if wish and wish.wish is Wish.PROMOTE else ""
    place, hosts, limits = plan.environment, shift.hosts, shift.limits
    named = name(promoter) if promoter else ""
    return Story(plan.version, old, place, hosts, told[0].at, limits, tuple(kept), end, why, named, promoter, lapses)


def _obeyed(shift: Shift, entries: Sequence[Entry], weight: int) -> Wished | None:
    """What a person wanted of that stage when it was decided on last; every decision takes the wish before it."""
    wish: Wished | None = None
    obeyed: Wished | None = None
    for entry in entries:
        match entry:
            case Wished(step=shift.name, weight=seen) if seen == weight:
                wish = entry
            case Weighed(step=shift.name) | Measured(step=shift.name):
                obeyed, wish = wish, None
            case _:
                pass
    return obeyed


def _stages(told: Sequence[Weighed | Measured], until: datetime, lapses: Spans) -> list[Stretch]:
    def since_begun(at: datetime) -> float:
        clock = (at - told[0].at).total_seconds()
        return clock - sum(max(0.0, min(clock, ended) - began) for began, ended in lapses)

    stages, ticks = list[Stretch](), list[Tick]()
    weight, since = 0, 0.0
    before, at = _total(told[0].watched), 0.0
    for entry in told:
        now, total = since_begun(entry.at), _total(entry.watched)
        ticks.append(Tick(at, now, _less(total[0], before[0]), _less(total[1], before[1])))
        at, before = now, total
        if isinstance(entry, Weighed):
            if weight:
                stages.append(Stretch(weight, since, now, tuple(ticks)))
            weight, since, ticks = entry.weight, now, []
    return [*stages, Stretch(weight, since, since_begun(until), tuple(ticks))]


def _total(watched: Watched) -> tuple[Counts, Counts]:
    canary = sum((tally.canary for tally in watched.tallies), Counts())
    return canary, sum((tally.stable for tally in watched.tallies), Counts())


def _less(now: Counts, before: Counts) -> Counts:
    return Counts(now.requests - before.requests, now.failed - before.failed, now.slow - before.slow)
