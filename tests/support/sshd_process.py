"""The process behind TestServer: an SSH server with one user, one key and one forced command, told in argv as JSON."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import asyncssh


class _Source(Protocol):
    async def read(self, n: int) -> bytes: ...


class _Sink(Protocol):
    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def write_eof(self) -> None: ...


async def _session(process: asyncssh.SSHServerProcess[bytes], agent: Sequence[str]) -> None:
    """The forced command: whatever was asked for is only told to it, in SSH_ORIGINAL_COMMAND.

    Bytes are carried by hand: asyncssh's own redirect lets the end of input overtake the last bytes of an upload, and
    from an asyncio.StreamReader it breaks the connection once output backs up.
    """
    env = {**os.environ, "SSH_ORIGINAL_COMMAND": process.command or "", "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        *agent, env=env, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    assert child.stdin and child.stdout and child.stderr
    up = asyncio.create_task(carry(process.stdin, child.stdin))
    down = [
        asyncio.create_task(carry(child.stdout, process.stdout)),
        asyncio.create_task(carry(child.stderr, process.stderr)),
    ]
    status = await child.wait()
    await asyncio.wait(down, timeout=1)  # a job may hold its output open
    for task in (up, *down):
        task.cancel()
    with contextlib.suppress(OSError, asyncssh.Error):  # the client may be gone by now
        process.exit(status)


async def nursed(
    process: asyncssh.SSHServerProcess[bytes], line: socket.socket, args: Sequence[str], errors: int
) -> None:
    """The forced command as a fork of the nursery at the other end of `line`, with its stderr to `errors`."""
    loop = asyncio.get_running_loop()
    (in_r, in_w), (out_r, out_w), (end_r, end_w) = os.pipe(), os.pipe(), os.pipe()
    told = json.dumps({"command": process.command or "", "args": list(args)}).encode()
    socket.send_fds(line, [told], [in_r, out_w, errors, end_w])
    for fd in (in_r, out_w, end_w):
        os.close(fd)
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(in_w, "wb", 0))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    output, end = await _reader(out_r), await _reader(end_r)
    up = asyncio.create_task(carry(process.stdin, writer))
    down = asyncio.create_task(carry(output, process.stdout))
    status = await end.read(1)
    await asyncio.wait((down,), timeout=1)  # a job may hold its output open
    up.cancel()
    down.cancel()
    if not transport.is_closing():
        transport.abort()
    with contextlib.suppress(OSError, asyncssh.Error):  # the client may be gone by now
        process.exit(status[0] if status else 255)


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    return reader


async def carry(source: _Source, sink: _Sink) -> None:
    """Bytes as fast as they are taken; then the end, also where either side is gone."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(1 << 16):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError, asyncssh.Error):
        sink.write_eof()


def _sessions(told: Mapping[str, object]) -> Callable[[asyncssh.SSHServerProcess[bytes]], Coroutine[Any, Any, None]]:
    """Each a program that is started, or where the server has a nursery, a fork of what was started once."""
    agent = [str(word) for word in told["agent"]]  # type: ignore[attr-defined]
    if not told["nursery"]:
        return lambda process: _session(process, agent)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    python, flags, program, *args = agent
    nursery = [python, flags, str(Path(__file__).with_name("nursery.py")), str(theirs.fileno()), program, ""]
    subprocess.Popen(  # its command line names the server's directory, as that of a program started for a session does
        [*nursery, *args], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    theirs.close()
    return lambda process: nursed(process, ours, args, 2)


async def _serve(told: Mapping[str, object]) -> None:
    connections: set[asyncssh.SSHServerConnection] = set()

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.add(conn)
            self._conn = conn

        def auth_completed(self) -> None:
            slow = Path(str(told["slow"]))  # as OpenSSH does, which answers nothing while PAM opens a session
            time.sleep(float(slow.read_text()) if slow.exists() else 0)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.discard(self._conn)

    def cut() -> None:
        for connection in list(connections):
            connection.abort()

    loop = asyncio.get_running_loop()
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        int(str(told["port"])),
        server_factory=Server,
        server_host_keys=[str(told["host_key"])],
        authorized_client_keys=asyncssh.import_authorized_keys(str(told["authorized"])),
        process_factory=_sessions(told),
        encoding=None,
        reuse_address=True,
        keepalive_interval=5,
    )
    loop.add_signal_handler(signal.SIGUSR1, cut)
    sys.stdout.write(f"{acceptor.get_port()}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)  # ends when the parent does
    cut()
    acceptor.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
