"""People on the site: thousands of clients, each with an address and a cookie of its own, and what they were given.

`python load.py ADDRESS OUT HABITS`: until SIGTERM, as many of them as there are slots at one time, each for a visit of
some requests on a kept connection. HABITS are those below, as JSON. OUT is a JSON object, replaced every 0.2 s, and at
the end with every single answer.

It runs at the server's own network, where all of 127.0.0.0/8 are addresses of clients.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.lab.vps import Vps

LIGHT, LARAVEL, SLOW = "/light.php", "/", "/light.php?ms=300"
"""A page of PHP alone, one of Laravel, and one that takes 0.3 s."""
ADDRESSES = 250
"""Clients of one /24 of the loopback network."""


@dataclass(frozen=True)
class Habits:
    """How people use the site. A number of clients that the slots divide has each client ask one thing at a time."""

    clients: int = 2000
    slots: int = 16
    pause: float = 0.02
    """Seconds before each request."""
    visit: int = 12
    """Requests of the longest visit."""
    browsers: bool = False
    """They ask once more, on a new connection, where a kept one was closed before an answer began (RFC 9112, 9.3.1);
    else that is a failure too."""
    first: str = LARAVEL
    """The page with which a visit begins."""
    only: str = ""
    """The one page that they want, also all along; else in one visit of ten all are slow."""
    patience: float = 15.0
    """Seconds in which an answer has to come."""

    def page(self, client: int, turn: int) -> str:
        """What that client asks for in that turn of its visit."""
        return self.only or (SLOW if client % 10 == 9 else LIGHT if turn else self.first)


@dataclass
class Count:
    """What was answered."""

    slots: int
    served: Counter[str] = field(default_factory=Counter[str])
    failures: list[str] = field(default_factory=list[str])
    clients: set[int] = field(default_factory=set[int])
    ms: list[float] = field(default_factory=list[float])
    """Milliseconds of each answer but those of the slow page."""
    last: dict[str, float] = field(default_factory=dict[str, float])
    """When each version was given last, Unix time in seconds."""
    answers: list[tuple[float, int, str]] = field(default_factory=list[tuple[float, int, str]])
    """Of each: when it came (Unix time, s), to which client, and the version, or what it was instead."""
    orders: list[list[str]] = field(default_factory=list[list[str]])
    """For each slot the versions that it was given one after the other."""

    def __post_init__(self) -> None:
        self.orders = [[] for _ in range(self.slots)]

    def add(self, slot: int, client: int, status: int, body: str) -> None:
        word, _, version = body.partition(" ")
        well = status == 200 and word == "CHOM"
        self.answers.append((round(time.time(), 3), client, version if well else f"HTTP {status}"))
        if status != 200 or word != "CHOM" or not version:
            self.failed(f"HTTP {status}: {body[:200]}")
            return
        self.clients.add(client)
        self.served[version] += 1
        self.last[version] = time.time()
        if self.orders[slot][-1:] != [version]:
            self.orders[slot].append(version)

    def failed(self, why: str) -> None:
        self.failures.append(f"{time.time():.2f} {why}")

    def write(self, out: Path, last: bool = False) -> None:
        seen: dict[str, Any] = {"served": self.served, "failures": self.failures, "orders": self.orders}
        seen |= {"clients": len(self.clients), "last": self.last}
        fresh = out.with_suffix(".part")
        fresh.write_text(json.dumps({**seen, "ms": self.ms, "answers": self.answers} if last else seen))
        fresh.replace(out)


class Client:
    """One of them, with its connection."""

    def __init__(self, number: int, address: str, habits: Habits) -> None:
        self.number, self._address, self._habits = number, address, habits
        high, low = divmod(number, ADDRESSES)
        self._mine = (f"127.{1 + high // ADDRESSES}.{high % ADDRESSES}.{1 + low}", 0)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str) -> tuple[int, str]:
        """Status and body. Raises OSError, EOFError, TimeoutError where none came."""
        kept = self._reader is not None
        try:
            async with asyncio.timeout(self._habits.patience):
                return await self._asked(path)
        except (ConnectionError, asyncio.IncompleteReadError) as fault:
            begun = isinstance(fault, asyncio.IncompleteReadError) and fault.partial
            if not (self._habits.browsers and kept) or begun:
                raise
            self.close()
            async with asyncio.timeout(self._habits.patience):
                return await self._asked(path)

    async def _asked(self, path: str) -> tuple[int, str]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._address, 80, local_addr=self._mine)
        head = f"GET {path} HTTP/1.1\r\nHost: {self._address}\r\nCookie: visitor={self.number}\r\n\r\n"
        self._writer.write(head.encode())
        said = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        body = await _body(self._reader, said)
        if "\r\nconnection: close" in said:
            self.close()
        return int(said.split(" ", 2)[1]), body.decode("utf-8", "replace")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


async def _body(reader: asyncio.StreamReader, head: str) -> bytes:
    if "\r\ntransfer-encoding: chunked" not in head:
        return await reader.readexactly(int(head.partition("\r\ncontent-length:")[2].split("\r\n", 1)[0]))
    body = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    return body


async def visit(client: Client, slot: int, count: Count, habits: Habits, stop: asyncio.Event) -> None:
    """Some requests on one connection."""
    for turn in range(1 + client.number % habits.visit):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), habits.pause)
            break
        path = habits.page(client.number, turn)
        began = time.monotonic()
        try:
            count.add(slot, client.number, *await client.ask(path))
        except (OSError, EOFError, TimeoutError, ValueError) as fault:
            count.failed(f"client {client.number}, {path}: {fault!r}")
            client.close()
        if path != SLOW:
            count.ms.append(round((time.monotonic() - began) * 1000, 2))
    client.close()


async def main(address: str, out: Path, habits: Habits) -> None:
    """Ask until SIGTERM."""
    count, stop = Count(habits.slots), asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def sit(slot: int) -> None:
        number = slot
        while not stop.is_set():
            await visit(Client(number, address, habits), slot, count, habits, stop)
            number = (number + habits.slots) % habits.clients

    async with asyncio.TaskGroup() as group:
        for slot in range(habits.slots):
            group.create_task(sit(slot))
        while not stop.is_set():
            count.write(out)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.2)
    count.write(out, last=True)


@dataclass
class Crowd:
    """The clients of one server, as a process."""

    process: subprocess.Popen[bytes]
    out: Path
    habits: Habits

    def seen(self) -> dict[str, Any]:
        """What they were given so far: `served` (version -> answers), `failures`, `orders`, `clients`, `last`."""
        assert self.process.poll() is None, "the load has ended by itself"
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found

    def end(self) -> dict[str, Any]:
        """Send them away; as `seen`, and `answers` and `ms`, as Count has them."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(self.habits.patience + 5)
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found


@contextlib.contextmanager
def crowd(vps: Vps, out: Path, habits: Habits = Habits()) -> Iterator[Crowd]:
    """Clients at that server, until `end` or the end of the block."""
    out.write_text(json.dumps({"served": {}, "failures": [], "orders": [], "clients": 0, "last": {}}))
    process = vps.spawn(sys.executable, Path(__file__), "127.0.0.1", out, json.dumps(asdict(habits)))
    try:
        yield Crowd(process, out, habits)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(20)


if __name__ == "__main__":
    _, where, to, told = sys.argv
    asyncio.run(main(where, Path(to), Habits(**json.loads(told))))
