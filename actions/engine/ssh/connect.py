"""One SSH connection to one pinned server, or a sentence that says why there is none and what to do."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from actions.engine.ports import Unreachable
from actions.engine.ssh.lean import leave_out_ignored

CONNECT = 10.0
"""Seconds in which a server has to let the bot in."""
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
)
"""The fastest first (FACTS: 100 MB in 0.6 s); the others for a server that does not have it."""

HOST_KEYS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Asked for after the pinned key's own kind, so that a server with another kind of key can be told by its fingerprint.
Only the pinned key itself is ever accepted."""


@dataclass(frozen=True, slots=True)
class HostLogin:
    """How to reach one server, and the only key by which it is known."""

    name: str
    address: str
    port: int
    user: str
    host_key: str
    """The pinned public key, "ssh-ed25519 AAAA…"."""
    client_key: Path
    """The bot's private key, without a passphrase."""

    @property
    def where(self) -> str:
        """For sentences: "ssh ops@10.0.0.1:22"."""
        return f"ssh {self.user}@{self.address}:{self.port}"

    @property
    def pinned(self) -> asyncssh.SSHKey:
        """The pinned key; raises asyncssh.KeyImportError where it is none."""
        return asyncssh.import_public_key(self.host_key)

    @property
    def fingerprint(self) -> str:
        """ "SHA256:…" of the pinned key."""
        return self.pinned.get_fingerprint()


class _Shown(asyncssh.SSHClient):
    """Remembers the key that a server showed and that was not the pinned one."""

    def __init__(self) -> None:
        self.fingerprint = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.fingerprint = key.get_fingerprint()
        return False


async def connect(
    login: HostLogin, room: asyncio.Semaphore, within: float | None = None
) -> asyncssh.SSHClientConnection:
    """A connection whose peer proved the pinned key and let the bot in, within that many seconds (CONNECT).

    A place in `room` is taken for the handshake, which costs both machines their processors, and not for a server whose
    sshd has not said a word yet (RFC 4253, 4.2), so that one which is off or frozen holds up none of the others. The
    wait for the place does not count. Raises Unreachable, always with what was tried and what to do.
    """
    shown, within = _Shown(), CONNECT if within is None else within
    try:
        async with asyncio.timeout(within):
            line = await _spoken(await _dial(login))
        async with _place(room, line), asyncio.timeout(within):
            return await _connect(login, line, shown)
    except (OSError, asyncssh.Error, ValueError) as fault:
        tried, advice = _explain(login, fault, shown.fingerprint, within)
        raise Unreachable(login.name, f"{login.where}, {tried}", advice) from fault


@asynccontextmanager
async def _place(room: asyncio.Semaphore, line: socket.socket) -> AsyncGenerator[None]:
    """A place in the room; the line is cut where nobody waits for it any more."""
    try:
        await room.acquire()
    except BaseException:
        line.close()
        raise
    try:
        yield
    finally:
        room.release()


async def _dial(login: HostLogin) -> socket.socket:
    """A TCP connection to the first of its addresses that takes one. Raises OSError."""
    loop, fault = asyncio.get_running_loop(), OSError("it has no address")
    for family, kind, protocol, _, where in await loop.getaddrinfo(login.address, login.port, type=socket.SOCK_STREAM):
        line = socket.socket(family, kind, protocol)
        line.setblocking(False)
        try:
            await loop.sock_connect(line, where)
        except OSError as failed:
            fault = failed
            line.close()
        except BaseException:
            line.close()
            raise
        else:
            return line
    raise fault


async def _spoken(line: socket.socket) -> socket.socket:
    """The line, once its server has begun to speak, or hung up; it is cut where nobody waits for that any more."""
    loop, said = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(line, said.set)
    try:
        await said.wait()
    except BaseException:
        loop.remove_reader(line)
        line.close()
        raise
    loop.remove_reader(line)
    return line


async def _connect(login: HostLogin, line: socket.socket, shown: _Shown) -> asyncssh.SSHClientConnection:
    pinned = login.pinned
    own = [name.decode() for name in pinned.sig_algorithms if b"@" not in name and name != b"ssh-rsa"]
    connection = await asyncssh.connect(
        login.address,
        login.port,
        sock=line,
        username=login.user,
        client_factory=lambda: shown,
        known_hosts=([pinned], [], []),
        server_host_key_algs=[*own, *(name for name in HOST_KEYS if name not in own)],
        client_keys=[str(login.client_key)],
        config=None,
        agent_path=None,
        preferred_auth="publickey",
        gss_host=None,
        encryption_algs=CIPHERS,
        compression_algs=None,
        tcp_keepalive=True,
    )
    leave_out_ignored(connection)
    return connection


def keep_alive(connection: asyncssh.SSHClientConnection) -> None:
    """From now on find out within 4 s that the server is gone.

    To be called once a session is open, and no earlier: sshd answers nothing while PAM opens the login's session, and
    on a busy server systemd takes longer than that.
    """
    connection.set_keepalive(interval=1, count_max=3)


def _explain(login: HostLogin, fault: Exception, shown: str, within: float) -> tuple[str, str]:
    """(what happened, what to do), for a person at 3 a.m."""
    match fault:
        case asyncssh.HostKeyNotVerifiable() | asyncssh.KeyExchangeFailed() if (
            shown or "host key" in str(fault).lower()
        ):
            return _wrong_key(login, shown)
        case asyncssh.PermissionDenied():
            return (
                f"the server does not accept the bot's key {login.client_key}",
                f"Run `chom-bot host install {login.name}`, which puts the key into {login.user}'s authorized_keys.",
            )
        case asyncssh.KeyImportError():
            return (
                f"a key cannot be read ({fault})",
                f"Look at host_key of {login.name} in chom.toml and at {login.client_key}; the bot's key must have no "
                f"passphrase.",
            )
        case FileNotFoundError() | PermissionError() if str(login.client_key) in str(fault):
            return (f"the bot's own key {login.client_key} cannot be read ({fault.strerror})", "Look at it.")
        case TimeoutError():
            return (
                f"no answer within {within:g} s",
                "Is the server up, and does its firewall let this machine in?",
            )
        case ConnectionRefusedError():
            return ("connection refused", f"Is sshd running there, and is {login.port} its port?")
        case socket.gaierror():
            return ("the name is not known", f"Look at the address of {login.name} in chom.toml.")
        case OSError():
            why = os.strerror(fault.errno) if fault.errno else str(fault)  # asyncio's own words name no cause
            return (why, "Is the server up and the network between?")
        case _:
            return (str(fault) or type(fault).__name__, "Look at sshd's log on the server.")


def _wrong_key(login: HostLogin, shown: str) -> tuple[str, str]:
    what = f"its host key is {shown}" if shown else "it has no host key of the pinned kind"
    return (
        f"{what}, and {login.fingerprint} is pinned",
        f"The server may have been replaced, or another one stands in its place: nothing was sent to it. Compare with "
        f"`ssh-keygen -lf` of the host key on {login.name}'s own console, and only then change host_key in chom.toml.",
    )
