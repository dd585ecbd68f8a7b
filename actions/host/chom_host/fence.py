"""The fence: a number that only grows, so that a bot which was replaced is refused."""

from __future__ import annotations

from pathlib import Path

from .base import Refused
from .files import write_whole
from .settings import Settings


def read_fence(settings: Settings) -> int:
    try:
        return int(Path(settings.state, "fence").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


def raise_fence(settings: Settings, fence: int) -> None:
    """From now on lower ones are refused. The caller holds the lock. Raises Refused where it was higher."""
    current = read_fence(settings)
    if fence < current:
        raise Refused(
            "fenced", f"a newer bot has taken over: fence {fence} is behind this server's {current}", current=current
        )
    if fence > current:
        write_whole(Path(settings.state, "fence"), f"{fence}\n".encode())
