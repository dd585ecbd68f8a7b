"""100 MB to the server, checked there by its sha256: the bot's upload against scp on a connection that it keeps, which
checks nothing, and against scp and the sha256sum that it needs to know as much.

As in a deploy the server hears of an upload when it is asked for, so that chom-host has started when it is approved.
"""

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
ROUNDS = 80
GOAL, CHECKED = 1.05, 1.0
AHEAD = 0.3
"""Seconds at least between what was asked for and its approval; every way begins after the same pause."""


def rows(ground: Ground, key: Path) -> list[Row]:
    """Two rows; `key` is the bot's."""
    file = ground.directory / "upload"
    body = random.Random(4).randbytes(SIZE)
    file.write_bytes(body)
    return asyncio.run(_measure(ground, key, file, hashlib.sha256(body).hexdigest()))


async def _measure(ground: Ground, key: Path, file: Path, sha256: str) -> list[Row]:
    async def path(_: Artifact) -> str:
        return str(file)

    login = HostLogin("app1", ground.vps.address, 22, "ops", ground.vps.host_key(), key)
    hosts = SshHosts({"app1": login}, hashlib.sha256(packed()).hexdigest(), path)
    took: list[list[float]] = [[] for _ in range(5)]
    scp = ["-F", str(ground.config), "-o", f"ControlPath={ground.directory}/scp-master"]
    _run(["ssh", *scp, "-o", "ControlMaster=yes", "-o", "ControlPersist=60", "-Nf", "app1"])
    try:
        for turn in range(ROUNDS + 1):
            artifact = Artifact("v1", "0" * 40, sha256, SIZE)
            for way in sorted(range(len(took)), key=lambda one: (one + turn) % len(took)):
                if way == 0:
                    await hosts.expect_upload("app1")
                await asyncio.sleep(AHEAD)
                ground.vps.ssh("rm -f /var/lib/chom-host/incoming/*.tar.gz /home/deploy/upload; sync")
                os.sync()
                begun = time.perf_counter()
                if way == 0:
                    await hosts.upload("app1", artifact, lambda sent, size: None)
                else:
                    await asyncio.to_thread(_run, ["scp", *scp, "-q", str(file), "app1:upload"])
                    if way > 2:
                        await asyncio.to_thread(_run, ["ssh", *scp, "app1", f"echo {sha256} upload | sha256sum -c"])
                if turn:
                    took[way].append(time.perf_counter() - begun)
    finally:
        await hosts.close()
        _run(["ssh", *scp, "-O", "exit", "app1"])
    ours, one, again, checked, checked_again = took
    note = "both: aes128-gcm@openssh.com"
    return [
        Row("100 MB up / scp on a kept connection", "s", ours, one, again, GOAL, note=note),
        Row("100 MB up / scp and sha256sum on it", "s", ours, checked, checked_again, CHECKED, note=note),
    ]


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, env=environment({}), stdin=subprocess.DEVNULL, capture_output=True)
