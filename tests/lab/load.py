"""Users of the site: a few connections that never stop asking, and a count of what they were given.

`python load.py ADDRESS OUT [browsers]`: until SIGTERM; OUT is a JSON object, replaced every 0.2 s and at the end. As
browsers they ask once more, on a new connection, where a kept one was closed before an answer began (RFC 9112, 9.3.1);
else that is a failure too.
"""

from __future__ import annotations

import http.client
import json
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

CONNECTIONS = 4
PAUSE = 0.06
"""Seconds between two requests of a connection: about 50 requests a second in all, which leaves the bot its half."""


class Count:
    """What was answered; shared by the connections."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.served: Counter[str] = Counter()
        self.failures: list[str] = []
        self.orders: list[list[str]] = [[] for _ in range(CONNECTIONS)]
        """For each connection the versions that it was given one after the other."""

    def add(self, connection: int, status: int, body: str) -> None:
        word, _, version = body.partition(" ")
        with self.lock:
            if status != 200 or word != "CHOM" or not version:
                self.failures.append(f"{time.time():.2f} HTTP {status}: {body[:200]}")
                return
            self.served[version] += 1
            if self.orders[connection][-1:] != [version]:
                self.orders[connection].append(version)

    def failed(self, why: str) -> None:
        with self.lock:
            self.failures.append(f"{time.time():.2f} {why}")

    def write(self, out: Path) -> None:
        with self.lock:
            seen = {"served": self.served, "failures": self.failures, "orders": self.orders}
            text = json.dumps(seen)
        fresh = out.with_suffix(".part")
        fresh.write_text(text)
        fresh.replace(out)


def asked(connection: http.client.HTTPConnection, browser: bool) -> http.client.HTTPResponse:
    """One answer."""
    kept = connection.sock is not None
    try:
        connection.request("GET", "/")
        return connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
        if not (browser and kept):
            raise
        connection.close()
        connection.request("GET", "/")
        return connection.getresponse()


def ask(number: int, address: str, count: Count, stop: threading.Event, browser: bool) -> None:
    """One kept-alive connection, until told to stop."""
    connection = http.client.HTTPConnection(address, timeout=10)
    while not stop.wait(PAUSE):
        try:
            answer = asked(connection, browser)
            count.add(number, answer.status, answer.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as fault:
            count.failed(repr(fault))
            connection.close()
    connection.close()


def main(address: str, out: Path, browser: bool) -> None:
    """Ask until SIGTERM."""
    count, stop = Count(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    users = [
        threading.Thread(target=ask, args=(number, address, count, stop, browser)) for number in range(CONNECTIONS)
    ]
    for user in users:
        user.start()
    while not stop.wait(0.2):
        count.write(out)
    for user in users:
        user.join()
    count.write(out)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), "browsers" in sys.argv[3:])
