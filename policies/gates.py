"""The evidence that a change needs, gate by gate, as the judge and everybody who looks at it see it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policies.change import STRATEGY, Change, Evidence


class Mark(StrEnum):
    """How a gate is drawn; its sentence says the same."""

    STANDS = "✓"
    LACKS = "✗"
    """It does not hold, or no longer."""
    WAITS = "◷"
    """It only waits for time, or nobody has looked yet."""


TITLES = {"staging": "Staging", "drill": "DR drill", "checks": "CI checks", "branch": "Branch", "strategy": "Strategy"}
"""What people call each kind of evidence."""
UNKNOWN = {
    "staging": "How it does in staging is not known yet.",
    "drill": "Whether there was a DR drill is not known yet.",
    "checks": "What CI says of it is not known yet.",
    "branch": "Whether it is on the branch is not known yet.",
}
"""What is said of each before it was looked at; it stands behind the title, and in a verdict alone."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One of the kinds of evidence that the change needs, at one moment."""

    name: str
    mark: Mark
    said: str
    """A whole sentence."""
    evidence: Evidence | None = None
    """What it was read from; None where nothing is known."""

    @property
    def title(self) -> str:
        """What people call it."""
        return TITLES.get(self.name, self.name)


def gates(change: Change, evidence: Iterable[Evidence], now: datetime) -> tuple[Gate, ...]:
    """One for each kind of evidence that is required, in that order.

    Of each the newest counts, in doubt the worse; what is unknown or has expired does not hold.
    """
    known = list(evidence)
    return tuple(_gate(name, [one for one in known if one.name == name], now) for name in change.requirement.evidence)


def passed_by(change: Change, evidence: Iterable[Evidence], at: datetime) -> dict[str, Gate | None]:
    """What an emergency need not pass, and how it stands at that moment; None for what is no evidence."""
    known, names = list(evidence), change.requirement.bypassed
    return {name: None if name == STRATEGY else _gate(name, [e for e in known if e.name == name], at) for name in names}


def bypassed(passed: Mapping[str, Gate | None]) -> tuple[str, ...]:
    """Titles of what an emergency really goes past: of `passed_by` what does not hold anyhow."""
    return tuple(
        TITLES.get(name, name) for name, gate in passed.items() if gate is None or gate.mark is not Mark.STANDS
    )


def _gate(name: str, mine: list[Evidence], now: datetime) -> Gate:
    newest = max(mine, key=_newest_and_worst, default=None)
    if newest is None:
        return Gate(name, Mark.WAITS, UNKNOWN.get(name, f"Nothing is known of {name} yet."))
    if not newest.holds:
        return Gate(name, Mark.WAITS if newest.opens else Mark.LACKS, newest.said, newest)
    if newest.expires is not None and now >= newest.expires:
        return Gate(name, Mark.LACKS, f"Evidence has expired: {name} ({newest.said.rstrip('.')}).", newest)
    return Gate(name, Mark.STANDS, newest.said, newest)


def _newest_and_worst(one: Evidence) -> tuple[datetime, bool, float, str]:
    """Of two of one moment the one that does not hold, or that expires sooner."""
    sooner = -one.expires.timestamp() if one.expires else float("-inf")
    return one.at, not one.holds, sooner, one.said
