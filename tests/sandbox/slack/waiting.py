"""Waiting for what a client or the stand-in does."""

from __future__ import annotations

import asyncio
import time
from typing import Any


async def until(condition: Any, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.01)
