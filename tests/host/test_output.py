"""What a command prints is passed on line by line, cut where it never ends, and never fills the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from actions.host.chom_host import base, settings, work
from tests.host.server import Server

R1 = "20261121_100000"
JOB = "chg-7f3kq2/migrate/forward"


def test_endless_output_is_cut_and_fills_no_disk(server: Server) -> None:
    channel = server.channel()
    channel.run("chg-7f3kq2/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan("migrate", """
for _ in range(12): sys.stdout.write("x" * (1 << 20)); sys.stdout.flush(); time.sleep(0.02)
print("\\nMigrated:  2025_01_01_000000_create_notes (9ms)")
""")  # fmt: skip
    state = channel.run(JOB, "migrate", {"release": R1})
    log = server.state / "jobs" / JOB.replace("/", "~") / "log"
    assert state["ok"] and state["applied"] == ["2025_01_01_000000_create_notes"]
    assert log.stat().st_size <= work.MAX_LOG + base.LINE
    assert log.read_bytes().endswith(b"(more output was dropped)\n")
    assert max(map(len, log.read_bytes().splitlines())) <= base.LINE


def test_output_that_was_passed_on_is_given_back_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "MAX_RAW", 1000)
    raw, log = tmp_path / "raw", os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    fd = os.open(raw, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    where = settings.Settings(logs=str(tmp_path))
    at_work = work.Work(where, tmp_path, {"log": "operators", "job": "a/b"}, (), log)
    output, lines = work.Output(raw, fd), list[str]()
    for n in range(100):
        os.write(fd, b"line %d of a hundred\n" % n)
        output.pump(at_work, lines.append)
        assert raw.stat().st_size <= 1000
    output.pump(at_work, lines.append, last=True)
    os.close(log)
    assert lines == [f"line {n} of a hundred" for n in range(100)]
    assert (tmp_path / "log").read_text().splitlines() == lines and not raw.exists()
