"""The work behind a click or a command, begun after its ack: referenced, bounded, and waited for at the end."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

OnTrouble = Callable[[str], Awaitable[None]]
"""Called with the reference id of an unexpected error, to say so to the person."""


class Errands:
    """At most `most` at a time are under way; beyond that `full` is True and nothing more may be begun."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self.closing = False
        """Whether the end is near: who only waits for something to be nicer stops waiting."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def full(self) -> bool:
        """Whether another one would be too many."""
        return len(self._tasks) >= self._most

    def go(self, what: str, errand: Coroutine[Any, Any, None], on_trouble: OnTrouble) -> None:
        """Begin it. Whatever it raises is logged with a reference id, and said to the person."""
        task = asyncio.create_task(self._run(what, errand, on_trouble), name=f"slack: {what}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, what: str, errand: Coroutine[Any, Any, None], on_trouble: OnTrouble) -> None:
        try:
            await errand
        except Exception as error:  # noqa: BLE001  logged with its traceback in log_trouble
            await on_trouble(log_trouble(what, error))

    async def drain(self, seconds: float) -> None:
        """Wait for all of them, and cancel those that take longer."""
        self.closing = True
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks), timeout=seconds)
        for task in late:
            logger.warning("%s took longer than %s s and is given up", task.get_name(), seconds)
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def log_trouble(what: str, error: BaseException) -> str:
    """Write the error down under a reference id of 8 characters, and return the id.

    The log's formatter strikes out secrets (bot/redact.py), in tracebacks too.
    """
    reference = secrets.token_hex(4)
    logger.error("[%s] unexpected error in %s", reference, what, exc_info=error)
    return reference
