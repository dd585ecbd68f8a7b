"""What a watch says to people: while it goes on, and at its end."""

from __future__ import annotations

from actions.engine.journal import Sight
from actions.engine.watched import How, Watched
from policies.sentences import lasting_of


def going(record: Watched) -> str:
    """ "Watching production: 4 of 15 minutes, all probes pass." """
    place, far = record.environment, lasting_of(record.green, record.needs)
    match record.sight:
        case Sight.ILL:
            return f"Watching {place}: {far}, and it is ill just now: {record.said}."
        case Sight.UNSEEN:
            return f"Watching {place}: {far}. Just now it stands still: {record.said}."
        case Sight.WELL:
            return f"Watching {place}: {far}, {_well(record)}."


def ended(record: Watched) -> tuple[Sight, str]:
    """How the watch ended, for the journal."""
    place, needs = record.environment, lasting_of(record.needs)
    match record.how:
        case How.WELL:
            return Sight.WELL, f"{record.version} was watched on {place} for {needs}: {_well(record)}."
        case How.ILL:
            far = lasting_of(record.green, record.needs)
            return Sight.ILL, f"{record.version} is ill on {place} after {far} of watching: {record.said}."
        case _:
            far = lasting_of(record.green, record.needs)
            return Sight.UNSEEN, f"{record.version} was watched on {place} for {far} only: {record.said}."


def _well(record: Watched) -> str:
    if record.metrics:
        return "all probes pass, errors and latency are within their limits"
    return "all probes pass; errors and latency are not watched, since chom.toml names no metrics for them"
