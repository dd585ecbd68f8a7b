"""Asking what became of a job without beginning it: the answer on which turning back stands."""

from __future__ import annotations

from pathlib import Path

from actions.engine.plan import Call
from actions.engine.ports import Job
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
