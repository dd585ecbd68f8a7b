"""Socket Mode: tickets, hello, envelopes round robin over the connections, acks on any of them, disconnects."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, assert_never, cast

from aiohttp import web

from bot.sandbox.slack import people
from bot.sandbox.slack.carrier import FIRST, Answer, Kind, Outcome, Retry
from bot.sandbox.slack.errors import Impossible, Json
from bot.sandbox.slack.line import HOST, Line
from bot.sandbox.slack.workspace import Workspace

MOST = 10
"""Connections that one app may hold."""
TICKET_SECONDS = 30.0
WARNED_SECONDS = 10.0
"""Between the warning that a connection ends and its end."""
UNACKED_SECONDS = 0.5
"""From an envelope to the end of its line, for an acknowledgement that goes nowhere."""
LEAVE_SECONDS = 2.0
"""For a client that was told to go, before Slack closes its connection."""
ACCEPTS = (Kind.COMMAND, Kind.INTERACTIVE)


class SocketFault(StrEnum):
    """What happens to the connections that there are; new ones are welcome."""

    CUT = "cut"
    """All break without a word."""
    MUTE = "mute"
    """All stand, and nothing passes any more: no pong, no envelope, no acknowledgement."""
    HALF = "half"
    """The next envelope breaks off in the middle of its frame."""
    UNACKED = "unacked"
    """The next envelope arrives whole, and the line breaks before its acknowledgement."""
    WARNING = "warning"
    """Slack's frame: this connection ends in ten seconds."""
    REFRESH = "refresh_requested"
    """Slack's frame: connect anew, this connection ends."""
    DISABLED = "link_disabled"
    """Slack's frame: Socket Mode was switched off."""


@dataclass(slots=True)
class Sockets:
    """All connections of the app. `ack_seconds` is how long Slack waits for an acknowledgement."""

    workspace: Workspace
    ack_seconds: float = 3.0
    open: list[Line] = field(default_factory=list[Line])
    late: int = 0
    """Acknowledgements that nobody waited for any more."""
    _tickets: dict[str, float] = field(default_factory=dict[str, float])
    _waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict[str, asyncio.Future[Json]])
    _leaving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _next: SocketFault | None = None
    """What befalls the next envelope."""
    _turn: int = 0

    def ticket(self) -> str:
        """The address for one connection."""
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = self.workspace.memory.now() + TICKET_SECONDS
        return f"{self.workspace.ws_address()}/link/?ticket={ticket}&app_id={people.APP}"

    async def link(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        until = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self.workspace.faults.down or self.workspace.memory.now() > until:
            return web.Response(status=503 if self.workspace.faults.down else 403, text="link refused")
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        assert request.transport is not None
        line = Line(socket, request.transport)
        if len(self.open) >= MOST:
            await line.dismiss("too_many_websockets", 0)
            return socket
        self.open.append(line)
        self.workspace.memory.touch()
        pings = asyncio.create_task(line.ping_on())
        try:
            await line.send(self._hello())
            while (text := await line.hear()) is not None:
                self._acknowledge(text)
        finally:
            pings.cancel()
            self.open.remove(line)
            self.workspace.memory.touch()
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {
                "host": HOST,
                "started": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.000"),
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": people.APP},
        }

    def _acknowledge(self, text: str) -> None:
        """Settle an envelope; what is no acknowledgement is ignored, as Slack does."""
        try:
            said = json.loads(text)
        except ValueError:
            return
        fields = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
        waiting = self._waiting.get(str(fields.get("envelope_id")))
        if waiting is None or waiting.done():
            self.late += 1
            return
        payload = fields.get("payload")
        waiting.set_result(cast("Json", payload) if isinstance(payload, dict) else {})

    async def deliver(self, kind: Kind, payload: Json, copies: int = 1, retry: Retry = FIRST) -> Answer:
        """Send envelopes with this payload and wait for the first acknowledgement."""
        ids = [str(uuid.uuid4()) for _ in range(copies)]
        waits = [asyncio.get_running_loop().create_future() for _ in ids]
        self._waiting.update(zip(ids, waits, strict=True))
        try:
            sent = [await self._send(_envelope(id, kind, payload, retry)) for id in ids]
            if not any(sent):
                return Answer(Outcome.FAILED, reason="connection_failed")
            done, _ = await asyncio.wait(waits, timeout=self.ack_seconds, return_when=asyncio.FIRST_COMPLETED)
            return (
                Answer(Outcome.ACKED, next(iter(done)).result()) if done else Answer(Outcome.TIMEOUT, reason="timeout")
            )
        finally:
            for id in ids:
                del self._waiting[id]

    async def _send(self, envelope: Json) -> bool:
        for _ in range(len(self.open)):
            self._turn += 1
            line = self.open[self._turn % len(self.open)]
            befalls, self._next = self._next, None
            if befalls is SocketFault.HALF:
                line.send_half(envelope)
                return True
            try:
                await line.send(envelope)
            except ConnectionError:
                continue
            if befalls is SocketFault.UNACKED:
                line.muted = True
                self._leave(_break(line))
            return True
        return False

    def fault(self, what: str) -> Json:
        """Do to the connections what SocketFault says of `what`. Raises Impossible."""
        if what not in list(SocketFault):
            raise Impossible(f"“socket” is one of {', '.join(SocketFault)}; it was {what!r}.")
        fault, lines = SocketFault(what), list(self.open)
        match fault:
            case SocketFault.CUT:
                self.cut()
            case SocketFault.MUTE:
                for line in lines:
                    line.muted = True
            case SocketFault.HALF | SocketFault.UNACKED:
                self._next = fault
            case SocketFault.WARNING | SocketFault.REFRESH | SocketFault.DISABLED:
                seconds = WARNED_SECONDS if fault is SocketFault.WARNING else LEAVE_SECONDS
                for line in lines:
                    self._leave(line.dismiss(fault, seconds))
            case _:
                assert_never(fault)
        return {"socket": what, "connections": len(lines)}

    def _leave(self, going: Coroutine[object, object, None]) -> None:
        task = asyncio.create_task(going)
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def cut(self) -> None:
        """Break every connection without a word."""
        for line in list(self.open):
            line.cut()

    async def close(self) -> None:
        """Close every connection properly."""
        for task in list(self._leaving):
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)
        await asyncio.gather(*(line.close() for line in list(self.open)))


async def _break(line: Line) -> None:
    await asyncio.sleep(UNACKED_SECONDS)
    line.cut()


def _envelope(id: str, kind: Kind, payload: Json, retry: Retry) -> Json:
    made: Json = {
        "envelope_id": id,
        "type": kind.value,
        "accepts_response_payload": kind in ACCEPTS,
        "payload": payload,
    }
    if kind is Kind.EVENT:
        made |= {"retry_attempt": retry.number, "retry_reason": retry.reason}
    return made
