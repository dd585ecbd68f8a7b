"""100 MB to the server: the bot's upload, checked there by its sha256, against scp on a connection that it keeps."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import time
from pathlib import Path

from actions.engine.fleet import Artifact
from actions.engine.ssh import SshHosts
from actions.engine.ssh.connect import HostLogin
from actions.host import packed
from tests.bench.deploy.host import Ground, environment
from tests.bench.ratio import Row

SIZE = 100_000_000
ROUNDS = 25
GOAL = 1.05


def rows(ground: Ground, key: Path) -> list[Row]:
    """One row; `key` is the bot's."""
    file = ground.directory / "upload"
    body = random.Random(4).randbytes(SIZE)
    file.write_bytes(body)
    return [asyncio.run(_measure(ground, key, file, hashlib.sha256(body).hexdigest()))]


async def _measure(ground: Ground, key: Path, file: Path, sha256: str) -> Row:
    async def path(_: Artifact) -> str:
        return str(file)

    login = HostLogin("app1", ground.vps.address, 22, "ops", ground.vps.host_key(), key)
    hosts = SshHosts({"app1": login}, hashlib.sha256(packed()).hexdigest(), path)
    took: tuple[list[float], list[float], list[float]] = ([], [], [])
    scp = ["-F", str(ground.config), "-o", f"ControlPath={ground.directory}/scp-master"]
    _run(["ssh", *scp, "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-Nf", "app1"])
    try:
        for turn in range(ROUNDS + 1):
            artifact = Artifact("v1", "0" * 40, sha256, SIZE)
            for way in sorted(range(3), key=lambda one: (one + turn) % 3):
                ground.vps.ssh("rm -f /var/lib/chom-host/incoming/*.tar.gz /home/deploy/upload; sync")
                os.sync()
                begun = time.perf_counter()
                if way == 0:
                    await hosts.upload("app1", artifact, lambda sent, size: None)
                else:
                    await asyncio.to_thread(_run, ["scp", *scp, "-q", str(file), "app1:upload"])
                if turn:
                    took[way].append(time.perf_counter() - begun)
    finally:
        await hosts.close()
        _run(["ssh", *scp, "-O", "exit", "app1"])
    return Row("100 MB up / scp on a kept connection", "s", *took, GOAL, note="both: aes128-gcm@openssh.com")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, env=environment({}), stdin=subprocess.DEVNULL, capture_output=True)
