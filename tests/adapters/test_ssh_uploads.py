"""Uploads over a real SSH connection: whole or not there, sent once, and in nobody's way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from actions.engine.fleet import Artifact
from actions.engine.ports import HostRefused, Unreachable
from actions.engine.ssh import SshHosts
from tests.adapters.staging import shelf, until
from tests.support.sshd import TestServer


async def test_an_upload_with_another_sha256_is_refused_and_nothing_is_kept(server: TestServer, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"not what was announced")

    async def opened(artifact: Artifact) -> str:
        return str(file)

    hosts = server.hosts(opened)
    with pytest.raises(HostRefused, match=r"^app1: what arrived has the sha256 ") as caught:
        await hosts.upload("app1", Artifact("v1", "c" * 40, "a" * 64, 22), lambda n, total: None)
    assert caught.value.code == "wrong checksum"
    assert list((server.state / "incoming").iterdir()) == []
    await hosts.close()


async def test_an_artifact_that_lies_there_is_not_sent_again(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    artifact = await kept.resolve("v1.2")
    opened = 0

    async def count(wanted: Artifact) -> str:
        nonlocal opened
        opened += 1
        return await kept.open(wanted)

    hosts = server.hosts(count)
    for _ in range(3):
        sent: list[int] = []
        await hosts.upload("app1", artifact, lambda n, total, sent=sent: sent.append(n))
        assert sent == [artifact.size]
    assert opened == 1
    await hosts.close()


async def test_an_upload_that_is_cut_leaves_nothing_and_is_sent_again(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path, size=24 << 20)
    artifact = await kept.resolve("v1.2")
    hosts = server.hosts(kept.open)

    cuts: list[int] = []

    def cut(sent: int, total: int) -> None:
        if not cuts:
            cuts.append(sent)
            server.cut()

    with pytest.raises(Unreachable):
        await hosts.upload("app1", artifact, cut)
    await until(lambda: not list((server.state / "incoming").iterdir()))
    await hosts.upload("app1", artifact, lambda n, total: None)
    assert [file.stat().st_size for file in (server.state / "incoming").iterdir()] == [artifact.size]
    await hosts.close()


async def test_verbs_do_not_wait_behind_an_upload(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path, size=24 << 20)
    artifact = await kept.resolve("v1.2")
    hosts = server.hosts(kept.open)
    uploading = asyncio.create_task(hosts.upload("app1", artifact, lambda n, total: None))
    asked = 0
    while not uploading.done():
        async with asyncio.timeout(2):
            await hosts.survey("app1")
        asked += 1
    await uploading
    assert asked > 1
    await hosts.close()


async def test_an_upload_takes_the_session_that_was_opened_for_it(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    artifact = await kept.resolve("v1.2")
    hosts = server.hosts(kept.open)
    channel = await started(server, hosts)
    for _ in range(3):
        await hosts.expect_upload("app1")
    await until(lambda: len(server.agents()) > 1)
    (ahead,) = set(server.agents()) - {channel}
    await hosts.upload("app1", artifact, lambda n, total: None)
    await until(lambda: not ahead.is_running())
    assert server.agents() == [channel], "there was no other"
    await hosts.close()


async def test_a_session_that_ended_before_its_upload_is_nobodys_loss(server: TestServer, tmp_path: Path) -> None:
    kept = shelf(tmp_path)
    artifact = await kept.resolve("v1.2")
    hosts = server.hosts(kept.open)
    channel = await started(server, hosts)
    for seen in (True, False):
        await hosts.expect_upload("app1")
        await until(lambda: len(server.agents()) == 2)
        for agent in set(server.agents()) - {channel}:
            agent.kill()
        if seen:
            await until(lambda: len(server.agents()) == 1)
            await hosts.survey("app1")  # by its answer this bot has heard of the session's end, too
        await hosts.upload("app1", artifact, lambda n, total: None)
        assert [file.stat().st_size for file in (server.state / "incoming").iterdir()] == [artifact.size]
        next((server.state / "incoming").iterdir()).unlink()
    await hosts.close()


async def started(server: TestServer, hosts: SshHosts) -> psutil.Process:
    """The process of its channel."""
    await hosts.survey("app1")
    (channel,) = server.agents()
    return channel
