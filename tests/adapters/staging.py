"""v1.2 on its way to a real chom-host: a source that has it, its jobs, and a server on which it is staged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from actions.engine.artifacts import CachedArtifacts, artifacts
from actions.engine.fleet import Artifact
from actions.engine.plan import Arg, Call
from actions.engine.ports import Job
from actions.engine.ssh import SshHosts
from tests.support import releases
from tests.support.sshd import TestServer

ID = "20261123_222151"


def job(verb: str, fence: int = 1, timeout: int = 60, way: str = "forward", **args: Arg) -> Job:
    return Job(f"chg-aaaaaa/{verb}/{way}", Call(verb, args), fence, timeout, f"deployment_{ID}")


def shelf(directory: Path, migrations: Mapping[str, str] | None = None, size: int = 0) -> CachedArtifacts:
    data = releases.release("v1.2", migrations, size=size)
    return artifacts(str(releases.source(directory / "source", {"v1.2": data})), directory / "cache")


async def staged(server: TestServer, kept: CachedArtifacts) -> tuple[SshHosts, Artifact]:
    """The hosts, with v1.2 uploaded and staged."""
    hosts, artifact = server.hosts(kept.open), await kept.resolve("v1.2")
    await hosts.upload("app1", artifact, lambda sent, total: None)
    stage = job("stage", release=ID, version="v1.2", commit=artifact.commit, sha256=artifact.sha256)
    result = await hosts.run("app1", stage, lambda line: None)
    assert result.ok, result
    return hosts, artifact


async def until(holds: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110  what it waits for happens in other processes
            await asyncio.sleep(0.02)
