"""The only hand that writes a walker's entries: under its fence, at the place it has read up to."""

from __future__ import annotations

import asyncio

from actions.engine.fold import State, fold
from actions.engine.journal import Entry
from actions.engine.ports import Conflict, Journals


class Pen:
    """One run's journal as one walker reads and writes it. `state` is the fold of all that was read or written.

    The hosts of a step write side by side, so each write waits for the one before.
    """

    def __init__(self, journals: Journals, run: str) -> None:
        self._journals, self._run = journals, run
        self._lock = asyncio.Lock()
        self.state = State()
        self.fence = 0
        """The walker's; nothing can be written before it is taken."""

    async def read(self) -> State:
        """Take in what others have written meanwhile."""
        async with self._lock:
            await self._catch_up()
        return self.state

    async def decided(self, *entries: Entry) -> None:
        """Write what was decided on `state`. Raises Conflict where the journal has moved on: decide again; Fenced."""
        async with self._lock:
            await self._append(entries)

    async def happened(self, *entries: Entry) -> None:
        """Write what is so whatever others have written. Raises Fenced, and Conflict where the run has ended."""
        async with self._lock:
            while True:
                seq = self.state.seq
                try:
                    return await self._append(entries)
                except Conflict:
                    await self._catch_up()
                    if self.state.seq == seq or self.state.ended:
                        raise

    async def _append(self, entries: tuple[Entry, ...]) -> None:
        await self._journals.append(self._run, self.state.seq, entries, self.fence)
        self.state = fold(entries, self.state)

    async def _catch_up(self) -> None:
        entries = await self._journals.read(self._run)
        self.state = fold(entries[self.state.seq :], self.state)
