"""What was found in a migration: one effect a finding, with its line and whether users can lose something by it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What an instruction of a migration does to what is there."""

    ADDS = "adds"
    """Old code goes on with it."""
    BREAKS = "breaks"
    """Nothing is lost, and old code may not go on with it: a new name, a column that has to be filled."""
    LOSES = "loses"
    """Data is gone, or may be."""
    UNKNOWN = "unknown"
    """It cannot be told, so it counts as the worst."""
    STOPS = "stops"
    """It throws: the migration goes no further."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One effect. `what` goes on with "it": "drops the column price of orders"."""

    line: int
    effect: Effect
    what: str


class WayBack(StrEnum):
    """What going back behind a migration takes."""

    REVERSIBLE = "reversible"
    """Its down() undoes it."""
    FORWARD_ONLY = "forward-only"
    """Nothing undoes it, and the code from before goes on with what it leaves."""
    RESTORE = "needs a restore"
    """What it took away is only in a backup."""


DESTRUCTIVE = frozenset({Effect.BREAKS, Effect.LOSES, Effect.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration as it was read."""

    up: tuple[Finding, ...]
    down: tuple[Finding, ...] = ()

    @property
    def worst(self) -> Finding | None:
        """The first instruction that makes it destructive, of the gravest kind; None where there is none."""
        order = (Effect.LOSES, Effect.UNKNOWN, Effect.BREAKS)
        found = (one for effect in order for one in self.up if one.effect is effect)
        return next(found, None)

    @property
    def because(self) -> str:
        """Why it is destructive, "line 14: it drops the column price of orders"; "" where it is not."""
        return f"line {worst.line}: it {worst.what}" if (worst := self.worst) else ""

    @property
    def destructive(self) -> bool:
        """Whether it takes something away, may break the code from before, or cannot be told."""
        return self.worst is not None

    @property
    def back(self) -> WayBack:
        """What going back behind it takes; in doubt the worse."""
        if any(one.effect in (Effect.LOSES, Effect.UNKNOWN) for one in self.up):
            return WayBack.RESTORE
        if not self.up:
            return WayBack.REVERSIBLE
        doubtful = (Effect.UNKNOWN, Effect.STOPS)
        if self.down and not any(one.effect in doubtful for one in self.down):
            return WayBack.REVERSIBLE
        return WayBack.RESTORE if self.destructive else WayBack.FORWARD_ONLY


UNSEEN = Migration((Finding(1, Effect.UNKNOWN, "cannot be seen: no artifact that can be had holds its file"),))
"""One of which only the name is known."""
