"""The process behind Farm: an SSH server for each of many servers, their PHP-FPM, and the nursery of their sessions."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncssh

from tests.support import farm_nursery
from tests.support.fpm import Fpm
from tests.support.sshd_process import carry


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
    if told["fpm"]:
        Fpm(Path(told["fpm"]))
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
    nursery = [sys.executable, str(farm_nursery.__file__), str(theirs.fileno()), told["agent"], told["spent"]]
    with subprocess.Popen(nursery, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        theirs.close()
        asyncio.run(_serve(told, ours))
        os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
