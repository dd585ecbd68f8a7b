"""An artifact comes in whole and as it was announced, in a session of its own or in one that was opened ahead."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import pytest

from tests.host.server import AGENT, Server

SHA = "0" * 64


@pytest.mark.parametrize(
    ("size", "data", "code"),
    [
        (5, b"abcd", "wrong size"),
        (3, b"abc", "wrong checksum"),
        (3 << 30, b"", "too large"),
        (10**15, b"", "too large"),
    ],
)
def test_an_upload_that_is_not_what_was_announced(server: Server, size: int, data: bytes, code: str) -> None:
    status, answer = server.enter(f"put {SHA} {size}", data)
    assert (status, answer["error"]["code"]) == (1, code)
    assert answer["error"]["message"]
    assert list((server.state / "incoming").iterdir()) == []
    assert code in server.log("chom-host")


def test_a_session_that_was_opened_ahead(server: Server) -> None:
    data = os.urandom(100_000)
    sha256 = hashlib.sha256(data).hexdigest()
    for stored in (True, False):
        assert server.enter("put", b"%b %d\n" % (sha256.encode(), len(data)) + data) == (
            0,
            {"result": {"sha256": sha256, "bytes": len(data), "stored": stored}},
        )
    assert server.enter("put", b"%b 3\nabc" % SHA.encode())[1]["error"]["code"] == "wrong checksum"


@pytest.mark.parametrize("line", [b"id\n", b"channel\n", b"../x 3\nabc", b"\xff\n", b"0" * 200, SHA.encode() + b" 0\n"])
def test_what_it_is_told_may_be_an_upload_and_nothing_else(server: Server, line: bytes) -> None:
    status, answer = server.enter("put", line)
    assert (status, answer["error"]["code"]) == (77, "refused")
    assert not server.state.exists(), "nothing was made for it"


def test_it_ends_with_nothing_said_where_nothing_comes(server: Server) -> None:
    process = server.start("put")
    assert process.communicate(b"", timeout=30) == (b"", b"") and process.returncode == 0
    waits = "from chom_host import uploads; uploads.AHEAD = 0.1; print(repr(uploads.announced()))"
    env = {"PYTHONPATH": str(AGENT)}
    with subprocess.Popen(
        [sys.executable, "-c", waits], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as late:
        assert late.stdout is not None and late.stdout.read() == b"''\n"


def test_an_upload_that_does_not_fit(server: Server) -> None:
    server.settings(max_artifact=1 << 60)
    status, answer = server.enter(f"put {SHA} {10**15}")
    assert (status, answer["error"]["code"]) == (1, "disk full")


def test_an_upload_that_breaks_off_leaves_nothing(server: Server) -> None:
    data = os.urandom(2_000_000)
    process = server.start(f"put {hashlib.sha256(data).hexdigest()} {len(data)}")
    assert process.stdin is not None
    process.stdin.write(data[:1_500_000])
    out, _ = process.communicate(timeout=30)
    assert json.loads(out)["error"]["code"] == "wrong size"
    assert list((server.state / "incoming").iterdir()) == []


def test_two_uploads_of_the_same_at_once(server: Server) -> None:
    data = os.urandom(1_000_000)
    sha256 = hashlib.sha256(data).hexdigest()
    both = [server.start(f"put {sha256} {len(data)}") for _ in range(2)]
    for process in both:
        assert process.stdin is not None
        process.stdin.write(data[:500_000])
        process.stdin.flush()
    for process in both:
        out, _ = process.communicate(data[500_000:], timeout=30)
        assert "result" in json.loads(out)
    assert [path.name for path in (server.state / "incoming").iterdir()] == [f"{sha256}.tar.gz"]
