"""The only hand that writes a walker's entries: under its fence, at the place it has read up to."""

from __future__ import annotations

import asyncio

from actions.engine.fold import State, fold
from actions.engine.journal import Entry
from actions.engine.ports import Conflict, Journals


class Pen:
    """One run's journal as one walker reads and writes it. `state` is the fold of all that was read or written.

    The hosts of a step write side by side. Each write waits for the one before, and what has come together meanwhile is
    one write: a hundred hosts that end at once do not wait for a hundred answers of the store.
    """

    def __init__(self, journals: Journals, run: str) -> None:
        self._journals, self._run = journals, run
        self._lock = asyncio.Lock()
        self._come: list[tuple[tuple[Entry, ...], asyncio.Future[None]]] = []
        """What has happened and is not written, and who waits for it."""
        self._writer: asyncio.Task[None] | None = None
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
        written = asyncio.get_running_loop().create_future()
        self._come.append((entries, written))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await written

    async def close(self) -> None:
        """Write nothing more; who waits for it is cancelled."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    async def _write(self) -> None:
        """Until nothing has come. A task of its own: whoever is ended while it waits ends nobody else's write."""
        while self._come:
            async with self._lock:
                come, self._come = self._come, []
                try:
                    await self._settle(tuple(entry for entries, _ in come for entry in entries))
                except asyncio.CancelledError:
                    for _, written in come:
                        written.cancel()
                    raise
                except BaseException as fault:  # noqa: BLE001  each of those who wait gets it
                    for _, written in come:
                        if not written.done():
                            written.set_exception(fault)
                else:
                    for _, written in come:
                        if not written.done():
                            written.set_result(None)

    async def _settle(self, entries: tuple[Entry, ...]) -> None:
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
