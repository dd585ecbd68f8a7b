"""One Socket Mode connection as Slack holds it: frames out, pings, and the ways in which a line breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from bot.sandbox.slack.errors import Json

HEARTBEAT = 10.0
"""Seconds between pings; a connection that has not answered the last one by the next is given up."""
HOST = "applink-sandbox"


@dataclass(slots=True, eq=False)
class Line:
    """`transport` is what the WebSocket runs on. A muted line stands, but nothing passes in either direction."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport
    muted: bool = False
    _answered: bool = field(default=True)

    async def send(self, body: Json) -> None:
        """One frame; into the void where the line is mute. Raises ConnectionError where it is gone."""
        if not self.muted:
            await self.socket.send_json(body)

    def send_half(self, body: Json) -> None:
        """The first half of a frame, and then the end of the connection."""
        data = json.dumps(body).encode()
        length = struct.pack("!BBQ", 0x81, 127, len(data))
        self.transport.write((length + data)[: (len(length) + len(data)) // 2])
        self.transport.close()

    def cut(self) -> None:
        """Break it without a word."""
        self.transport.abort()

    async def hear(self) -> str | None:
        """The next text that arrives; None at the end. Pings are answered here, since a mute line answers none."""
        while True:
            message = await self.socket.receive()
            if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
                return None
            if self.muted:
                continue
            if message.type is WSMsgType.PING:
                with contextlib.suppress(ConnectionError):
                    await self.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._answered = True
            elif message.type is WSMsgType.TEXT:
                return message.data

    async def ping_on(self, every: float = HEARTBEAT) -> None:
        """Ping until nobody answers, then give the connection up."""
        while self._answered or self.muted:
            if not self.muted:
                self._answered = False
                with contextlib.suppress(ConnectionError):
                    await self.socket.ping(f"Ping from {HOST}".encode())
            await asyncio.sleep(every)
        self.cut()

    async def dismiss(self, reason: str, after: float) -> None:
        """Slack's frame that asks the client to go, and the end of the connection where it did not, `after` seconds."""
        with contextlib.suppress(ConnectionError):
            await self.send({"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}})
        await asyncio.sleep(after)
        await self.close()

    async def close(self) -> None:
        """Close it properly, within a second; hard where the other side does not answer."""
        try:
            async with asyncio.timeout(1):
                await self.socket.close(code=1001, message=b"going away")
        except TimeoutError:
            self.cut()
