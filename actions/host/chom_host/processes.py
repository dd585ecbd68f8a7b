"""The process table: who runs, in which session, started by which job; and how all of it is ended."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Optional


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def boot_clock() -> float:
    """Seconds since boot, the same for all processes, and going on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Process(NamedTuple):
    """A line of the process table. `start` (clock ticks since boot) tells it from a later one of that number."""

    pid: int
    zombie: bool
    session: int
    start: int


def process(pid: int) -> Optional[Process]:
    """The process of that number, None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    words = stat[stat.rindex(b")") + 2 :].split()
    return Process(pid, words[0] in (b"Z", b"X"), int(words[3]), int(words[19]))


def session_members(session: int) -> list[Process]:
    """The living processes of a session; the others of the server cost a system call each, and no file is read."""
    numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208  thousands, as text
    members = [process(number) for number in numbers if _session(number) == session]
    return [p for p in members if p is not None and p.session == session and not p.zombie]


def _session(pid: int) -> int:
    """The session of that process, -1 where there is none."""
    try:
        return os.getsid(pid)
    except OSError:
        return -1


def has_token(pid: int, token: str) -> bool:
    """Whether that process was started by the job of that token."""
    try:
        return f"CHOM_JOB={token}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # gone, or root's (sudo): not one that we could wait for or end


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or root's
            os.kill(pid, signal.SIGKILL)


def end_session(session: int, leave: int) -> None:
    """Kill all of a session but the process `leave`; again until no fork has slipped through."""
    for _ in range(50):
        others = [p.pid for p in session_members(session) if p.pid != leave]
        if not others:
            return
        kill(others)
        time.sleep(0.01)


NICE = 10


def step_aside() -> None:
    """From now on this process, and what it starts, has the processor where the others of the server leave it.

    Linux shares it among sessions first, where nobody has set it otherwise, and then among the processes of each.
    """
    os.nice(NICE)
    with contextlib.suppress(OSError):  # a kernel without it, or another session was changed a moment ago
        Path("/proc/self/autogroup").write_text(str(NICE), encoding="ascii")


def open_pidfd(pid: int) -> Optional[int]:
    """A descriptor that becomes readable when the process ends; None on a kernel (before 5.3) without them."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


def wait_for(pid: int, seconds: float) -> None:
    """Until the process has ended, or so many seconds."""
    fd = open_pidfd(pid)
    if fd is None:
        time.sleep(min(seconds, 0.02))
        return
    try:
        select.select([fd], [], [], seconds)
    finally:
        os.close(fd)
