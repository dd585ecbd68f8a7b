"""A server to deploy to: a real SSH server in a process of its own, with the real chom-host behind its forced command.

    async with TestServer(tmp_path / "app1") as server:
        hosts = server.hosts(open_artifact)
        await hosts.survey("app1")

Run as a script it is that server; `TestServer` starts it so. It ends when its parent does, so nothing is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import psutil

from actions.engine.fleet import Artifact
from actions.engine.ssh import SshHosts
from actions.engine.ssh_connect import HostLogin

CHOM_HOST = Path(__file__).parents[2] / "actions/host/chom_host.py"

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
        agent: Path = CHOM_HOST,
        agent_args: Sequence[str] | None = None,
        config: Mapping[str, object] | None = None,
        client_key: Path | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.name, self.root = directory, name, directory / "root"
        self.agent = agent
        self.config = directory / "host.json"
        self.agent_args = ("--config", str(self.config)) if agent_args is None else tuple(agent_args)
        self.port = 0
        self.client_key = client_key or _new_key(directory / "bot_key")
        self._host_key = _new_key(directory / "host_key")
        self._pinned = _public(self._host_key)
        self._sshd: subprocess.Popen[bytes] | None = None
        self.www, self.state, self.logs = self.root / "www", self.root / "state", self.root / "logs"
        for path in (self.www / "shared/storage", self.state, self.logs):
            path.mkdir(parents=True, exist_ok=True)
        paths = {"www": str(self.www), "state": str(self.state), "logs": str(self.logs)}
        self.config.write_text(json.dumps({**paths, **(config or {})}))

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
            "agent": [sys.executable, str(self.agent), *self.agent_args],
            "log": str(self.directory / "sshd.log"),
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
        return psutil.Process(self.pid).children()

    def freeze_agent(self) -> None:
        """Every chom-host that serves a session hangs; sshd is well."""
        for agent in self.agents():
            agent.suspend()

    def end_agents(self) -> None:
        """SIGKILL to every chom-host that serves a session, frozen ones too; the jobs go on."""
        for agent in self.agents():
            agent.kill()
            agent.wait(5)

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
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        self.end_jobs()


def _new_key(path: Path) -> Path:
    if not path.exists():
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(path))
    return path


def _public(path: Path) -> str:
    return asyncssh.read_private_key(str(path)).export_public_key().decode().strip()


def _spawn(told: Mapping[str, object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", __file__, json.dumps(told)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=Path(str(told["log"])).open("ab"),
        start_new_session=True,
    )


def _begin(agent: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Plain pipes: asyncssh's redirect from an asyncio.StreamReader breaks the connection once output backs up."""
    pipe = subprocess.PIPE
    return subprocess.Popen(agent, env=env, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0, start_new_session=True)


async def _session(process: asyncssh.SSHServerProcess[bytes], agent: Sequence[str]) -> None:
    """The forced command: whatever was asked for is only told to it, in SSH_ORIGINAL_COMMAND."""
    env = {**os.environ, "SSH_ORIGINAL_COMMAND": process.command or "", "SSH_CONNECTION": "127.0.0.1 1 127.0.0.1 22"}
    child = _begin(agent, env)
    await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr)
    status = await asyncio.to_thread(child.wait)
    with contextlib.suppress(OSError, asyncssh.Error):  # the client may be gone by now
        await process.stdout.drain()
        process.exit(status)


async def _serve(told: Mapping[str, object]) -> None:
    connections: set[asyncssh.SSHServerConnection] = set()

    class Server(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            connections.add(conn)
            self._conn = conn

        def connection_lost(self, exc: Exception | None) -> None:
            connections.discard(self._conn)

    def cut() -> None:
        for connection in list(connections):
            connection.abort()

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(100))  # one waits for each chom-host
    agent = list(told["agent"])  # type: ignore[call-overload]
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        int(str(told["port"])),
        server_factory=Server,
        server_host_keys=[str(told["host_key"])],
        authorized_client_keys=asyncssh.import_authorized_keys(str(told["authorized"])),
        process_factory=lambda process: _session(process, agent),
        encoding=None,
        reuse_address=True,
        keepalive_interval=5,
    )
    loop.add_signal_handler(signal.SIGUSR1, cut)
    sys.stdout.write(f"{acceptor.get_port()}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.buffer.read)  # ends when the parent does
    cut()
    acceptor.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
