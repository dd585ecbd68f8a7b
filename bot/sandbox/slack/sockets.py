"""Socket Mode: tickets, hello, envelopes round robin over the connections, acks on any of them, disconnects."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from aiohttp import WSMsgType, web

from bot.sandbox.slack import people
from bot.sandbox.slack.carrier import FIRST, Answer, Kind, Outcome, Retry
from bot.sandbox.slack.errors import Json, SlackError
from bot.sandbox.slack.workspace import Workspace

MOST = 10
"""Connections that one app may hold."""
TICKET_SECONDS = 30.0
HEARTBEAT = 10.0
"""Seconds between pings; without a pong the connection is given up."""
ACCEPTS = (Kind.COMMAND, Kind.INTERACTIVE)


@dataclass(slots=True)
class Sockets:
    """All connections of the app. `ack_seconds` is how long Slack waits for an acknowledgement."""

    workspace: Workspace
    ack_seconds: float = 3.0
    open: list[web.WebSocketResponse] = field(default_factory=list[web.WebSocketResponse])
    late: int = 0
    """Acknowledgements that nobody waited for any more."""
    _tickets: dict[str, float] = field(default_factory=dict[str, float])
    _waiting: dict[str, asyncio.Future[Json]] = field(default_factory=dict[str, asyncio.Future[Json]])
    _lines: dict[web.WebSocketResponse, asyncio.Transport] = field(
        default_factory=dict[web.WebSocketResponse, asyncio.Transport]
    )
    _turn: int = 0

    def ticket(self) -> str:
        """The address for one connection. Raises SlackError when the app holds too many."""
        if len(self.open) >= MOST:
            raise SlackError("too_many_websockets")
        ticket = secrets.token_urlsafe(16)
        self._tickets[ticket] = self.workspace.memory.now() + TICKET_SECONDS
        return f"{self.workspace.ws_address()}/link/?ticket={ticket}&app_id={people.APP}"

    async def link(self, request: web.Request) -> web.StreamResponse:
        """One connection, from hello to its end."""
        until = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self.workspace.faults.down or self.workspace.memory.now() > until:
            return web.Response(status=503 if self.workspace.faults.down else 403, text="link refused")
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT, compress=False)
        await socket.prepare(request)
        self.open.append(socket)
        if request.transport is not None:
            self._lines[socket] = request.transport
        self.workspace.memory.touch()
        try:
            await socket.send_json(self._hello())
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._acknowledge(message.data)
        finally:
            self.open.remove(socket)
            self._lines.pop(socket, None)
            self.workspace.memory.touch()
        return socket

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.open),
            "debug_info": {
                "host": "applink-sandbox",
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
                return Answer(Outcome.FAILED)
            done, _ = await asyncio.wait(waits, timeout=self.ack_seconds, return_when=asyncio.FIRST_COMPLETED)
            return Answer(Outcome.ACKED, next(iter(done)).result()) if done else Answer(Outcome.TIMEOUT)
        finally:
            for id in ids:
                del self._waiting[id]

    async def _send(self, envelope: Json) -> bool:
        for _ in range(len(self.open)):
            self._turn += 1
            socket = self.open[self._turn % len(self.open)]
            try:
                await socket.send_json(envelope)
            except ConnectionError:
                continue
            return True
        return False

    async def disconnect(self, reason: str) -> int:
        """Tell every connection to go, in Slack's frame ("warning", "refresh_requested", "link_disabled")."""
        for socket in list(self.open):
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sandbox"}})
        return len(self.open)

    def cut(self) -> int:
        """Break every connection without a word; returns how many."""
        lines = list(self._lines.values())
        for line in lines:
            line.abort()
        return len(lines)

    async def close(self) -> None:
        """Close every connection properly."""
        for socket in list(self.open):
            await socket.close(code=1001, message=b"going away")


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
