"""One path on a server that is ours: a file with its content, or a directory, with its mode and owner."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Maker(StrEnum):
    """Who makes an entry."""

    ROOT = "root"
    """Its parent is root's, so that nobody can slip a link in its way."""
    LOGIN = "login"
    """Its parent is the login's: root touches nothing there. What exists and is writable stays as it is."""


@dataclass(frozen=True, slots=True)
class Managed:
    """One path: a file with its content, or a directory (content None)."""

    path: str
    mode: int
    owner: str
    group: str
    content: bytes | None = None
    maker: Maker = Maker.ROOT
    secret: bool = False
    """It is written once, with 32 hex digits that only the server knows for each @SECRET@, and then stays."""
