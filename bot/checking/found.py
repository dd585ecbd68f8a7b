"""What a look at one part of the set-up found, in sentences."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Found:
    """One part: "Redis", "app1"."""

    what: str
    well: str = ""
    """What is well there, where nothing is wrong."""
    faults: tuple[str, ...] = ()
    """What keeps a deploy from ending well, each with what to do."""
    notes: tuple[str, ...] = ()
    """What is worth a look."""
