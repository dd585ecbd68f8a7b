"""The answer to a slow question, for many who want it: asked by one at a time, and believed for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """What `ask` said last."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._ask = ask
        self._asked = 0.0
        self._task: asyncio.Task[T] | None = None
        self._running = set[asyncio.Task[T]]()

    async def within(self, seconds: float, fresh: float) -> T | None:
        """An answer asked for less than `fresh` seconds ago, None where it takes longer; who asks next may have it.

        Raises what `ask` raises.
        """
        now = asyncio.get_running_loop().time()
        task = self._task
        if task is None or (task.done() and (now - self._asked > fresh or _burst(task))):
            self._asked = now
            task = self._task = asyncio.create_task(self._ask())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        await asyncio.wait({task}, timeout=seconds)
        return task.result() if task.done() and not task.cancelled() else None

    def forget(self) -> None:
        """What was said, or was asked for, is of no use to whoever asks from now on."""
        self._task = None

    def close(self) -> None:
        """Give up what is under way; whoever waits for it has None."""
        for task in self._running:
            task.cancel()


def _burst(done: asyncio.Task[T]) -> bool:
    return done.cancelled() or done.exception() is not None
