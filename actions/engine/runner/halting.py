"""Leaving a walk in time: every long wait of a walker ends when its bot is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")
U = TypeVar("U")

LAST_WORDS = 1.0
"""Seconds that the others have to write down what they know, once the order to stop has reached one."""


class HandOver(Exception):
    """The bot is told to stop: leave everything as it is; jobs on the hosts go on, and another walk follows them."""


class Halt:
    """The order to stop, where there is one."""

    def __init__(self, stop: asyncio.Event | None) -> None:
        self._stop = stop

    def check(self) -> None:
        """Raises HandOver once the order was given."""
        if self._stop is not None and self._stop.is_set():
            raise HandOver

    async def unless(self, work: Coroutine[Any, Any, T]) -> T:
        """The work's result, or HandOver as soon as the order is given. What has ended by then counts."""
        if self._stop is None:
            return await work
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not doing.done():
                doing.cancel()
                await asyncio.wait({doing})
        if doing.cancelled():
            raise HandOver
        return doing.result()

    async def meanwhile(self, work: Coroutine[Any, Any, T], seconds: float, say: Callable[[], Awaitable[None]]) -> T:
        """The work's result; `say` is called once where it goes on for longer than that."""
        doing = asyncio.create_task(work)
        try:
            await asyncio.wait({doing}, timeout=seconds)
            if not doing.done():
                await say()
            return await doing
        finally:
            if not doing.done():
                doing.cancel()
                await asyncio.wait({doing})


async def each(act: Callable[[U], Awaitable[T]], items: Iterable[U], at_once: int) -> list[T]:
    """What `act` gives for every item, so many at once; the first that raises ends the others, and nothing goes on."""
    room = asyncio.Semaphore(at_once)

    async def one(item: U) -> T:
        async with room:
            return await act(item)

    tasks = [asyncio.create_task(one(item)) for item in items]
    try:
        if tasks:
            done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            if rest and any(isinstance(task.exception(), HandOver) for task in done):
                await asyncio.wait(rest, timeout=LAST_WORDS)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled() and (fault := task.exception()):
            raise fault
    return [task.result() for task in tasks]
