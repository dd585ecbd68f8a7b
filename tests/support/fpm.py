"""Stands for PHP-FPM: answers FastCGI on a Unix socket from the release that SCRIPT_FILENAME names."""

from __future__ import annotations

import socketserver
import struct
import threading
from collections import deque
from pathlib import Path

_HEAD = struct.Struct(">BBHHBx")


def _pairs(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    while data:
        sizes: list[int] = []
        for _ in range(2):
            size, rest = (data[0], data[1:]) if data[0] < 128 else (int.from_bytes(data[:4]) & 0x7FFFFFFF, data[4:])
            sizes.append(size)
            data = rest
        name, value, data = data[: sizes[0]], data[sizes[0] : sum(sizes)], data[sum(sizes) :]
        found[name.decode()] = value.decode()
    return found


class _Talk(socketserver.StreamRequestHandler):
    server: Fpm

    def handle(self) -> None:
        said = b""
        while head := self.rfile.read(8):
            _, kind, self.id, size, padding = _HEAD.unpack(head)
            body = self.rfile.read(size + padding)[:size]
            said += body if kind == 4 else b""
            if kind == 5 and not size:
                break
        if not said:
            return
        asked = _pairs(said)
        if asked["SCRIPT_NAME"] == "/chom-status":
            self._say("200 OK", "\n".join(self.server.had))
        else:
            self.server.had.append(asked["QUERY_STRING"])
            self.answer(Path(asked["SCRIPT_FILENAME"]))

    def answer(self, script: Path) -> None:
        """200 with the release's public/index.php; 500 where that says `broken`; 404 where there is none."""
        text = script.read_text() if script.is_file() else ""
        status = "404 Not Found" if not text else "500 Internal Server Error" if "broken" in text else "200 OK"
        self._say(status, text)

    def _say(self, status: str, text: str) -> None:
        body = f"Status: {status}\r\nContent-Type: text/plain\r\n\r\n{text}".encode()
        for kind, content in ((6, body), (6, b""), (3, bytes(8))):
            self.wfile.write(_HEAD.pack(1, kind, self.id, len(content), 0) + content)


class Fpm(socketserver.ThreadingUnixStreamServer):
    """Answers in threads of the test's own process, so that freezing or killing sshd does not touch it.

    Its status page is at the same socket: the queries that its workers `had` last.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, socket: Path) -> None:
        super().__init__(str(socket), _Talk)
        self.had = deque[str](maxlen=8)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self.shutdown()
        self.server_close()
        self._thread.join()
