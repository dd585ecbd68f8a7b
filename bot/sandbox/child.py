"""The sandbox's child processes: each in a group of its own, none outliving the sandbox, however it dies."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)

OnLine = Callable[[str], None]


def _tie(parent: int, death: signal.Signals) -> None:
    """In the child before exec: the kernel sends it `death` when the sandbox is gone, even by kill -9."""
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death))
        if os.getppid() != parent:  # it died before the tie was made
            os.kill(os.getpid(), signal.SIGKILL)


class Child:
    """One process and its output, line by line. `death` is the signal it gets where the sandbox is killed."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        on_line: OnLine,
        death: signal.Signals = signal.SIGKILL,
    ) -> None:
        self.command, self.env, self.on_line, self.death = command, env, on_line, death
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The process's id, 0 where none was started."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start it. Raises OSError where it cannot be."""
        parent = os.getpid()
        self._process = await asyncio.create_subprocess_exec(
            *self.command,
            env=dict(self.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            process_group=0,
            preexec_fn=lambda: _tie(parent, self.death),
        )
        self._reading = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than the reader's limit (64 KiB): its rest comes as further lines
                continue
            if not line:
                return
            self.on_line(line.decode(errors="replace").rstrip("\n"))

    async def wait(self) -> int:
        """Until it has ended and its output is read: its exit status, or minus the signal."""
        assert self._process is not None
        status = await self._process.wait()
        if self._reading is not None:
            # A grandchild may hold the pipe open: what it still says is not waited for.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._reading, 1)
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it; nothing happens where the process is gone."""
        if self.running and self._process is not None:
            self._process.send_signal(number)

    async def stop(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after `grace` seconds."""
        if not self.running:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), grace)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self.wait()


class Kept:
    """A child that is started again whenever it ends, sooner the rarer it does; what a service manager does."""

    def __init__(self, child: Child, on_end: Callable[[int], None], delay: float = 0.5, longest: float = 5.0) -> None:
        self.child, self.on_end, self.delay, self.longest = child, on_end, delay, longest
        self._at_once, self._started = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._rest = 0.0
        """Seconds for which the next start waits at least."""

    async def start(self) -> None:
        """Start it, and keep it."""
        await self.child.start()
        self._task = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        delay, loop = self.delay, asyncio.get_running_loop()
        while True:
            began = loop.time()
            self.on_end(await self.child.wait())
            delay = self.delay if loop.time() - began > self.longest else min(delay * 2, self.longest)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._at_once.wait(), max(delay, self._rest))
            self._at_once.clear()
            self._rest = 0.0
            await self.child.start()
            self._started.set()

    async def replace(self) -> tuple[int, int]:
        """SIGKILL it and start it again at once: the old process id and the new."""
        old = self.child.pid
        self._started.clear()
        self._at_once.set()
        self.child.signal(signal.SIGKILL)
        await self._started.wait()
        return old, self.child.pid

    async def kill_for(self, seconds: float) -> int:
        """SIGKILL it, and start it again only after so long, or when it is replaced: the old process id."""
        old, self._rest = self.child.pid, seconds
        self.child.signal(signal.SIGKILL)
        await self.child.wait()
        return old

    async def stop(self, grace: float) -> None:
        """Keep it no longer, and stop it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.child.stop(grace)
