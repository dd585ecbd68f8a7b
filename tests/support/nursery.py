"""Forks a chom-host for each session of test servers: the interpreter is started and the modules are read once.

chom-host is the real one, from its one file. This interpreter has no asyncssh in it, so that a fork costs what
chom-host is, and not what the SSH server beside it is. Where processor time is measured, two things are of this machine
and no server's: the file system, for which a hundred servers would wait, is not synced, and what has ended is noted.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any


def _reaping(spent: str) -> Callable[..., None]:
    """A handler of SIGCHLD that notes what each child took, with all that this one has waited for."""

    def reap(*_: object) -> None:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.wait4(-1, os.WNOHANG))[0]:
                usage = ended[2]
                with open(spent, "ab", buffering=0) as file:  # noqa: PTH123  one write, which nobody's can cut in two
                    file.write(f"{usage.ru_utime + usage.ru_stime:.6f}\n".encode())

    return reap


def _chom_host(agent: str) -> Callable[[list[str]], int]:
    """Its entry, with all imported that a session may need."""
    sys.path.insert(0, agent)
    for name in ("channel", "uploads", "edits", "readiness"):
        importlib.import_module(f"chom_host.{name}")
    return importlib.import_module("chom_host.main").main


def _measured(reap: Callable[..., None]) -> None:
    """It ignores its jobs' ends: here it notes them."""
    importlib.import_module("chom_host.files").sync_filesystem = lambda path: None  # pyright: ignore[reportAttributeAccessIssue]
    channel: Any = importlib.import_module("chom_host.channel")
    kept = {"SIGCHLD": signal.SIGCHLD, "SIG_IGN": signal.SIG_IGN}
    channel.signal = SimpleNamespace(**kept, signal=lambda number, _: signal.signal(number, reap))


def _be(enter: Callable[[list[str]], int], told: Mapping[str, Any], fds: list[int]) -> None:
    """A session's chom-host, from its start to its end; `fds` are stdin, stdout, stderr and one for its exit status."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for number, fd in enumerate(fds):
            os.dup2(fd, 10 + number)
        for number in range(3):
            os.dup2(10 + number, number)
        os.closerange(14, 4096)
        for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12):
            with contextlib.suppress(OSError):
                os.close(number)
        os.environ |= {"SSH_ORIGINAL_COMMAND": told["command"], "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}
        status = enter(told["args"])
    finally:
        with contextlib.suppress(OSError):
            os.write(13, bytes([status]))
        os._exit(status)


def main(line: socket.socket, agent: str, spent: str = "") -> None:
    """Until whoever asks for sessions ends. `spent` is the file in which processor time is noted."""
    enter = _chom_host(agent)
    if spent:
        reap = _reaping(spent)
        _measured(reap)
        signal.signal(signal.SIGCHLD, reap)
    else:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.freeze()  # else each fork that collects copies all of this
    while True:
        told, fds, _, _ = socket.recv_fds(line, 1 << 16, 4)
        if not told:
            return
        if os.fork() == 0:
            _be(enter, json.loads(told), fds)
        for fd in fds:
            os.close(fd)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), *sys.argv[2:4])
