"""The sandbox's processes: a real sshd with the forced command, a Redis that keeps its data, children that go."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import redis.asyncio

from bot.sandbox.child import Child, Kept
from bot.sandbox.keep import MARKER, Keep, NotASandbox, open_keep
from bot.sandbox.redis_server import Redis
from tests.support.sandbox import is_gone, until

FORCED = """
import hashlib, os, sys
asked = os.environ.get("SSH_ORIGINAL_COMMAND", "nothing")
if asked.startswith("sum"):
    total = hashlib.sha256()
    while data := sys.stdin.buffer.read(65536):
        total.update(data)
    print(total.hexdigest())
elif asked.startswith("pour"):
    for _ in range(int(asked.split()[1])):
        sys.stdout.buffer.write(bytes(65536))
elif asked == "stay":
    sys.stdout.write(f"{os.getpid()}\\n")
    sys.stdout.flush()
    sys.stdin.read()
else:
    sys.stderr.write(f"refused: {asked}; " + ",".join(sorted(os.environ)))
    sys.exit(77)
"""


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    return Keep(tmp_path)


class Machine:
    """An sshd whose forced command is FORCED."""

    def __init__(self, keep: Keep) -> None:
        self.root, self.port = keep.directory, keep.port("ssh")
        self.host_key, self.mine = keep.key(self.root / "host"), self.root / "mine"
        program = self.root / "forced.py"
        program.write_text(FORCED)
        spec = {
            "name": "staging",
            "port": self.port,
            "user": "ops",
            "host_key": str(self.root / "host"),
            "client_key": keep.key(self.mine),
            "command": [sys.executable, str(program)],
            "home": str(self.root),
        }
        (self.root / "sshd.json").write_text(json.dumps(spec))
        self.ready = asyncio.Event()
        command = [sys.executable, "-m", "bot.sandbox.sshd", str(self.root / "sshd.json")]
        self.child = Child(command, os.environ, lambda line: self.ready.set() if line == "ready" else None)

    def connect(self, user: str = "ops", key: Path | None = None):
        pin = asyncssh.import_known_hosts(f"[127.0.0.1]:{self.port} {self.host_key}\n")
        return asyncssh.connect(
            "127.0.0.1",
            self.port,
            username=user,
            client_keys=[str(key or self.mine)],
            known_hosts=pin,
            config=None,
            agent_path=None,
        )


@pytest.fixture
async def machine(keep: Keep) -> AsyncIterator[Machine]:
    machine = Machine(keep)
    await machine.child.start()
    await asyncio.wait_for(machine.ready.wait(), 15)
    yield machine
    await machine.child.stop(3)


async def test_every_session_is_the_forced_command_with_its_status_and_a_clean_environment(machine: Machine) -> None:
    async with machine.connect() as ssh:
        said = await ssh.run("rm -rf /")
        assert said.exit_status == 77
        assert said.stderr == "refused: rm -rf /; HOME,LANG,PATH,SSH_ORIGINAL_COMMAND"
        nothing = await ssh.run()
        assert (nothing.exit_status, str(nothing.stderr).startswith("refused: nothing")) == (77, True)
        with pytest.raises(asyncssh.ChannelOpenError):
            await ssh.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError):
            await ssh.open_connection("127.0.0.1", machine.port)
        with pytest.raises(asyncssh.ChannelOpenError):
            await ssh.run("x", term_type="xterm")


async def test_only_the_bots_key_as_ops_enters(machine: Machine, keep: Keep) -> None:
    keep.key(machine.root / "other")
    for user, key in (("root", machine.mine), ("ops", machine.root / "other")):
        with pytest.raises(asyncssh.PermissionDenied):
            async with machine.connect(user, key):
                pass


async def test_uploads_and_floods_pass_whole(machine: Machine) -> None:
    sent = os.urandom(1 << 20) * 8
    async with machine.connect() as ssh:
        done = await ssh.run("sum", input=sent, encoding=None)
        assert done.stdout == hashlib.sha256(sent).hexdigest().encode() + b"\n"
        poured = await ssh.run("pour 100", encoding=None)
        assert (len(poured.stdout or b""), poured.exit_status) == (100 * 65536, 0)


async def test_a_cut_ends_connections_and_their_programs_and_the_server_goes_on(machine: Machine) -> None:
    async with machine.connect() as ssh:
        staying = await ssh.create_process("stay")
        pid = int(await staying.stdout.readline())
        machine.child.signal(signal.SIGUSR1)
        assert (await asyncio.wait_for(staying.wait(), 5)).exit_status is None
        await until(lambda: is_gone(pid))
    async with machine.connect() as ssh:
        assert (await ssh.run("x")).exit_status == 77


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nonexistent"], ids=["from PATH", "the wheel's"])
async def test_redis_asks_for_its_password_and_forgets_nothing_by_kill_or_restart(
    keep: Keep, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path)
    server = Redis(keep, lambda line: None)
    await server.start()
    try:
        async with redis.asyncio.Redis.from_url(server.url) as client:
            assert (await client.config_get("appendonly"))["appendonly"] == "yes"
            await client.set("approved", "by lead")
        async with redis.asyncio.Redis(port=server.port, retry=None) as stranger:
            with pytest.raises(redis.exceptions.AuthenticationError):
                await stranger.get("approved")
        old, new = await server.crash()
        assert old != new
        await server.stop()
        again = Redis(Keep(keep.directory), lambda line: None)
        assert again.url == server.url
        await again.start()
        async with redis.asyncio.Redis.from_url(again.url) as client:
            assert await client.get("approved") == b"by lead"
        await again.stop()
    finally:
        await server.stop()
    assert (keep.directory / "redis-password").stat().st_mode & 0o077 == 0
    assert (keep.directory / "redis/redis.conf").stat().st_mode & 0o077 == 0


async def test_a_kept_child_comes_back_when_it_ends_and_at_once_when_it_is_replaced() -> None:
    lines: list[str] = []
    ends: list[int] = []
    program = "import os, time; print('up', os.getpid(), flush=True); time.sleep(60)"
    kept = Kept(Child([sys.executable, "-c", program], os.environ, lines.append), ends.append, delay=0.05)
    await kept.start()
    try:
        await until(lambda: len(lines) == 1)
        first = kept.child.pid
        os.kill(first, signal.SIGTERM)
        await until(lambda: len(lines) == 2)
        old, new = await kept.replace()
        assert (len({first, old, new}), ends) == (3, [-signal.SIGTERM, -signal.SIGKILL])
    finally:
        await kept.stop(1)
    assert not kept.child.running


async def test_children_die_with_a_sandbox_that_is_killed() -> None:
    program = (
        "import asyncio, os, sys\n"
        "from bot.sandbox.child import Child\n"
        "async def main():\n"
        "    child = Child(['sleep', '60'], os.environ, print)\n"
        "    await child.start()\n"
        "    print(child.pid, flush=True)\n"
        "    await child.wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    await until(lambda: is_gone(pid))


def test_a_directory_that_is_no_sandbox_is_left_alone_and_one_runs_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("precious")
    with pytest.raises(NotASandbox, match="nothing in it was deleted"), open_keep(tmp_path / "mine", reset=True):
        pass
    assert (tmp_path / "mine/thesis.txt").read_text() == "precious"
    with open_keep(tmp_path / "box", reset=False) as keep:
        keep.secret("word")
        with pytest.raises(NotASandbox, match="Another sandbox runs"), open_keep(tmp_path / "box", reset=True):
            pass
        assert (tmp_path / "box/word").exists()
    with open_keep(tmp_path / "box", reset=True):
        assert [entry.name for entry in (tmp_path / "box").iterdir()] == [MARKER]


def test_ports_and_secrets_are_the_same_after_a_restart_and_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    first = Keep(tmp_path)
    assert first.port("a") == Keep(tmp_path).port("a") == first.port("a") != first.port("b")
    assert first.secret("word") == Keep(tmp_path).secret("word")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first.port("a")))
        other.listen()
        assert first.port("a") == other.getsockname()[1]
        assert Keep(tmp_path).port("a") != other.getsockname()[1]
    assert first.socket("fpm").is_relative_to(tmp_path)
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    short = Keep(deep).socket("fpm")
    assert len(str(short)) < 100
    short.parent.rmdir()
