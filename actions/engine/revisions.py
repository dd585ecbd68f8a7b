"""Edits of the environment file that somebody stored, and where the bot finds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Revision:
    """Edits of the environment file that somebody stored; nothing here tells a value."""

    id: str
    environment: str
    at: datetime
    by: str
    """The person's id."""
    keys: tuple[str, ...]
    sha256: str
    """Of `edits`, which begin with 32 random bytes, so that it tells nothing of the values."""
    edits: bytes = field(default=b"", repr=False)


class Configs(Protocol):
    """Where edits of environment files lie, encrypted."""

    async def revision(self, environment: str, id_: str = "") -> Revision:
        """That revision, or the newest of the environment. Raises CannotPlan with a sentence."""
        ...

    async def open(self, id_: str) -> Revision:
        """The revision with its edits. Raises CannotPlan with a sentence."""
        ...
