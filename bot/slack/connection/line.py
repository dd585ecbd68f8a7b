"""One connection of Socket Mode: envelopes come in, acknowledgements go out, and silence ends it."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import aiohttp
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.slack.connection.errands import log_trouble
from bot.slack.connection.web import SECONDS, proxy_for

logger = logging.getLogger(__name__)

_CLOSE = 1.0
"""Seconds for Slack's part of a goodbye, which it often leaves out."""

_GOODBYE = struct.pack("!H", aiohttp.WSCloseCode.OK)

Elsewhere = Callable[[str], Awaitable[bool]]
"""Send an acknowledgement over another line; whether it went out. Slack takes it on any."""


class Line:
    """Good for one connection and never connected again, since its address is a ticket that is used up.

    `ending` is set once another line should take its place: Slack said so, or nothing comes any more.
    """

    def __init__(self, app: AsyncApp, socket: aiohttp.ClientWebSocketResponse, elsewhere: Elsewhere) -> None:
        self._app, self._socket, self._elsewhere = app, socket, elsewhere
        self.ending = asyncio.Event()
        self.why = ""
        """Why it ends, for the log; "" while it does not."""
        self.begun = self._heard = time.monotonic()
        self._greeted = asyncio.Event()
        self._taking, self._closing = True, False
        self._busy: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read(), name="slack: line")

    @classmethod
    async def open(
        cls, app: AsyncApp, session: aiohttp.ClientSession, url: str, ping: float, elsewhere: Elsewhere
    ) -> Line:
        """Connect, and wait for Slack's hello. Raises what is in web.CALL_ERRORS.

        A line on which nothing comes for `ping` seconds is asked for a sign of life, and ends half as much later.
        """
        async with asyncio.timeout(SECONDS):
            closing = aiohttp.ClientWSTimeout(ws_close=_CLOSE)  # pyright: ignore[reportCallIssue]  attrs
            try:
                socket = await session.ws_connect(
                    url, autoping=False, heartbeat=ping, proxy=proxy_for(url), timeout=closing
                )
            except aiohttp.WSServerHandshakeError as refused:  # in its own words it would tell the ticket
                raise ConnectionError(f"the connection was refused with HTTP {refused.status}") from None
            line = cls(app, socket, elsewhere)
            try:
                await line._greeted.wait()
            except asyncio.CancelledError:
                await line.leave(0)
                raise
        if line.ending.is_set():
            await line.leave(0)
            raise ConnectionError(f"no hello from Slack: {line.why}")
        return line

    @property
    def is_open(self) -> bool:
        """Whether anything can still come."""
        return not self._reading.done() and not self._socket.closed

    @property
    def silent(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._heard

    async def say(self, text: str) -> bool:
        """Send it; False where the line is broken or closing."""
        if self._closing:
            return False
        try:
            await self._socket.send_str(text)
        except ConnectionError:
            return False
        return True

    async def leave(self, seconds: float, *, taking: bool = False) -> None:
        """Acknowledge what has come in, within so many seconds, and close.

        Whatever Slack sends meanwhile is taken only if `taking`; then it is acknowledged elsewhere.
        """
        self._taking = taking
        await self._acknowledged(seconds)
        self._closing = True
        try:
            await self._socket.send_frame(_GOODBYE, aiohttp.WSMsgType.CLOSE)
        except ConnectionError:
            self._taking = False  # the line was broken before
        await asyncio.wait({self._reading}, timeout=_CLOSE)
        await self._socket.close()
        await self._reading
        await self._acknowledged(seconds)

    async def _acknowledged(self, seconds: float) -> None:
        if self._busy:
            await asyncio.wait(self._busy, timeout=seconds)

    # --- what comes in -------------------------------------------------------

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                self._heard = time.monotonic()
                match message.type:
                    case aiohttp.WSMsgType.PING:
                        await self._socket.pong(message.data)
                    case aiohttp.WSMsgType.TEXT:
                        self._take(message.data)
                    case _:  # a pong is its own news, and after an error the loop ends
                        pass
            self.why = self.why or _why(self._socket)
        except ConnectionError as broken:
            self.why = self.why or str(broken)
        except Exception as error:  # noqa: BLE001  logged with its traceback in log_trouble
            self.why = f"unexpected, see {log_trouble('reading from Slack', error)}"
        finally:
            self.ending.set()
            self._greeted.set()

    def _take(self, text: str) -> None:
        """One frame; what is no frame of Slack's is left alone."""
        try:
            said: object = json.loads(text)
            frame = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
            request = SocketModeRequest.from_dict(frame)  # pyright: ignore[reportUnknownMemberType]
        except (ValueError, TypeError):  # of a payload that is none, the SDK says TypeError
            return
        match frame.get("type"):
            case "hello":
                self._greeted.set()
            case "disconnect":
                self.why = str(frame.get("reason") or "disconnect")
                self.ending.set()
            case _ if request is not None and self._taking:
                task = asyncio.create_task(self._answer(request), name=f"slack: {request.type}")
                self._busy.add(task)
                task.add_done_callback(self._busy.discard)
            case kind:
                logger.debug("a frame of Slack's is left alone: %s", kind)

    async def _answer(self, request: SocketModeRequest) -> None:
        try:
            response = await run_async_bolt_app(self._app, request)
        except Exception as error:  # noqa: BLE001  logged with its traceback in log_trouble
            log_trouble(f"an envelope ({request.type})", error)
            return
        if response.status != 200:
            logger.warning("Slack sent what nobody here listens to (%s); it is not acknowledged", request.type)
            return
        answer = SocketModeResponse(request.envelope_id, _payload(response))
        text = json.dumps(answer.to_dict())  # pyright: ignore[reportUnknownMemberType]
        if not await self.say(text) and not await self._elsewhere(text):
            logger.warning("an acknowledgement (%s) found no line; what was asked is done all the same", request.type)


def _why(socket: aiohttp.ClientWebSocketResponse) -> str:
    if isinstance(socket.exception(), aiohttp.ServerTimeoutError):
        return "no sign of life"
    return f"closed with code {socket.close_code}"


def _payload(response: BoltResponse) -> dict[str, Any] | str | None:
    """What an acknowledgement carries: a view's errors, options, or text for the person."""
    if not response.body:
        return None
    kind = (response.headers.get("content-type") or [""])[0]
    return json.loads(response.body) if kind.startswith("application/json") else response.body
