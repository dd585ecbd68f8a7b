"""The one kept connection to a host: built by whoever comes first, shared by all, rebuilt when it broke."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, cast

import asyncssh
from pydantic import TypeAdapter, ValidationError

from actions.engine.ports import HostRefused, Unreachable
from actions.engine.ssh.channel import Broken, Channel, Json, Malformed, Refusal
from actions.engine.ssh.connect import HostLogin, connect, keep_alive
from actions.engine.ssh.upload import Uploads

PROTOCOL = 1
SESSION = 20.0
"""Seconds for a session to open: PAM and systemd have to make one for the login first."""
HELLO = 10.0
"""Seconds for chom-host to say who it is."""
APART = 0.5
"""Seconds between the beginnings of two attempts at one host, however many callers ask."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers at a host."""

    protocol: int
    agent: str
    """sha256 of its chom-host."""
    host: str
    """Its own host name."""
    boot: str
    fence: int


_HELLO = TypeAdapter(Hello)


@dataclass(frozen=True, slots=True)
class Link:
    """A connection, its channel, and who is at the other end."""

    connection: asyncssh.SSHClientConnection
    channel: Channel
    hello: Hello
    uploads: Uploads

    @property
    def alive(self) -> bool:
        """Whether requests can still be asked over it."""
        return self.channel.alive and not self.connection.is_closed()


class Kept:
    """One host's link. Concurrent callers share one attempt, its failure included."""

    def __init__(self, login: HostLogin, agent: str, room: asyncio.Semaphore) -> None:
        self.login, self.agent, self._room = login, agent, room
        self._link: Link | None = None
        self._attempt: asyncio.Task[Link] | None = None
        self._next = 0.0

    async def link(self) -> Link:
        """The live link. Raises Unreachable; HostRefused for a chom-host that is not the expected one."""
        if self._link is not None and self._link.alive:
            return self._link
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._build())
            self._attempt.add_done_callback(_seen)
        attempt = self._attempt
        try:
            return await asyncio.shield(attempt)
        except asyncio.CancelledError:
            me = asyncio.current_task()
            if me is not None and me.cancelling():
                raise
            raise self.unreachable("this bot closed the connection") from None

    def unreachable(self, why: str) -> Unreachable:
        """The exception for a connection that broke; what was under way is unknown."""
        return Unreachable(self.login.name, f"{self.login.where}, {why}")

    async def close(self) -> None:
        """End the link and any attempt at one."""
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.gather(self._attempt, return_exceptions=True)
        await self._drop()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.channel.close()
            await _end(link.connection)

    async def _build(self) -> Link:
        await self._drop()
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._next - loop.time()))
        self._next = loop.time() + APART
        connection = await connect(self.login, self._room)
        try:
            self._link = await self._greet(connection)
        except BaseException:
            await _end(connection)
            raise
        return self._link

    async def _greet(self, connection: asyncssh.SSHClientConnection) -> Link:
        channel = await self._open(connection)
        try:
            said = await channel.request("hello", {"protocol": PROTOCOL}, HELLO)
        except Broken as fault:
            if channel.exit_status in (126, 127):
                raise self._refuse("wrong agent", f"{self.login.name} has no chom-host ({fault})") from fault
            raise self.unreachable(str(fault)) from fault
        except Malformed as fault:
            raise self._refuse("protocol", f"what answers on {self.login.name} is no chom-host ({fault})") from fault
        except Refusal as fault:
            code, message = fault.error["code"], f"{self.login.name} refuses: {fault.error['message']}"
            if code == "protocol":
                raise self._refuse(code, message) from fault
            raise HostRefused(self.login.name, code, message) from fault
        return Link(connection, channel, self._checked(said), Uploads(connection))

    async def _open(self, connection: asyncssh.SSHClientConnection) -> Channel:
        channel = Channel()
        try:
            async with asyncio.timeout(SESSION):
                await cast(Any, connection).create_session(lambda: channel, "channel", encoding=None)
        except TimeoutError:
            raise self.unreachable(f"no session within {SESSION:g} s") from None
        except (OSError, asyncssh.Error) as fault:
            raise self.unreachable(f"no session ({fault})") from fault
        keep_alive(connection)
        return channel

    def _checked(self, said: Json) -> Hello:
        name = self.login.name
        if type(said.get("protocol")) is int and said["protocol"] != PROTOCOL:
            raise self._refuse("protocol", f"{name}'s chom-host speaks protocol {said['protocol']}, not {PROTOCOL}")
        try:
            hello = _HELLO.validate_json(json.dumps(said), strict=True)
        except ValidationError as fault:
            raise self._refuse("protocol", f"what answers on {name} is no chom-host") from fault
        if hello.agent != self.agent:
            what = f"{name} runs another chom-host ({hello.agent[:12]}…) than this bot expects ({self.agent[:12]}…)"
            raise self._refuse("wrong agent", what)
        return hello

    def _refuse(self, code: str, what: str) -> HostRefused:
        return HostRefused(self.login.name, code, f"{what}: run `chom-bot host install {self.login.name}`.")


def _seen(attempt: asyncio.Task[Link]) -> None:
    """Every caller may have stopped waiting: then nobody but the next attempt needs to hear of this failure."""
    if not attempt.cancelled():
        attempt.exception()


async def _end(connection: asyncssh.SSHClientConnection) -> None:
    """Cut rather than part: a frozen peer would keep a polite goodbye waiting."""
    connection.abort()
    await connection.wait_closed()
