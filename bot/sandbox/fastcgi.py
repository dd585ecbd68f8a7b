"""PHP-FPM's side of FastCGI on a Unix socket, enough for a health check of a release that nobody is sent to yet.

Visitors' requests do not go over this socket: the shop asks the application itself, where the pool's FPM runs, and says
what it `had`. Its status page is at the same socket.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections import deque
from pathlib import Path

from bot.sandbox.application import Page, answer
from bot.sandbox.maintenance import away

_HEADER = struct.Struct(">BBHHBB")
_BEGIN, _END, _PARAMS, _STDIN, _STDOUT, _STDERR = 1, 3, 4, 5, 6, 7
_STATUS, _WORKERS = "/chom-status", 5
_REASONS = {200: "OK", 302: "Found", 404: "Not Found", 500: "Internal Server Error", 503: "Service Unavailable"}


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A name's or value's length, and where it ends."""
    if data[at] < 128:
        return data[at], at + 1
    return struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF, at + 4


def params(data: bytes) -> dict[str, str]:
    """The name-value pairs of a PARAMS stream."""
    at, found = 0, dict[str, str]()
    while at < len(data):
        name, at = _size(data, at)
        value, at = _size(data, at)
        found[data[at : at + name].decode()] = data[at + name : at + name + value].decode()
        at += name + value
    return found


def _record(kind: int, request: int, body: bytes) -> bytes:
    return _HEADER.pack(1, kind, request, len(body), 0, 0) + body


class Fpm:
    """One PHP-FPM pool: SCRIPT_FILENAME decides which release answers, as in production."""

    def __init__(self, name: str, socket: Path) -> None:
        self.name, self.socket = name, socket
        self._had = deque[str](maxlen=_WORKERS)
        self._server: asyncio.Server | None = None

    @property
    def running(self) -> bool:
        """Whether it takes requests."""
        return self._server is not None

    def had(self, uri: str) -> None:
        """A worker has this request now, and no longer the one before."""
        self._had.append(uri)

    async def start(self) -> None:
        """Listen on the socket; a socket left behind by a killed sandbox is replaced."""
        self.socket.unlink(missing_ok=True)
        self._had.clear()
        self._server = await asyncio.start_unix_server(self._talk, self.socket)

    async def close(self) -> None:
        """Stop listening and remove the socket."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await server.wait_closed()
        self.socket.unlink(missing_ok=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        collected, request = b"", 0
        try:
            while True:
                _, kind, request, length, padding, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                body = (await reader.readexactly(length + padding))[:length]
                if kind == _PARAMS:
                    collected += body
                elif kind == _STDIN and not body:
                    break
            writer.write(self._answer(request, params(collected)))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client went away: there is nobody to answer
        finally:
            writer.close()

    def _answer(self, request: int, asked: dict[str, str]) -> bytes:
        script = Path(asked.get("SCRIPT_FILENAME", ""))
        if asked.get("SCRIPT_NAME") == _STATUS:
            head, out = b"", f"Content-type: application/json\r\n\r\n{self._status()}".encode()
        elif not script.is_file():
            head = _record(_STDERR, request, b"Primary script unknown")
            out = b"Status: 404 Not Found\r\nContent-type: text/html; charset=UTF-8\r\n\r\nFile not found.\n"
        else:
            path = (asked.get("REQUEST_URI") or asked.get("SCRIPT_NAME", "/")).partition("?")[0]
            release = script.resolve().parents[1]
            told = away(release, path, asked.get("HTTP_COOKIE", ""))
            page = (
                Page(told[0], "text/html", "<h1>503 | Service Unavailable</h1>")
                if told
                else answer(release, path, self.name)
            )
            status = "" if page.status == 200 else f"Status: {page.status} {_REASONS[page.status]}\r\n"
            head, out = b"", f"{status}Content-type: {page.kind}\r\n\r\n{page.body}".encode()
        chunks = [out[i : i + 0xFFFF] for i in range(0, len(out), 0xFFFF)]
        body = b"".join(_record(_STDOUT, request, chunk) for chunk in [*chunks, b""])
        return head + body + _record(_END, request, struct.pack(">IB3x", 0, 0))

    def _status(self) -> str:
        """As `?json&full` has it, with what is read of it."""
        workers = [{"state": "Idle", "request method": "GET", "request uri": uri} for uri in self._had]
        return json.dumps({"pool": self.name, "process manager": "ondemand", "processes": workers})
