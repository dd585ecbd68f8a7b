"""A stand-in for PHP-FPM: FastCGI on a Unix socket, with what it was asked kept for the test."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class Fpm(threading.Thread):
    """Answers FastCGI on a Unix socket with `reply(params)`; `asked` holds the params of every request.

    Its status page is there too, and is none of these: it has a worker for each request.
    """

    def __init__(self, path: Path, reply: Any) -> None:
        super().__init__(daemon=True)
        self.asked: list[dict[str, str]] = []
        self.reply = reply
        self.has_status = True
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()

    def run(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile("rb") as stream:
                params = b""
                while True:
                    head = stream.read(8)
                    if not head:
                        break  # somebody has only looked whether it is there
                    _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", head)
                    body = stream.read(length + padding)[:length]
                    params += body if kind == 4 else b""
                    if kind == 5 and not body:
                        break
                if not head:
                    continue
                out = self._answer(pairs(params))
                if out is None:
                    continue
                for at in range(0, len(out), 65535):
                    piece = out[at : at + 65535]
                    client.sendall(struct.pack(">BBHHBB", 1, 6, 1, len(piece), 0, 0) + piece)
                client.sendall(struct.pack(">BBHHBB", 1, 6, 1, 0, 0, 0))
                client.sendall(struct.pack(">BBHHBBIB3x", 1, 3, 1, 8, 0, 0, 0, 0))

    def _answer(self, params: dict[str, str]) -> bytes | None:
        if params["SCRIPT_NAME"] == "/chom-status":
            page = f"\r\n\r\n{status(self.asked)}".encode()
            return page if self.has_status else b"Status: 404 Not Found\r\n\r\nFile not found.\n"
        self.asked.append(params)
        return self.reply(params)

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.join(5)


def status(asked: Sequence[Mapping[str, str]]) -> str:
    """The page of `/chom-status?json&full` where these requests were each worker's last one."""
    uris = [f"{one['SCRIPT_NAME']}?{one.get('QUERY_STRING', '')}" for one in asked]
    return json.dumps({"pool": "www", "processes": [{"state": "Idle", "request uri": uri} for uri in uris]})


def pairs(data: bytes) -> dict[str, str]:
    """FastCGI's name-value pairs."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        sizes = []
        for _ in range(2):
            if data[at] < 128:
                sizes.append(data[at])
                at += 1
            else:
                sizes.append(struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF)
                at += 4
        name, value = data[at : at + sizes[0]], data[at + sizes[0] : at + sum(sizes)]
        at += sum(sizes)
        found[name.decode()] = value.decode()
    return found
