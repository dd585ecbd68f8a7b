"""How the bench brings commands to an app and times the acknowledgement, with as little of its own as can be."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

from aiohttp import WSMsgType, web

from bot.sandbox.slack.signed import FORM, signature

Json = dict[str, Any]
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Sender(Protocol):
    """Made ready before the clock runs: `prepare` gives bytes or text, `send` the milliseconds to the ack."""

    def prepare(self, payload: Json) -> Any: ...

    async def send(self, prepared: Any) -> float: ...


class _Line(asyncio.Protocol):
    """One kept connection; one request at a time."""

    def __init__(self) -> None:
        self._got, self._answer = b"", asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        head, found, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if found and len(body) >= (int(length[1]) if length else 0):
            self._answer.set_result((time.perf_counter(), head[9:12]))

    def connection_lost(self, _: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(ConnectionError("The app closed the connection."))

    async def ask(self, request: bytes) -> float:
        self._got, self._answer = b"", asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self.transport.write(request)  # pyright: ignore[reportAttributeAccessIssue]
        ended, status = await asyncio.wait_for(self._answer, 5)
        if status != b"200":
            raise AssertionError(f"The app answered {status.decode()}.")
        return (ended - begun) * 1000


class HttpSender:
    """Signed HTTP over kept connections, as many as are needed at once."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname, parts.port
        self._free: list[_Line] = []

    def prepare(self, payload: Json) -> bytes:
        body, stamp = urlencode(payload), str(int(time.time()))
        head = (
            f"POST /slack/commands HTTP/1.1\r\nHost: {self._host}:{self._port}\r\nContent-Type: {FORM}\r\n"
            f"User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)\r\nContent-Length: {len(body)}\r\n"
            f"X-Slack-Request-Timestamp: {stamp}\r\nX-Slack-Signature: {signature(stamp, body)}\r\n\r\n"
        )
        return (head + body).encode()

    async def send(self, prepared: bytes) -> float:
        if self._free:
            line = self._free.pop()
        else:
            _, line = await asyncio.get_running_loop().create_connection(_Line, self._host, self._port)
        took = await line.ask(prepared)
        self._free.append(line)
        return took

    def close(self) -> None:
        for line in self._free:
            line.transport.close()


class SocketSender:
    """The Slack end of one app's Socket Mode connection."""

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self._socket: web.WebSocketResponse | None = None
        self._waiting: dict[str, asyncio.Future[float]] = {}

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """The app's connection: a newer one takes its place."""
        self._socket = socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0CHOM"}})
        self.connected.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                now = time.perf_counter()
                waiting = self._waiting.pop(json.loads(message.data).get("envelope_id", ""), None)
                if waiting is not None:
                    waiting.set_result(now)
        return socket

    def prepare(self, payload: Json) -> tuple[str, str]:
        id = str(uuid.uuid4())
        envelope = {"envelope_id": id, "type": "slash_commands", "accepts_response_payload": True, "payload": payload}
        return id, json.dumps(envelope)

    async def send(self, prepared: tuple[str, str]) -> float:
        id, text = prepared
        assert self._socket is not None
        self._waiting[id] = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        await self._socket.send_str(text)
        return (await asyncio.wait_for(self._waiting[id], 5) - begun) * 1000


@asynccontextmanager
async def listening(senders: dict[str, SocketSender]) -> AsyncIterator[dict[str, str]]:
    """A WebSocket server for app token -> sender; yields app token -> address."""
    app = web.Application()
    for token, sender in senders.items():
        app.router.add_get(f"/link/{token}", sender.link)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield {token: f"ws://127.0.0.1:{runner.addresses[0][1]}/link/{token}" for token in senders}
    finally:
        await runner.cleanup()
