"""Waiting for what has to come to pass."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[object]], seconds: float) -> None:
    """Until it holds; fails where it does not in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        await asyncio.sleep(0.02)
