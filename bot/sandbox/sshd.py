"""One server's sshd in the sandbox, a process of its own: every session is the forced command, the real chom-host.

`python -m bot.sandbox.sshd SPEC.json`; it says "ready" when it listens, and drops all connections on SIGUSR1.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh

_CHUNK = 1 << 16
_GRACE = 10.0
"""Seconds a chom-host has to end by itself after its client went away; its jobs live in sessions of their own."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What the process is told."""

    name: str
    port: int
    user: str
    host_key: str
    """Path of the private key."""
    client_key: str
    """The one public key that may enter, "ssh-ed25519 AAAA…"."""
    command: tuple[str, ...]
    """The forced command."""
    home: str


class _Login(asyncssh.SSHServer):
    """One connection: `user` with `client_key`, and nobody else."""

    def __init__(self, spec: Spec, open_: set[asyncssh.SSHServerConnection]) -> None:
        self._spec, self._open = spec, open_
        self._key = asyncssh.import_public_key(spec.client_key)

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._conn = conn
        self._open.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._open.discard(self._conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == self._spec.user and key == self._key


class Sshd:
    """The server: listens, and runs the forced command for each session."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._open: set[asyncssh.SSHServerConnection] = set()

    async def start(self) -> asyncssh.SSHAcceptor:
        """Listen. Raises OSError where the port is taken."""
        return await asyncssh.create_server(
            lambda: _Login(self.spec, self._open),
            "127.0.0.1",
            self.spec.port,
            server_host_keys=[self.spec.host_key],
            process_factory=self._session,
            encoding=None,
            allow_pty=False,
            x11_forwarding=False,
            agent_forwarding=False,
            allow_scp=False,
            line_editor=False,
        )

    def cut(self) -> None:
        """Drop every connection without a word, as a broken network does."""
        for connection in list(self._open):
            connection.abort()

    async def _session(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        asked = process.command
        env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": self.spec.home, "LANG": "C.UTF-8"}
        child = await asyncio.create_subprocess_exec(
            *self.spec.command,
            env=env if asked is None else {**env, "SSH_ORIGINAL_COMMAND": asked},
            cwd=self.spec.home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert child.stdout is not None and child.stderr is not None
        up = asyncio.create_task(_up(process, child))
        down = [
            asyncio.create_task(_down(child.stdout, process.stdout)),
            asyncio.create_task(_down(child.stderr, process.stderr)),
        ]
        await _ended(process, child)
        up.cancel()
        # A job may hold the program's output open; what it says there is not waited for.
        _, late = await asyncio.wait(down, timeout=1)
        for task in late:
            task.cancel()
        process.exit(child.returncode if child.returncode is not None and child.returncode >= 0 else 255)


async def _ended(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """Until the program has ended; one that outlives its client by more than the grace is killed."""
    ended = asyncio.create_task(child.wait())
    gone = asyncio.create_task(process.wait_closed())
    await asyncio.wait([ended, gone], return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not ended.done():
        await asyncio.wait([ended], timeout=_GRACE)
    if not ended.done():
        child.kill()
    await ended


async def _up(process: asyncssh.SSHServerProcess[bytes], child: asyncio.subprocess.Process) -> None:
    """The client's bytes to the program, never faster than it reads; then the end of input."""
    assert child.stdin is not None
    with contextlib.suppress(asyncssh.Error, OSError):  # the client or the program is gone: the end of input
        while data := await process.stdin.read(_CHUNK):
            child.stdin.write(data)
            await child.stdin.drain()
    child.stdin.close()


async def _down(source: asyncio.StreamReader, sink: asyncssh.SSHWriter[bytes]) -> None:
    """The program's bytes to the client, never faster than it reads; to nowhere where the client is gone."""
    while data := await source.read(_CHUNK):
        with contextlib.suppress(asyncssh.Error, OSError):
            sink.write(data)
            await sink.drain()


async def serve(spec: Spec) -> None:
    """Serve until the process is stopped."""
    server = Sshd(spec)
    acceptor = await server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, server.cut)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await acceptor.wait_closed()


def main(argv: list[str]) -> None:
    """Read SPEC.json and serve."""
    told: dict[str, Any] = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    told["command"] = tuple(told["command"])
    asyncio.run(serve(Spec(**told)))


if __name__ == "__main__":
    main(sys.argv[1:])
