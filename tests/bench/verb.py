"""A verb through chom-host against bare asyncssh running `true`, both on a kept connection to the same OpenSSH sshd."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import asyncssh

from actions.engine.ssh import SshHosts
from actions.engine.ssh.connect import HostLogin
from tests.bench.ratio import Row
from tests.support.agent import AGENT_SHA256, agent
from tests.support.redis import free_port
from tests.support.sshd import no_artifacts

ROUNDS, CALLS = 9, 150
GOAL = 1.0


def _key(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


@contextmanager
def openssh(tmp: Path):
    """OpenSSH's sshd on loopback: the key `bot` meets the forced command, the key `free` a shell. Yields port, key."""
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/bin")
    if sshd is None:
        raise SystemExit("This row needs OpenSSH's sshd: apt-get install openssh-server")
    for name in ("www/releases", "state", "logs"):
        (tmp / name).mkdir(parents=True)
    settings = tmp / "host.json"
    settings.write_text(json.dumps({key: str(tmp / key) for key in ("www", "state", "logs")}))
    forced = f'command="{sys.executable} -IS {agent()} --config {settings}",restrict'
    (tmp / "authorized_keys").write_text(f"{forced} {_key(tmp / 'bot')}\nrestrict {_key(tmp / 'free')}\n")
    host_key, port = _key(tmp / "host"), free_port()
    Path("/run/sshd").mkdir(exist_ok=True)
    (tmp / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp}/host\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {tmp}/authorized_keys\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "SetEnv SHLVL=2\n"  # or bash reads this machine's .bashrc before `true`, which is not what is measured
    )
    process = subprocess.Popen([sshd, "-D", "-e", "-f", str(tmp / "sshd_config")], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.3)
        yield port, host_key
    finally:
        process.terminate()
        process.wait()


async def _calls(call: Callable[[], Awaitable[object]]) -> float:
    """The median of so many calls, in milliseconds."""
    took: list[float] = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        await call()
        took.append((time.perf_counter() - begun) * 1000)
    return median(took)


class _Agreed(logging.Handler):
    """What asyncssh and sshd agreed on, in the order of their connections."""

    def __init__(self) -> None:
        super().__init__()
        self.algorithms: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if found := re.search(r"(?:Key exchange|Encryption) alg: (\S+)", record.getMessage()):
            self.algorithms.append(found[1])


@contextmanager
def _agreed() -> Iterator[_Agreed]:
    """While connections are made; its logging costs time, so calls are measured outside."""
    handler, logger = _Agreed(), logging.getLogger("asyncssh")
    before, propagated = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    asyncssh.set_debug_level(2)
    try:
        yield handler
    finally:
        asyncssh.set_debug_level(1)
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagated


async def measure(tmp: Path) -> list[Row]:
    """Interleaved rounds: ours, `true`, `true` again."""
    with openssh(tmp) as (port, host_key):
        login = HostLogin("app1", "127.0.0.1", port, "root", host_key, tmp / "bot")
        hosts = SshHosts({"app1": login}, AGENT_SHA256, no_artifacts)
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {host_key}\n")
        with _agreed() as agreed:
            await hosts.raise_fence("app1", 1)
            free = await asyncssh.connect(
                "127.0.0.1", port, username="root", client_keys=[str(tmp / "free")], known_hosts=known, config=None,
                agent_path=None, encryption_algs=["aes128-gcm@openssh.com"],
            )  # fmt: skip
        ours: list[float] = []
        peer: list[float] = []
        again: list[float] = []
        async with free:
            await free.run("true", check=True)
            for _ in range(ROUNDS):
                ours.append(await _calls(lambda: hosts.raise_fence("app1", 1)))
                peer.append(await _calls(lambda: free.run("true", check=True)))
                again.append(await _calls(lambda: free.run("true", check=True)))
        await hosts.close()
    note = f"both: {', '.join(sorted(set(agreed.algorithms)))}"
    return [Row("a verb (fence) through chom-host / `true`", "ms", ours, peer, again, GOAL, note=note)]
