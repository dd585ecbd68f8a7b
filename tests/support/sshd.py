"""A server to deploy to: a real SSH server in a process of its own, with the real chom-host behind its forced command.

    async with TestServer(tmp_path / "app1") as server:
        hosts = server.hosts(artifacts.open)
        await hosts.survey("app1")
        assert server.effects() == []

php (tests/support/php.py) and FPM (fpm.py) are stand-ins; releases.py makes artifacts that they understand.
It ends when its parent does, so nothing is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import asyncssh
import psutil

from actions.engine.fleet import Artifact
from actions.engine.ssh import SshHosts
from actions.engine.ssh.connect import HostLogin
from tests.support.agent import agent as chom_host
from tests.support.fpm import Fpm

OpenArtifact = Callable[[Artifact], Awaitable[str]]


async def no_artifacts(artifact: Artifact) -> str:
    """For tests that upload nothing."""
    raise AssertionError(f"nobody was to open {artifact.version}")


class TestServer:
    """One server below `directory`: its files in `root`, its keys and its host.json beside them.

    `login` says how to reach it; `agent_sha256` is what SshHosts has to expect. What happens to servers happens here
    too: `freeze`/`thaw` (sshd stops answering but the kernel keeps the connection), `freeze_agent` (only chom-host
    hangs), `cut` (every connection breaks, jobs go on), `kill`/`start` (sshd is gone; jobs go on; the same port again),
    `new_host_key` (another machine in its place).
    """

    __test__ = False

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "app1",
        agent: Path | None = None,
        agent_args: Sequence[str] | None = None,
        config: Mapping[str, object] | None = None,
        client_key: Path | None = None,
        nursery: bool = False,
    ) -> None:
        """Where it has a `nursery`, chom-host is forked for each session and not started, which takes 0.15 s less."""
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.name, self.root = directory, name, directory / "root"
        self.agent = agent or chom_host()
        self.config = directory / "host.json"
        self.agent_args = ("--config", str(self.config)) if agent_args is None else tuple(agent_args)
        self.port = 0
        self.client_key = client_key or _new_key(directory / "bot_key")
        self._host_key = _new_key(directory / "host_key")
        self._pinned = _public(self._host_key)
        self._sshd: subprocess.Popen[bytes] | None = None
        self.www, self.state, self.logs = self.root / "www", self.root / "state", self.root / "logs"
        self._fpm: Fpm | None = None
        self._socket = Path(tempfile.gettempdir()) / f"fpm-{uuid.uuid4().hex[:12]}"  # a socket's path must be short
        self._settings = dict(config or {})
        self._nursery = nursery
        self._lay_out()

    def _lay_out(self) -> None:
        for path in (self.www / "shared/storage", self.state, self.logs, self.root / "bin"):
            path.mkdir(parents=True, exist_ok=True)
        database = self.root / "database.sqlite"
        database.touch()
        (self.www / "shared/.env").write_text(f"DB_CONNECTION=sqlite\nDB_DATABASE={database}\n")
        php = shlex.join([sys.executable, "-ISP", str(Path(__file__).with_name("php.py")), str(self.root)])
        effects = shlex.quote(str(self.root / "effects"))
        scripts = {
            "php": f'exec {php} "$@"',
            "sudo": 'shift\n[ "$1" = -l ] && exit 0\nexec "$@"',
            "systemctl": f'echo "$@" >> {effects}',
        }
        for name, text in scripts.items():
            script = self.root / "bin" / name
            script.write_text(f"#!/bin/sh\n{text}\n")
            script.chmod(0o755)
        paths = {
            "backups": self.root / "backups",
            "www": self.www,
            "state": self.state,
            "logs": self.logs,
            "fpm_socket": self._socket,
        }
        paths |= {name: self.root / "bin" / name for name in scripts}
        told = {key: str(path) for key, path in paths.items()}
        self.config.write_text(json.dumps({**told, **self._settings}))

    def clean(self) -> None:
        """A new server behind the same sshd: nothing deployed, fence 0. No job may be running."""
        self.end_agents()
        shutil.rmtree(self.root)
        self._lay_out()

    def effects(self) -> list[str]:
        """What happened on this server, each once: "migrated NAME", "config:cache RELEASE", "reload SERVICE"."""
        path = self.root / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def served(self) -> str:
        """The id of the release it serves, "" for none."""
        link = self.www / "chom_current"
        return link.resolve().name if link.is_symlink() else ""

    @property
    def agent_sha256(self) -> str:
        """Of the chom-host that answers here."""
        return hashlib.sha256(self.agent.read_bytes()).hexdigest()

    @property
    def login(self) -> HostLogin:
        """How to reach it, with the host key it had at first as the pinned one."""
        return HostLogin(self.name, "127.0.0.1", self.port, "ops", self._pinned, self.client_key)

    @property
    def pid(self) -> int:
        """Of sshd."""
        assert self._sshd is not None, "the server is not running"
        return self._sshd.pid

    def hosts(self, open_artifact: OpenArtifact = no_artifacts) -> SshHosts:
        """A new SshHosts that knows this server only."""
        return SshHosts({self.name: self.login}, self.agent_sha256, open_artifact)

    async def start(self) -> None:
        """Start sshd, on the port it had before if it had one."""
        told = {
            "port": self.port,
            "host_key": str(self._host_key),
            "authorized": _public(self.client_key),
            "agent": [sys.executable, "-ISXutf8", str(self.agent), *self.agent_args],
            "log": str(self.directory / "sshd.log"),
            "slow": str(self.directory / "session-takes"),
            "nursery": self._nursery and self.agent == chom_host(),
        }
        self._sshd = await asyncio.to_thread(_spawn, told)
        assert self._sshd.stdout is not None
        said = await asyncio.to_thread(self._sshd.stdout.readline)
        assert said.strip(), f"sshd did not start: {(self.directory / 'sshd.log').read_text()}"
        self.port = int(said)

    async def kill(self) -> None:
        """SIGKILL to sshd; what chom-host began goes on."""
        sshd, self._sshd = self._sshd, None
        if sshd is not None:
            assert sshd.stdin is not None and sshd.stdout is not None
            sshd.kill()
            await asyncio.to_thread(sshd.wait)
            sshd.stdin.close()
            sshd.stdout.close()

    def freeze(self) -> None:
        """sshd answers nothing, not even keepalives."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """sshd goes on where it was."""
        os.kill(self.pid, signal.SIGCONT)

    def cut(self) -> None:
        """Every connection breaks at once; new ones are let in."""
        os.kill(self.pid, signal.SIGUSR1)

    def agents(self) -> list[psutil.Process]:
        """The chom-host processes that serve a session now."""
        found: list[psutil.Process] = []
        for child in psutil.Process(self.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
                found += child.children() if any("nursery.py" in word for word in child.cmdline()) else [child]
        return found

    def freeze_agent(self) -> None:
        """Every chom-host that serves a session hangs; sshd is well."""
        for agent in self.agents():
            with contextlib.suppress(psutil.NoSuchProcess):
                agent.suspend()

    def end_agents(self) -> None:
        """SIGKILL to every chom-host that serves a session, frozen ones too; the jobs go on."""
        for agent in self.agents():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
                agent.kill()
                agent.wait(60)

    def new_host_key(self) -> None:
        """From the next start on the server has another key; the pinned one stays as it was."""
        self._host_key = _new_key(self.directory / "other_host_key")

    def end_jobs(self) -> None:
        """Kill the processes that were started from this directory: its jobs outlive everything else."""
        ours = str(self.directory.resolve())
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and any(ours in part for part in process.cmdline()):
                    process.kill()

    async def __aenter__(self) -> TestServer:
        self._fpm = Fpm(self._socket)
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self.end_jobs()
        if self._fpm is not None:
            await asyncio.to_thread(self._fpm.close)
            self._socket.unlink(missing_ok=True)


def _new_key(path: Path) -> Path:
    if not path.exists():
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(path))
        path.chmod(0o600)
    return path


def _public(path: Path) -> str:
    return asyncssh.read_private_key(str(path)).export_public_key().decode().strip()


def _spawn(told: Mapping[str, object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("sshd_process.py")), json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=Path(str(told["log"])).open("ab"),
        start_new_session=True,
    )
