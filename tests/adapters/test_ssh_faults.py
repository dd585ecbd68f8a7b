"""Every way in which a server can be down, somebody else's, replaced or broken gets a sentence, and soon."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import psutil
import pytest

from actions.engine.fleet import Artifact
from actions.engine.plan import Call
from actions.engine.ports import HostRefused, Job, LostJob, Unreachable
from actions.engine.ssh import LINE, LINES, SshHosts
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
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(0.3)
        server.freeze()
        began = time.monotonic()
        with pytest.raises(
            Unreachable, match=r"app1 does not answer: ssh ops@127\.0\.0\.1:\d+, the connection was lost"
        ):
            await following
        assert time.monotonic() - began < 7
        server.thaw()
        assert await hosts.raise_fence("app1", 3) == 3


async def test_a_frozen_chom_host_behind_a_live_sshd_is_found(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.engine.ssh.channel.QUIET", 0.4)
    monkeypatch.setattr("actions.engine.ssh.channel.DEAF", 0.6)
    async with peer("mute") as (server, hosts):
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(1.5)
        assert not following.done(), "a silent job is no dead chom-host: it answers when asked"
        server.freeze_agent()
        with pytest.raises(Unreachable, match="chom-host has not said a word for"):
            await asyncio.wait_for(following, 5)
        assert await hosts.raise_fence("app1", 3) == 3
        server.end_agents()


async def test_an_answer_that_never_comes_ends_at_its_deadline(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actions.engine.ssh.MARGIN", 0.2)
    async with peer("mute") as (_, hosts):
        with pytest.raises(Unreachable, match="no answer to “follow” within"):
            await asyncio.wait_for(hosts.run("app1", replace(JOB, timeout=0), unheard), 5)
        assert await hosts.raise_fence("app1", 3) == 3


async def test_a_wrong_host_key_is_said_with_both_fingerprints(peer: Peer) -> None:
    async with peer() as (server, _):
        mine, before = server.login.host_key, server.agents()
        other = asyncssh.generate_private_key("ssh-ed25519")
        login = replace(server.login, host_key=other.export_public_key().decode())
        hosts = SshHosts({"app1": login}, server.agent_sha256, no_artifacts)
        with pytest.raises(Unreachable) as caught:
            await hosts.survey("app1")
        shown = asyncssh.import_public_key(mine).get_fingerprint()
        assert f"its host key is {shown}, and {other.get_fingerprint()} is pinned" in str(caught.value)
        assert "may have been replaced" in caught.value.advice and "chom.toml" in caught.value.advice
        assert set(server.agents()) <= set(before), "nothing was asked of it"


async def test_a_server_with_another_kind_of_host_key_is_a_wrong_key_too(peer: Peer) -> None:
    async with peer() as (server, _):
        other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode()
        hosts = SshHosts({"app1": replace(server.login, host_key=other)}, server.agent_sha256, no_artifacts)
        with pytest.raises(
            Unreachable, match=f"its host key is {re.escape(server.login.fingerprint)}, and SHA256:.* is pinned"
        ):
            await hosts.survey("app1")


async def test_a_bot_key_the_server_does_not_know(peer: Peer, tmp_path: Path) -> None:
    async with peer() as (server, _):
        stranger = tmp_path / "stranger"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(stranger))
        hosts = SshHosts({"app1": replace(server.login, client_key=stranger)}, server.agent_sha256, no_artifacts)
        with pytest.raises(Unreachable, match=r"does not accept the bot's key.*chom-bot host install app1"):
            await hosts.survey("app1")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("missing", "the bot's own key .* cannot be read"),
        ("garbage", "a key cannot be read"),
        ("passphrase", "no passphrase"),
    ],
)
async def test_the_bots_own_key_is_broken(peer: Peer, tmp_path: Path, spoil: str, said: str) -> None:
    async with peer() as (server, _):
        key = tmp_path / "key"
        if spoil == "garbage":
            key.write_text("not a key")
        elif spoil == "passphrase":
            locked = asyncssh.generate_private_key("ssh-rsa", key_size=1024)
            locked.write_private_key(str(key), "pkcs8-pem", passphrase="x")
        hosts = SshHosts({"app1": replace(server.login, client_key=key)}, server.agent_sha256, no_artifacts)
        with pytest.raises(Unreachable, match=said):
            await hosts.survey("app1")


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


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [
        ("wrong agent", "wrong agent", "app1 runs another chom-host .* run `chom-bot host install app1`"),
        ("missing", "wrong agent", "app1 has no chom-host .*not found.* run `chom-bot host install app1`"),
        ("protocol 2", "protocol", "app1's chom-host speaks protocol 2, not 1: run `chom-bot host install app1`"),
    ],
)
async def test_another_chom_host_than_expected(peer: Peer, mode: str, code: str, said: str) -> None:
    async with peer(mode) as (_, hosts):
        with pytest.raises(HostRefused, match=said) as caught:
            await hosts.survey("app1")
        assert caught.value.code == code


ODD = [
    "not json",
    "no object",
    "no id",
    "unknown id",
    "id of another kind",
    "result is a list",
    "error without code",
    "error is a word",
    "line without offset",
    "endless line",
    "wrong shape",
]


@pytest.mark.parametrize("mode", ODD)
async def test_an_answer_that_makes_no_sense_is_refused(peer: Peer, mode: str) -> None:
    async with peer(mode) as (_, hosts):
        with pytest.raises(HostRefused, match="app1 does not speak as chom-host does") as caught:
            await hosts.survey("app1")
        assert caught.value.code == "protocol"
        with pytest.raises(Unreachable, match="Whether chg-aaaaaa/stage/forward ran there is unknown"):
            await hosts.run("app1", JOB, unheard)


async def test_a_fence_refusal_without_the_fence_is_nonsense(peer: Peer) -> None:
    async with peer("fenced without current") as (_, hosts):
        with pytest.raises(HostRefused, match="without the current fence"):
            await hosts.raise_fence("app1", 7)


async def test_a_job_that_began_and_cannot_be_followed_is_in_doubt(peer: Peer) -> None:
    async with peer("odd follow") as (_, hosts):
        with pytest.raises(Unreachable, match=r"no such job.*is unknown"):
            await hosts.run("app1", JOB, unheard)


async def test_a_lost_job_is_said_to_be_lost(peer: Peer) -> None:
    async with peer("lost") as (_, hosts):
        with pytest.raises(LostJob, match="app1 lost chg-aaaaaa/stage/forward"):
            await hosts.run("app1", JOB, unheard)


async def test_a_chom_host_that_dies_takes_only_what_was_asked_with_it(peer: Peer) -> None:
    async with peer("dies") as (_, hosts):
        for _ in range(2):
            with pytest.raises(Unreachable, match="chom-host ended with exit status 9, and said: out of memory"):
                await hosts.survey("app1")


async def test_100_mb_of_output_stay_out_of_memory(peer: Peer) -> None:
    heard: list[str] = []
    async with peer("flood") as (_, hosts):
        await hosts.hello("app1")
        me = psutil.Process()
        before = peak = me.memory_info().rss
        running = asyncio.create_task(hosts.run("app1", JOB, heard.append))
        while not running.done():
            peak = max(peak, me.memory_info().rss)
            await asyncio.wait((running,), timeout=0.02)
        result = await running
    assert result.summary == "flooded" and len(result.lines) == 20
    assert len(heard) == LINES + 1 and heard[-1] == (
        "… the rest is in /var/log/chom/deployment_20261123_222151.log on app1"
    )
    assert all(len(line) <= LINE for line in heard)
    grown = peak - before - sum(map(len, heard))
    assert grown < 32 << 20, f"{grown >> 20} MiB"


async def test_a_listener_that_fails_fails_its_own_request_only(peer: Peer) -> None:
    class Mine(Exception):
        pass

    def fail(line: str) -> None:
        raise Mine(line)

    async with peer("flood") as (_, hosts):
        with pytest.raises(Mine):
            await hosts.run("app1", JOB, fail)
        assert await hosts.raise_fence("app1", 9) == 9


async def test_closing_ends_what_waits(peer: Peer) -> None:
    async with peer("mute") as (_, hosts):
        following = asyncio.create_task(hosts.run("app1", JOB, unheard))
        await asyncio.sleep(0.3)
        await hosts.close()
        with pytest.raises(Unreachable, match="this bot closed the connection"):
            await following


@pytest.mark.parametrize(
    ("mode", "error", "said"),
    [
        ("put refuses early", HostRefused, "app1: 3 bytes are free and 9 are needed"),
        ("put dies", Unreachable, "the upload's session ended without an answer"),
        ("put says nonsense", HostRefused, "not JSON after an upload: 'thank you"),
    ],
)
async def test_an_upload_that_goes_wrong(
    peer: Peer, tmp_path: Path, mode: str, error: type[Exception], said: str
) -> None:
    file = tmp_path / "a.tar.gz"
    file.write_bytes(bytes(20_000_000))

    async def opened(_: Artifact) -> str:
        return str(file)

    sent: list[int] = []
    async with peer(mode, opened) as (_, hosts):
        with pytest.raises(error, match=said):
            await hosts.upload("app1", Artifact("v1", "c" * 40, "a" * 64, 20_000_000), lambda n, _: sent.append(n))
    if mode == "put refuses early":
        assert max(sent, default=0) < 20_000_000, "the rest was not sent"
