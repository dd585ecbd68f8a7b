"""Installs chom-host on a server over an administrator's SSH login, and says where a server has drifted from it."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from actions.host.layout import HOME, HostSpec, Installation, rendered
from actions.host.managed import Managed
from actions.host.removal import removal_script
from actions.host.script import install_script, status_script

__all__ = ["AdminLogin", "CannotInstall", "Drift", "HostSpec", "Report", "install", "rendered", "status", "take_back"]

PATIENCE = 120.0
"""Seconds in which a script has to end."""


class CannotInstall(Exception):
    """The server, or the way to it, does not allow it; the message is a sentence. Running it again is safe."""


@dataclass(frozen=True, slots=True)
class AdminLogin:
    """An administrator's way to a server: root, or somebody who may run sudo there without a password."""

    address: str
    host_key: str
    """The pinned public key, "ssh-ed25519 AAAA…"."""
    port: int = 22
    user: str = "root"
    keys: tuple[Path, ...] = ()
    """Private keys without a passphrase; () for those of the administrator's ssh-agent."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was done: paths (or "user NAME") that were changed, those that were right already, and remarks."""

    changed: tuple[str, ...]
    kept: tuple[str, ...]
    notes: tuple[str, ...]
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    """What is CHOM's and not ours, and so stays when an installation is taken back."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing on the server that is not as it would be installed."""

    path: str
    what: str
    """In words: "is missing", "has the mode 666, not 440"."""


async def install(login: AdminLogin, wanted: Installation, *, adopting: bool = False) -> Report:
    """Make the server so; run again it changes nothing. Raises CannotInstall."""
    return _report(await run(login, install_script(wanted, adopting=adopting)))


async def take_back(login: AdminLogin, wanted: Installation) -> Report:
    """Everything on the server is as it was before the first install. Raises CannotInstall."""
    return _report(await run(login, removal_script(wanted)))


def _report(said: str) -> Report:
    lines = [line.partition(" ") for line in said.splitlines()]

    def after(word: str) -> tuple[str, ...]:
        return tuple(rest for first, _, rest in lines if first == word)

    return Report(after("changed"), after("kept"), after("NOTE"), after("removed"), after("left"))


async def status(login: AdminLogin, wanted: Installation) -> tuple[Drift, ...]:
    """Where the server differs from what would be installed; () for nowhere. Changes nothing. Raises CannotInstall."""
    user, *entries = (await run(login, status_script(wanted))).splitlines()
    if len(entries) != len(wanted.entries):
        raise CannotInstall(f"{login.address} answered {len(entries)} lines where {len(wanted.entries)} were asked for")
    drifts = _person_drifts(wanted, user)
    for entry, line in zip(wanted.entries, entries, strict=True):
        drifts += _drifts(entry, line)
    return tuple(drifts)


def _person_drifts(wanted: Installation, line: str) -> list[Drift]:
    kind, home, shell, group, password = line.split("|")
    name = f"user {wanted.user}"
    if kind == "missing":
        return [Drift(name, "is missing")]
    found = ((home, HOME, "home"), (shell, "/bin/sh", "shell"), (group, wanted.group, "group"))
    drifts = [Drift(name, f"has the {what} {is_}, not {should}") for is_, should, what in found if is_ != should]
    if password != "*":
        drifts.append(Drift(name, "has a password, or is locked"))
    return drifts


def _drifts(entry: Managed, line: str) -> list[Drift]:
    kind, mode, owner, group, sha256 = line.split("|")
    should = "directory" if entry.content is None else "file"
    if kind == "missing":
        return [Drift(entry.path, "is missing")]
    if kind != should:
        return [Drift(entry.path, f"is a {kind}, not a {should}")]
    drifts: list[Drift] = []
    if int(mode, 8) != entry.mode:
        drifts.append(Drift(entry.path, f"has the mode {mode}, not {entry.mode:o}"))
    if (owner, group) != (entry.owner, entry.group):
        drifts.append(Drift(entry.path, f"belongs to {owner}:{group}, not {entry.owner}:{entry.group}"))
    if entry.content is not None and not entry.secret and sha256 != hashlib.sha256(entry.content).hexdigest():
        drifts.append(Drift(entry.path, "has another content"))
    return drifts


async def run(login: AdminLogin, script: str, program: str = "sh -s", *, failing: bool = False) -> str:
    """What the script said on stdout; `program` reads it from stdin. Raises CannotInstall.

    With `failing`, status 1 is an answer as well.
    """
    where = f"{login.user}@{login.address}:{login.port}"
    command = program if login.user == "root" else f"sudo -n {program}"
    try:
        async with asyncio.timeout(PATIENCE):
            done = await _told(login, command, script)
    except TimeoutError:
        raise CannotInstall(f"{where} did not finish within {PATIENCE:g} s; run it again") from None
    except asyncssh.HostKeyNotVerifiable:
        raise CannotInstall(f"{where} shows another host key than the pinned one; nothing was sent to it") from None
    except asyncssh.PermissionDenied:
        keys = ", ".join(str(key) for key in login.keys) or "any key of your ssh-agent"
        raise CannotInstall(
            f"{where} does not accept {keys}; name one that lets an administrator in with --key"
        ) from None
    except (OSError, asyncssh.Error, ValueError) as fault:
        raise CannotInstall(f"{where} cannot be reached: {fault}") from fault
    out, err = str(done.stdout or ""), str(done.stderr or "").strip()
    if done.exit_status == 0 or (failing and done.exit_status == 1 and out):
        return out
    failed = [line.partition(" ")[2] for line in out.splitlines() if line.startswith("FAILED ")]
    if done.exit_status is None:
        raise CannotInstall(f"the connection to {where} was lost on the way; run it again")
    why = failed[-1] if failed else f"{shlex.quote(command)} ended with status {done.exit_status}: {err[-500:]}"
    raise CannotInstall(f"{login.address}: {why}")


async def _told(login: AdminLogin, command: str, script: str) -> asyncssh.SSHCompletedProcess:
    connection = await _connected(login)
    try:
        return await connection.run(command, input=script, check=False)
    finally:
        connection.close()


async def _connected(login: AdminLogin) -> asyncssh.SSHClientConnection:
    pinned = asyncssh.import_public_key(login.host_key)
    algorithms = [name.decode() for name in pinned.sig_algorithms if b"@" not in name and name != b"ssh-rsa"]
    return await asyncssh.connect(
        login.address,
        login.port,
        username=login.user,
        known_hosts=([pinned], [], []),
        server_host_key_algs=algorithms,
        client_keys=[str(key) for key in login.keys] or (),
        agent_path=None if login.keys else (),
        config=None,
        preferred_auth="publickey",
        gss_host=None,
        connect_timeout=15,
        keepalive_interval=5,
        keepalive_count_max=6,  # sshd answers nothing while PAM and systemd make the login's session
    )
