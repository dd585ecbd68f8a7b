"""Stands for a server's nginx: a request with the canary's pin goes to the canary's PHP-FPM, all others to stable."""

from __future__ import annotations

import http.server
import re
import threading
from pathlib import Path

from actions.host.chom_host.base import Failed
from actions.host.chom_host.fastcgi import fastcgi


class Nginx(http.server.ThreadingHTTPServer):
    """Knows the pins that were in the file when it was started.

    `routes` false: somebody took the routing out. `stable` is what it answers: (status, page).
    """

    daemon_threads = True

    def __init__(self, pins: Path, socket: Path, link: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.socket_path, self.link, self.routes, self.stable = socket, link, True, (200, "stable")
        self.pins = dict(re.findall(r'^"([^"]+)" (\w+);$', pins.read_text(), re.M))
        self.heard: list[dict[str, str]] = []
        """The headers of each request."""
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no longer."""
        self.shutdown()
        self.server_close()
        self._thread.join()

    def page(self, path: str, pin: str) -> tuple[int, str]:
        """(status, body); 502 where the canary's PHP-FPM does not answer."""
        if not self.routes or self.pins.get(pin) != "canary":
            return self.stable
        public = self.link.resolve() / "public"
        asked = {
            "REQUEST_METHOD": "GET",
            "REQUEST_URI": path,
            "QUERY_STRING": path.partition("?")[2],
            "SCRIPT_NAME": "/index.php",
            "SCRIPT_FILENAME": str(public / "index.php"),
            "DOCUMENT_ROOT": str(public),
        }
        try:
            return fastcgi(str(self.socket_path), asked)
        except Failed:
            return 502, "Bad Gateway"


class _Talk(http.server.BaseHTTPRequestHandler):
    server: Nginx

    def do_GET(self) -> None:
        self.server.heard.append(dict(self.headers))
        status, body = self.server.page(self.path, self.headers.get("X-Chom-Pin", ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...
