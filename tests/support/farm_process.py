"""The process behind Farm: an SSH server for each of many servers, and a chom-host forked for each of their sessions.

chom-host is the real one, from its one file; only its interpreter is started once and not for each session, since a
hundred starts cost more processor than all that is looked at. Two things more are of this machine and no server's:
the file system, for which a hundred servers would wait, is not synced, and jobs note the processor they took.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any

import asyncssh

from tests.support.sshd_process import carry


def _spent() -> float:
    """Seconds of processor time of this process and of those it has waited for."""
    both = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _note(path: str, seconds: float) -> None:
    with open(path, "ab", buffering=0) as file:  # noqa: PTH123  one write, which nobody else's can cut in two
        file.write(f"{seconds:.6f}\n".encode())


def _nursery(line: socket.socket, agent: str, spent: str) -> None:
    """Fork a chom-host for each that is asked for: its three descriptors, and one for what it ends with."""
    sys.path.insert(0, agent)
    importlib.import_module("chom_host.files").sync_filesystem = lambda path: None  # pyright: ignore[reportAttributeAccessIssue]
    enter = importlib.import_module("chom_host.main").main
    jobs: Any = importlib.import_module("chom_host.jobs")
    for way_in in ("channel", "uploads"):
        importlib.import_module(f"chom_host.{way_in}")
    run_job: Callable[..., None] = jobs.run_job

    @functools.wraps(run_job)
    def noted(*args: Any) -> None:
        began = _spent()
        run_job(*args)
        _note(spent, _spent() - began)

    jobs.run_job = noted
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        told, fds, _, _ = socket.recv_fds(line, 1 << 16, 4)
        if not told:
            return
        if os.fork() == 0:
            _be(enter, json.loads(told), fds, spent)
        for fd in fds:
            os.close(fd)


def _be(enter: Callable[[list[str]], int], told: Mapping[str, str], fds: list[int], spent: str) -> None:
    began, status = _spent(), 1
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
        status = enter(["--config", told["config"]])
        _note(spent, _spent() - began)
    finally:
        with contextlib.suppress(OSError):
            os.write(13, bytes([status]))
        os._exit(status)


async def _session(process: asyncssh.SSHServerProcess[bytes], config: str, line: socket.socket) -> None:
    """The forced command of one server."""
    loop = asyncio.get_running_loop()
    (in_r, in_w), (out_r, out_w), (end_r, end_w) = os.pipe(), os.pipe(), os.pipe()
    null = os.open(os.devnull, os.O_WRONLY)
    told = json.dumps({"command": process.command or "", "config": config}).encode()
    socket.send_fds(line, [told], [in_r, out_w, null, end_w])
    for fd in (in_r, out_w, null, end_w):
        os.close(fd)
    writer_transport, writer_protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, os.fdopen(in_w, "wb", 0)
    )
    writer = asyncio.StreamWriter(writer_transport, writer_protocol, None, loop)
    output, end = await _reader(out_r), await _reader(end_r)
    up = asyncio.create_task(carry(process.stdin, writer))
    down = asyncio.create_task(carry(output, process.stdout))
    status = await end.read(1)
    await asyncio.wait((down,), timeout=1)
    up.cancel()
    down.cancel()
    if not writer_transport.is_closing():
        writer_transport.abort()
    with contextlib.suppress(OSError, asyncssh.Error):
        process.exit(status[0] if status else 255)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    return reader


async def _serve(told: Mapping[str, Any], line: socket.socket) -> None:
    key = asyncssh.read_private_key(told["host_key"])
    authorized = asyncssh.import_authorized_keys(told["authorized"])
    ports: list[int] = []
    for config in told["configs"]:
        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], authorized_client_keys=authorized, encoding=None,
            process_factory=functools.partial(_session, config=config, line=line),
        )  # fmt: skip
        ports.append(acceptor.get_port())
    sys.stdout.write(f"{json.dumps(ports)}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)  # ends when the parent does


def main(told: Mapping[str, Any]) -> None:
    """Serve until the parent ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        _nursery(theirs, told["agent"], told["spent"])
        os._exit(0)
    theirs.close()
    asyncio.run(_serve(told, ours))
    _note(told["spent"], 0.0)
    os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
