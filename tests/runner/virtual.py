"""An event loop without waiting: when all sleep, the clock leaps to whoever wakes first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

START = datetime(2026, 11, 23, 22, 21, 51, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time is a number that only waiting moves. Waiting for what nobody will ever do is an error, not a hang."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._clock_resolution = 1e-6
        self._selector.select = self._leap

    def _leap(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits and nobody will ever wake")
        self._seconds += timeout
        return []

    def time(self) -> float:
        return self._seconds


class VirtualClock:
    """ports.Clock on the running loop's time."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run it in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story)
