"""What many servers say of one step in few lines: those who say the same share one, and the others are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.engine.journal import Done, Entry, Failed, Returned, Waiting
from actions.engine.nouns import label
from actions.engine.words import FEW, named
from bot.desk.view import ChangeView
from bot.milestones import milestone

OfServers = Done | Failed | Waiting | Returned
"""What is written once for each server."""


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that share a line; `too` where only their servers are named, since `FEW` lines were told before."""

    entries: list[Entry]
    too: bool = False

    @property
    def first(self) -> Entry:
        """The one that speaks for all."""
        return self.entries[0]

    def said(self, view: ChangeView) -> str:
        """As `milestone`, with the names of its servers."""
        entry = self.first
        if not isinstance(entry, OfServers):
            return milestone(entry, view)
        spoken = {one.host for one in self.entries if isinstance(one, OfServers)}
        order = [seen.name for seen in view.change.plan.hosts if seen.name in spoken]
        hosts = named(order if len(order) == len(spoken) else spoken)
        match entry:
            case Returned() if len(self.entries) > 1:
                return f"{hosts} answer again"
            case Waiting() if self.too:
                return f"Waiting for {hosts} too"
            case Done() | Failed() if self.too:
                verb = "done" if isinstance(entry, Done) else "failed"
                return f"{label(view.change.plan.step(entry.step))} {verb} on {hosts} too"
            case Failed():
                return milestone(replace(entry, host=hosts, why=_why(entry)), view)
            case _:
                return milestone(replace(entry, host=hosts), view)


def gathered(entries: Sequence[Entry]) -> list[Group]:
    """In the order of the first of each. A failure has a line of its own as long as `FEW` servers failed in it."""
    times = Counter(_about(entry) for entry in entries)
    groups: list[Group] = []
    alike: dict[object, Group] = {}
    lines = Counter[object]()
    for entry in entries:
        about = _about(entry)
        key = (about, *_says(entry)) if isinstance(entry, Done) or times[about] > FEW else None
        if key in alike:
            alike[key].entries.append(entry)
            continue
        over = key is not None and lines[about] >= FEW
        if over and about in alike:
            alike[about].entries.append(entry)
            continue
        group = Group([entry], over)
        groups.append(group)
        lines[about] += 1
        if key:
            alike[about if over else key] = group
    return groups


def _about(entry: Entry) -> object:
    """The kind of line: of one step in one direction, or of servers that are away."""
    match entry:
        case Done() | Failed():
            return entry.kind, entry.step, entry.way
        case Waiting() | Returned():
            return entry.kind
        case _:
            return id(entry)


def _says(entry: Entry) -> tuple[object, ...]:
    match entry:
        case Done():
            return entry.summary, entry.applied
        case Failed():
            return (_why(entry),)
        case Waiting():
            return entry.way, entry.why
        case _:
            return ()


def _why(entry: Failed) -> str:
    return entry.why.removeprefix(f"{entry.host}: ")
