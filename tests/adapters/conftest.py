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
def shared_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    directory = tmp_path_factory.mktemp("peer")
    server = TestServer(directory, agent=PEER, agent_args=(str(directory / "mode"),))
    asyncio.run(server.__aenter__())
    yield server
    asyncio.run(server.__aexit__())


Peer = Callable[..., contextlib.AbstractAsyncContextManager[tuple[TestServer, SshHosts]]]


@pytest.fixture
def peer(shared_peer: TestServer) -> Peer:
    @contextlib.asynccontextmanager
    async def peer(
        mode: str = "well", open_artifact: OpenArtifact = no_artifacts
    ) -> AsyncIterator[tuple[TestServer, SshHosts]]:
        (shared_peer.directory / "mode").write_text(mode)
        hosts = shared_peer.hosts(open_artifact)
        try:
            yield shared_peer, hosts
        finally:
            await hosts.close()

    return peer


def unheard(line: str) -> None:
    raise AssertionError(line)


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestServer]:
    server = TestServer(tmp_path_factory.mktemp("ssh") / "app1")
    asyncio.run(server.__aenter__())
    yield server
    asyncio.run(server.__aexit__())


@pytest.fixture
def server(shared_server: TestServer) -> TestServer:
    shared_server.clean()
    return shared_server
