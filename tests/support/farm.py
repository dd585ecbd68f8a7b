"""Many servers to deploy to on one machine: real SSH, the real chom-host, a directory and a port for each.

    async with Farm(tmp_path, 30) as farm:
        hosts = farm.hosts(artifacts.open)
        await hosts.survey("app1")

Each serves v1.1 at first. What a server costs beside its work is small: see farm_process.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import asyncssh
import psutil

from actions.engine.ssh import CONNECTS, SshHosts
from actions.engine.ssh.connect import HostLogin
from tests.support.agent import AGENT_SHA256, agent
from tests.support.sshd import OpenArtifact

FIRST = "20261101_100000"
"""The release that each serves at first."""


class Farm:
    """So many servers, app1 and on, or from another number on, in `processes` processes.

    They let in whoever has `client_key`, or where that is None a key of the farm's own. `caches` are the artisan
    commands with which a release is staged.
    """

    def __init__(
        self,
        directory: Path,
        number: int,
        processes: int = 1,
        *,
        first: int = 1,
        client_key: Path | None = None,
        caches: Sequence[str] = (),
    ) -> None:
        self.directory, self._processes, self._caches = directory, processes, caches
        self.names = tuple(f"app{first + n}" for n in range(number))
        self._ports: dict[str, int] = {}
        self._running: list[subprocess.Popen[bytes]] = []
        self._sockets = Path(tempfile.mkdtemp(prefix="fpm-"))  # a socket's path must be short
        self._spent = directory / "spent"
        directory.mkdir(parents=True, exist_ok=True)
        self._client_key = client_key or directory / "bot_key"
        for key in ("host_key", "bot_key"):
            asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(directory / key))
        (directory / "sh").mkdir()
        (directory / "sh/php").touch(0o755)
        self.artisan({})
        for name in self.names:
            self._lay_out(name)

    def artisan(self, seconds: Mapping[str, float]) -> None:
        """How long each of their artisan commands waits from now on; it takes no processor. Another is done at once."""
        waits = "".join(f"{command}) exec sleep {wait} ;;\n" for command, wait in seconds.items())
        (self.directory / "sh/php").write_text(f'#!/bin/sh\ncase "$2" in\n{waits}esac\n')

    def root(self, name: str) -> Path:
        """Where the server's files lie."""
        return self.directory / name

    def served(self, name: str) -> str:
        """The id of the release it serves."""
        return (self.root(name) / "www/chom_current").resolve().name

    def _lay_out(self, name: str) -> None:
        root = self.root(name)
        release = root / "www/releases" / FIRST
        for path in (root / "www/shared/storage", root / "state", root / "logs", release / "public"):
            path.mkdir(parents=True)
        (root / "www/shared/.env").write_text("APP_ENV=production\n")
        (release / "artisan").touch()
        (release / "public/index.php").write_text("<?php // v1.1\n")
        about = {"id": FIRST, "version": "v1.1", "commit": "1" * 40, "sha256": "1" * 64}
        (release / ".chom-release.json").write_text(json.dumps(about))
        (root / "www/chom_current").symlink_to(f"releases/{FIRST}")
        (root / "state/activations.jsonl").write_text(json.dumps({"release": FIRST, "at": 1_760_000_000}) + "\n")
        paths = {key: str(root / key) for key in ("www", "state", "logs", "backups")}
        more = {
            "php": str(self.directory / "sh/php"),
            "fpm_socket": str(self._sockets / name),
            "caches": list(self._caches),
            "services": [],
        }
        (self._sockets / name).symlink_to("fpm")
        (root / "host.json").write_text(json.dumps({**paths, **more}))

    def logins(self) -> dict[str, HostLogin]:
        """How to reach each of them."""
        pinned = _public(self.directory / "host_key")
        return {
            name: HostLogin(name, "127.0.0.1", port, "ops", pinned, self._client_key)
            for name, port in self._ports.items()
        }

    def hosts(self, open_artifact: OpenArtifact, connects: int = CONNECTS) -> SshHosts:
        """A new SshHosts that knows all of them."""
        return SshHosts(self.logins(), AGENT_SHA256, open_artifact, connects=connects)

    def gone(self, name: str) -> int:
        """SshHosts that are made from now on ask where nobody listens; where the server is."""
        port, self._ports[name] = self._ports[name], 1
        return port

    def back(self, name: str, port: int) -> None:
        """It is where it was."""
        self._ports[name] = port

    @contextlib.contextmanager
    def unwell(self, name: str) -> Iterator[None]:
        """Its PHP-FPM is gone meanwhile."""
        (self._sockets / name).unlink()
        try:
            yield
        finally:
            (self._sockets / name).symlink_to("fpm")

    def spent(self) -> float:
        """Seconds of processor time that all servers have taken so far: sshd, chom-host, PHP-FPM, what jobs started.

        Who has ended has noted it; of who lives the kernel's clock is asked.
        """
        every = [psutil.Process(process.pid) for process in self._running]
        every += [child for process in every for child in process.children(recursive=True)]
        living = sum(_processor(process.pid) for process in every)
        return living + (sum(map(float, self._spent.read_text().split())) if self._spent.exists() else 0.0)

    async def __aenter__(self) -> Farm:
        for index in range(self._processes):
            names = self.names[index :: self._processes]
            self._ports |= dict(zip(names, await asyncio.to_thread(self._start, names), strict=True))
        return self

    def _start(self, names: tuple[str, ...]) -> list[int]:
        told = {
            "host_key": str(self.directory / "host_key"),
            "authorized": _public(self._client_key),
            "agent": str(agent()),
            "configs": [str(self.root(name) / "host.json") for name in names],
            "spent": str(self._spent),
            "fpm": "" if self._running else str(self._sockets / "fpm"),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.farm_process", json.dumps(told)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        self._running.append(process)
        assert process.stdout is not None
        return json.loads(process.stdout.readline())

    async def __aexit__(self, *_: object) -> None:
        for process in self._running:
            for child in psutil.Process(process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
            await asyncio.to_thread(process.wait)
            assert process.stdin is not None and process.stdout is not None
            process.stdin.close()
            process.stdout.close()
        ours = str(self.directory.resolve())
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and any(ours in part for part in process.cmdline()):
                    process.kill()
        shutil.rmtree(self._sockets)


def _processor(pid: int) -> float:
    """Seconds of processor time that a process's threads have taken, 0 where it has ended.

    Its clock is the one that clock_getcpuclockid gives, which Python does not have.
    """
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


def _public(path: Path) -> str:
    return asyncssh.read_private_key(str(path)).export_public_key().decode().strip()
