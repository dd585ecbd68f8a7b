"""What the bot sends past asyncssh is what asyncssh would have sent: every cipher, every size, across new keys."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import asyncssh
import pytest

from actions.engine.ssh import lean
from actions.engine.ssh.connect import CIPHERS
from actions.engine.ssh.reading import Reading
from actions.engine.ssh.upload import Uploads
from tests.support.sshd import TestServer


def test_it_was_written_after_the_asyncssh_that_is_locked() -> None:
    assert asyncssh.__version__ == lean.WRITTEN_AFTER, (
        "Compare SSHChannel.write, SSHChannel._flush_send_buf and SSHConnection.send_packet of both versions with"
        " actions/engine/ssh/lean.py, then name the new one there. Until then uploads take asyncssh's own way."
    )


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize("size", [1, 32_767, 3_000_001])
async def test_what_arrives_is_what_was_sent(server: TestServer, tmp_path: Path, cipher: str, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "file").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()
    async with asyncssh.connect(
        "127.0.0.1",
        server.port,
        username="ops",
        known_hosts=None,
        client_keys=[str(server.client_key)],
        encryption_algs=[cipher],
        rekey_bytes=1 << 20,
    ) as connection:
        before = connection.get_extra_info("send_cipher")
        assert before == cipher
        lean.leave_out_ignored(connection)
        file = Reading(str(tmp_path / "file"))
        await Uploads(connection).put(file, sha256, lambda sent, total: None)
        await file.close()
    assert (server.state / "incoming" / f"{sha256}.tar.gz").read_bytes() == data
