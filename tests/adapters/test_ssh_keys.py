"""A server that has another key, or does not know the bot's, gets a sentence that says whose key is what."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from actions.engine.ports import Unreachable
from actions.engine.ssh import SshHosts
from tests.adapters.conftest import Peer
from tests.support.sshd import no_artifacts


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
