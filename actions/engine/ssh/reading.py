"""An artifact that many servers are sent at once is opened, checked and read once, whatever their pace."""

from __future__ import annotations

import asyncio
import os
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from actions.engine.fleet import Artifact

CHUNK = 1 << 20
"""Bytes read at once."""
WINDOW = 16
"""Chunks that are held for those who come next: all the memory that reading takes, however many servers there are."""


class Reading:
    """One open file. Servers of about one pace share each chunk; one that falls behind the window has it read again.

    So nobody waits for a slow server, and nothing is kept for it.
    """

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._fd).st_size
        self._readers = 0
        self.reads = 0
        """How many chunks were read."""
        self._window: OrderedDict[int, asyncio.Future[memoryview]] = OrderedDict()

    @contextmanager
    def joined(self) -> Generator[None]:
        """One server more is sent it. To one alone the same memory is sent again and again, which is fast."""
        self._readers += 1
        try:
            yield
        finally:
            self._readers -= 1

    async def chunk(self, number: int) -> memoryview:
        """The chunk of that number, counted from 0; nothing behind the end. Raises OSError."""
        if number not in self._window:
            self.reads += 1
            self._window[number] = self._read(number)
        chunk = self._window[number]
        self._window.move_to_end(number)
        while len(self._window) > (WINDOW if self._readers > 1 else 1):
            self._window.popitem(last=False)
        await asyncio.sleep(0)  # those of one pace take turns, also where nobody had to wait
        return await asyncio.shield(chunk)

    def _read(self, number: int) -> asyncio.Future[memoryview]:
        """From memory at once, where the kernel has it all there; else from the disk, in a thread."""
        at = number * CHUNK
        if (there := _in_memory(self._fd, min(CHUNK, max(self.size - at, 0)), at)) is None:
            return asyncio.create_task(asyncio.to_thread(self._from_disk, at))
        read: asyncio.Future[memoryview] = asyncio.get_running_loop().create_future()
        read.set_result(there)
        return read

    def _from_disk(self, at: int) -> memoryview:
        return memoryview(os.pread(self._fd, CHUNK, at))

    async def close(self) -> None:
        """Nobody reads any more."""
        await asyncio.gather(*self._window.values(), return_exceptions=True)
        self._window.clear()
        os.close(self._fd)


def _in_memory(fd: int, size: int, at: int) -> memoryview | None:
    """So many bytes of the file; None where the disk, or another error, would have to be waited for."""
    chunk = bytearray(size)
    try:
        got = os.preadv(fd, [chunk], at, os.RWF_NOWAIT)
    except OSError:
        return None
    return memoryview(chunk).toreadonly() if got == size else None


@dataclass(slots=True)
class _Shared:
    opening: asyncio.Task[Reading]
    readers: int = field(default=0)


class Readings:
    """The files that are being sent now, by their sha256. `find` gives the path of one that was checked."""

    def __init__(self, find: Callable[[Artifact], Awaitable[str]]) -> None:
        self._find = find
        self._shared: dict[str, _Shared] = {}

    @asynccontextmanager
    async def of(self, artifact: Artifact) -> AsyncGenerator[Reading]:
        """The reading of that artifact, closed when the last one leaves. Raises what `find` raises, OSError."""
        key = artifact.sha256
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = _Shared(asyncio.create_task(self._open(artifact)))
        shared.readers += 1
        try:
            reading = await asyncio.shield(shared.opening)
            with reading.joined():
                yield reading
        finally:
            shared.readers -= 1
            if not shared.readers:
                if self._shared.get(key) is shared:
                    del self._shared[key]
                await _close(shared.opening)

    async def _open(self, artifact: Artifact) -> Reading:
        return await asyncio.to_thread(Reading, await self._find(artifact))


async def _close(opening: asyncio.Task[Reading]) -> None:
    """Also where it never opened, or still does."""
    opening.cancel()
    await asyncio.wait({opening})
    if not opening.cancelled() and opening.exception() is None:
        await opening.result().close()
