"""One live bot per instance name: who holds the name, and whether that process can be seen to be gone."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from actions.engine.codec import dump, load
from bot.store import Store

_PROC = Path("/proc")


class InstanceTaken(Exception):
    """Another live process serves under this name; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process so that another one on the same machine can tell whether it still lives."""

    token: str
    machine: str
    """The boot id: pids of an earlier boot say nothing."""
    space: str
    """The pid namespace: pids of another container say nothing."""
    pid: int
    begun: str
    """Its start time in clock ticks, so that a reused pid is not mistaken for it; "" where unknown."""

    @property
    def is_seen(self) -> bool:
        """Whether this process can look it up."""
        return (self.machine, self.space) == (_machine(), _space())

    @property
    def is_gone(self) -> bool:
        """Whether it can be looked up and has ended; False where nobody here can know."""
        return self.is_seen and _begun(self.pid) != self.begun


def this_process() -> Process:
    """This one, under a token of its own at each call."""
    begun = _begun(os.getpid())
    if begun is None:
        raise RuntimeError("the operating system does not know this process")
    return Process(secrets.token_hex(8), _machine(), _space(), os.getpid(), begun)


class InstanceName:
    """The name of one bot, held as long as it is renewed."""

    def __init__(self, store: Store, name: str, ttl_s: float) -> None:
        self._store, self._name, self._ttl = store, name, ttl_s
        self._key = f"bot:{name}"
        self._me = dump(this_process())

    async def take(self) -> None:
        """Take the name; at once where its last holder is gone, else once that one's hold lapses.

        Raises InstanceTaken where the holder lives, StoreDown.
        """
        deadline = time.monotonic() + 1.5 * self._ttl
        stale = ""
        while holder := await self._store.hold_instance(self._key, self._me, self._ttl, stale):
            other = load(Process, holder)
            stale = holder if other.is_gone else ""
            if stale:
                continue
            if other.is_seen or time.monotonic() > deadline:
                raise self._taken(other)
            await asyncio.sleep(0.25)

    async def keep(self) -> None:
        """Renew it. Raises InstanceTaken where another has it, StoreDown."""
        if holder := await self._store.hold_instance(self._key, self._me, self._ttl):
            raise self._taken(load(Process, holder))

    async def release(self) -> None:
        """Give it back. Raises StoreDown."""
        await self._store.release_instance(self._key, self._me)

    def _taken(self, other: Process) -> InstanceTaken:
        where = f"process {other.pid} on this machine" if other.is_seen else "on another machine"
        return InstanceTaken(
            f'Another bot serves as "{self._name}" already ({where}). Stop that one, '
            f'or give this one a name of its own: instance = "{self._name}-2" under [bot] in chom.toml.'
        )


def _machine() -> str:
    boot = _PROC / "sys/kernel/random/boot_id"
    return boot.read_text(encoding="ascii").strip() if boot.exists() else f"{platform.node()}-{uuid.getnode()}"


def _space() -> str:
    link = _PROC / "self/ns/pid"
    return str(link.readlink()) if link.exists() else ""


def _begun(pid: int) -> str | None:
    """The start time of a living process, "" where the system has no /proc, None where it does not live."""
    try:
        if not (_PROC / "self").exists():
            os.kill(pid, 0)
            return ""
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    except PermissionError:
        return ""
    return None if fields[0] in "ZX" else fields[19]
