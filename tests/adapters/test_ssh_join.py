"""Asking what became of a job without beginning it: the answer on which turning back stands, and what it wrote."""

from __future__ import annotations

from pathlib import Path

from actions.engine.plan import Call
from actions.engine.ports import Job, JobLog
from actions.engine.ssh.output import LastLines
from tests.support.sshd import TestServer, no_artifacts


async def test_a_job_is_joined_and_never_begun(tmp_path: Path) -> None:
    job = Job(
        "chg-aaaaaa/retain/forward", Call("prune", {"keep": 5, "protect": ()}), 1, 60, "deployment_20261123_222151"
    )
    async with TestServer(tmp_path / "app1") as server:
        hosts = server.hosts(no_artifacts)
        try:
            assert await hosts.join("app1", job, lambda line: None) is None
            assert await hosts.join("app1", job, lambda line: None) is None
            begun = await hosts.run("app1", job, lambda line: None)
            assert begun.ok
            assert await hosts.join("app1", job, lambda line: None) == begun
        finally:
            await hosts.close()


def test_of_a_long_output_the_end_is_kept_and_the_rest_is_counted() -> None:
    lines = LastLines(30)
    for number in range(1000):
        lines.add(f"line {number}")
    assert lines.log() == JobLog(("line 997", "line 998", "line 999"), 997)
    lines.add("ä" * 100)
    assert lines.log() == JobLog(("ä" * 100,), 1000)
