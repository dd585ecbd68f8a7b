"""A server that is down, frozen, silent or slow is found out soon, and holds up nobody else."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from actions.engine.ports import Unreachable
from actions.engine.ssh import SshHosts
from tests.adapters.conftest import JOB, PEER, Peer, unheard
from tests.support.sshd import TestServer, no_artifacts


async def test_100_requests_at_once_share_one_connection_and_one_channel(peer: Peer) -> None:
    async with peer() as (server, hosts):
        answers = await asyncio.gather(*(hosts.raise_fence("app1", n) for n in range(1, 101)))
        assert answers == list(range(1, 101))
        assert len(server.agents()) == 1


async def test_a_server_that_is_slow_to_open_a_session_is_not_given_up(peer: Peer) -> None:
    """As OpenSSH is while PAM and systemd make a session for the login: longer than keepalives would wait."""
    async with peer() as (server, hosts):
        slow = server.directory / "session-takes"
        slow.write_text("5")
        try:
            await hosts.hello("app1")
        finally:
            slow.unlink()


async def test_small_requests_are_not_held_back_by_nagle(peer: Peer) -> None:
    async with peer() as (_, hosts):
        await hosts.hello("app1")
        link = await hosts._kept["app1"].link()
        sock = link.connection.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        assert link.connection.get_extra_info("send_cipher") == "aes128-gcm@openssh.com"


async def test_a_frozen_server_is_found_within_seconds(peer: Peer) -> None:
    async with peer("mute") as (server, hosts):
        await hosts.hello("app1")
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(0.3)
        server.freeze()
        began = time.monotonic()
        with pytest.raises(
            Unreachable, match=r"app1 does not answer: ssh ops@127\.0\.0\.1:\d+, the connection was lost"
        ):
            await following
        assert time.monotonic() - began < 10
        server.thaw()
        assert await hosts.raise_fence("app1", 3) == 3


async def test_a_frozen_chom_host_behind_a_live_sshd_is_found(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.engine.ssh.channel.QUIET", 0.3)
    monkeypatch.setattr("actions.engine.ssh.channel.DEAF", 1.0)
    async with peer("mute") as (server, hosts):
        await hosts.hello("app1")
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(1.8)
        assert not following.done(), "a silent job is no dead chom-host: it answers when asked"
        server.freeze_agent()
        with pytest.raises(Unreachable, match="chom-host has not said a word for"):
            await asyncio.wait_for(following, 60)
        assert await hosts.raise_fence("app1", 3) == 3
        server.end_agents()


async def test_an_answer_that_never_comes_ends_at_its_deadline(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.engine.ssh.MARGIN", 0.2)
    async with peer("mute") as (_, hosts):
        await hosts.hello("app1")
        with pytest.raises(Unreachable, match=r"no answer to “follow” within 0\.2 s"):
            await asyncio.wait_for(hosts.run("app1", replace(JOB, timeout=0), unheard), 60)
        assert await hosts.raise_fence("app1", 3) == 3


async def test_nobody_listens(peer: Peer) -> None:
    async with peer() as (server, hosts):
        await server.kill()
        with pytest.raises(Unreachable) as caught:
            await hosts.survey("app1")
        assert str(caught.value) == (
            f"app1 does not answer: ssh ops@127.0.0.1:{server.port}, connection refused. "
            f"Is sshd running there, and is {server.port} its port?"
        )
        await server.start()
        assert await hosts.raise_fence("app1", 2) == 2


async def test_a_port_that_accepts_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = TestServer(tmp_path, agent=PEER)
        server.port = silent.getsockname()[1]
        monkeypatch.setattr("actions.engine.ssh.connect.CONNECT", 0.5)
        hosts = server.hosts()
        with pytest.raises(Unreachable, match=r"no answer within 0\.5 s\. Is the server up"):
            await hosts.survey("app1")


async def test_a_frozen_sshd_takes_no_place_from_the_others(peer: Peer) -> None:
    async with peer() as (server, _):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            frozen = replace(server.login, name="app2", port=silent.getsockname()[1])
            logins = {"app1": server.login, "app2": frozen}
            hosts = SshHosts(logins, server.agent_sha256, no_artifacts, connects=1)
            waiting = asyncio.create_task(hosts.hello("app2"))
            line, _ = await asyncio.to_thread(silent.accept)
            await hosts.hello("app1")
            assert not waiting.done(), "the only place was free, although app2 is waited for"
            await hosts.close()
            with pytest.raises(Unreachable, match="this bot closed the connection"):
                await waiting
            line.close()


async def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    server = TestServer(tmp_path, agent=PEER)
    login = replace(server.login, address="no-such-host.invalid", port=22)
    with pytest.raises(Unreachable, match=r"the name is not known\. Look at the address of app1 in chom\.toml"):
        await SshHosts({"app1": login}, server.agent_sha256, no_artifacts).survey("app1")


async def test_many_callers_of_a_dead_host_make_one_attempt(tmp_path: Path) -> None:
    attempts = 0

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with listening:
        server = TestServer(tmp_path, agent=PEER)
        server.port = listening.sockets[0].getsockname()[1]
        hosts = server.hosts()
        answers = await asyncio.gather(*(hosts.survey("app1") for _ in range(50)), return_exceptions=True)
        assert all(isinstance(answer, Unreachable) for answer in answers)
        assert attempts == 1
        began = time.monotonic()
        for _ in range(3):
            with pytest.raises(Unreachable):
                await hosts.survey("app1")
        assert attempts == 4 and time.monotonic() - began > 1.0, "attempts keep their distance"


async def test_closing_ends_what_waits(peer: Peer) -> None:
    async with peer("mute") as (_, hosts):
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(0.3)
        await hosts.close()
        with pytest.raises(Unreachable, match="this bot closed the connection"):
            await following
