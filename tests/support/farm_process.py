"""The process behind Farm: an SSH server for each of many servers, their PHP-FPM, and the nursery of their sessions."""

from __future__ import annotations

import asyncio
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

from tests.support import nursery
from tests.support.fpm import Fpm
from tests.support.sshd_process import nursed


async def _serve(told: Mapping[str, Any], line: socket.socket) -> None:
    key = asyncssh.read_private_key(told["host_key"])
    authorized = asyncssh.import_authorized_keys(told["authorized"])
    if told["fpm"]:
        Fpm(Path(told["fpm"]))
    null = os.open(os.devnull, os.O_WRONLY)
    ports: list[int] = []
    for config in told["configs"]:
        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[key], authorized_client_keys=authorized, encoding=None,
            process_factory=functools.partial(nursed, line=line, args=["--config", config], errors=null),
        )  # fmt: skip
        ports.append(acceptor.get_port())
    sys.stdout.write(f"{json.dumps(ports)}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)  # ends when the parent does


def main(told: Mapping[str, Any]) -> None:
    """Serve until the parent ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = [sys.executable, str(nursery.__file__), str(theirs.fileno()), told["agent"], told["spent"]]
    with subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL):
        theirs.close()
        asyncio.run(_serve(told, ours))
        os._exit(0)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
