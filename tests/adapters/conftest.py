"""One real sshd a module, with a chom-host of the tests' own that behaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from actions.engine.plan import Call
from actions.engine.ports import Job
from actions.engine.ssh import SshHosts
from tests.support.sshd import OpenArtifact, TestServer, no_artifacts

PEER = Path(__file__).with_name("peer.py")
JOB = Job("chg-aaaaaa/stage/forward", Call("stage"), 1, 60, "deployment_20261123_222151")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    directory = tmp_path_factory.mktemp("peer")
    server = TestServer(directory, agent=PEER, agent_args=(str(directory / "mode"),))
    asyncio.run(server.__aenter__())
    yield server
    asyncio.run(server.__aexit__())


Peer = Callable[..., contextlib.AbstractAsyncContextManager[tuple[TestServer, SshHosts]]]


@pytest.fixture
def peer(shared: TestServer) -> Peer:
    @contextlib.asynccontextmanager
    async def peer(
        mode: str = "well", open_artifact: OpenArtifact = no_artifacts
    ) -> AsyncIterator[tuple[TestServer, SshHosts]]:
        (shared.directory / "mode").write_text(mode)
        hosts = shared.hosts(open_artifact)
        try:
            yield shared, hosts
        finally:
            await hosts.close()

    return peer


def unheard(line: str) -> None:
    raise AssertionError(line)
