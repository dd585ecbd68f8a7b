"""A release is asked for its health through PHP-FPM before anybody is sent to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.host.fpm import Fpm
from tests.host.server import Channel, Server

R1 = "20261121_100000"


def test_health_asks_php_fpm_for_that_release(server: Server, channel: Channel, fpm: Callable[[Any], Fpm]) -> None:
    pool = fpm(lambda asked: b"Content-type: text/plain\r\n\r\nfine\n" + b"x" * 200_000)
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("run/health/forward", "health", {"release": R1, "path": "/health?deep=1"})
    assert state["summary"] == "/health?deep=1 of v1.0 answers HTTP 200" and state["lines"][0] == "fine"
    public = str((server.www / "releases" / R1 / "public").resolve())
    asked = pool.asked[0]
    assert (asked["SCRIPT_FILENAME"], asked["DOCUMENT_ROOT"]) == (f"{public}/index.php", public)
    assert (asked["REQUEST_URI"], asked["QUERY_STRING"], asked["HTTP_HOST"]) == (
        "/health?deep=1",
        "deep=1",
        "localhost",
    )
    assert (asked["REQUEST_METHOD"], asked["HTTPS"]) == ("GET", "on")


@pytest.mark.parametrize(
    ("reply", "why", "line"),
    [
        (b"Status: 503 Away\r\n\r\n<h1>down</h1>\nPASSWORD=hunter2 x", "answers HTTP 503", "<h1>down</h1>"),
        (b"Status: 302 Found\r\nLocation: /login\r\n\r\n", "answers HTTP 302", None),
        (b'Status: 503 x\r\n\r\n{"error": "no table  notes"}', "answers HTTP 503: no table notes", None),
        (b"Status: 500 x\r\n\r\n" + b"[" * 60_000, "answers HTTP 500: [[[", None),
        (b"", "answered nothing", None),
        (None, "closed the connection before the end", None),
    ],
    ids=["503", "redirect", "reason", "deep", "empty", "cut"],
)  # fmt: skip
def test_health_that_is_none(
    server: Server, channel: Channel, fpm: Callable[[Any], Fpm], reply: bytes | None, why: str, line: str | None
) -> None:
    fpm(lambda asked: reply)
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("run/health/forward", "health", {"release": R1, "path": "/health"})
    assert not state["ok"] and why in state["summary"]
    assert line is None or line in state["lines"]
    assert "hunter2" not in json.dumps(state) + server.log()


def test_health_without_php_fpm(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("run/health/forward", "health", {"release": R1, "path": "/"})
    assert not state["ok"] and "does not answer" in state["summary"]
