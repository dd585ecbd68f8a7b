"""A server of the sandbox: its directory tree as on a real one, its sshd, its shop, and how it can be made to fail."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import sys
from enum import StrEnum
from pathlib import Path

from actions.host import packed
from bot.sandbox import disk as disk_
from bot.sandbox import php
from bot.sandbox.child import Child, OnLine
from bot.sandbox.fastcgi import Fpm
from bot.sandbox.keep import Keep
from bot.sandbox.prometheus import Series
from bot.sandbox.shop import Shop
from bot.sandbox.slack.errors import Json
from bot.sandbox.traffic import Customers

USER = "ops"


class Reach(StrEnum):
    """How the bot's machine reaches the server's sshd; its customers, jobs and shop never notice."""

    UP = "up"
    FROZEN = "frozen"
    """Connections stand, and nothing answers."""
    DOWN = "down"
    """Connections are refused."""


class NoServer(Exception):
    """The server does not come up; the message is a sentence."""


def _script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


class Server:
    """One machine. `name` is the host's and its environment's."""

    def __init__(self, name: str, keep: Keep, client_key: str, on_line: OnLine) -> None:
        self.name, self.environment = name, name
        self.root = keep.directory / name
        self.ssh_port, self._client_key = keep.port(f"{name}-ssh"), client_key
        self.host_key = keep.key(self.root / "ssh_host_ed25519_key")
        self.shop = Shop(name, self.root / "www/chom", keep.port(f"{name}-shop"))
        self.fpm = Fpm(name, keep.socket(f"{name}-fpm"))
        self.customers = Customers(self.shop.url)
        self.reach = Reach.UP
        self._listening, self._on_line = asyncio.Event(), on_line
        self._recovery: asyncio.Task[None] | None = None
        self._full = self.root / "disk-is-full"
        self._emptying: asyncio.TimerHandle | None = None
        self._lay_out()
        spec = [sys.executable, "-m", "bot.sandbox.sshd", str(self.root / "sshd.json")]
        self.sshd = Child(spec, os.environ, self._heard)

    @property
    def command(self) -> tuple[str, ...]:
        """The forced command: the real chom-host on this machine's disk, with this machine's paths."""
        disk = (str(Path(disk_.__file__).absolute()), str(self._full))
        program = (str(self.root / "bin/chom-host"), "--config", str(self.root / "host.json"))
        return (sys.executable, "-ISXutf8", *disk, *program)

    def _lay_out(self) -> None:
        """The tree, and host.json; what is there already stays."""
        self._full.unlink(missing_ok=True)
        for directory in ("bin", "www/releases", "www/shared/storage/framework", "state", "logs"):
            (self.root / directory).mkdir(parents=True, exist_ok=True)
        database = self.root / "www/shared/database.sqlite"
        env = self.root / "www/shared/.env"
        if not env.exists():
            told = f"APP_ENV={self.environment}\nDB_CONNECTION=sqlite\nDB_DATABASE={database}\n"
            env.write_text(told, encoding="utf-8")
        (self.root / "bin/chom-host").write_bytes(packed())
        link = self.root / "www/chom"
        if not link.is_symlink():
            link.symlink_to("chom_current")
        run = shlex.join([sys.executable, "-I", "-S", str(Path(php.__file__).absolute())])
        systemctl = _script(self.root / "bin/systemctl", f'echo "$@" >> {shlex.quote(str(self.root / "services.log"))}')
        told = {
            "www": str(self.root / "www"),
            "link": "chom",
            "current": "chom_current",
            "state": str(self.root / "state"),
            "logs": str(self.root / "logs"),
            "backups": str(self.root / "backups"),
            "php": _script(self.root / "bin/php", f'exec {run} "$@"'),
            "fpm_socket": str(self.fpm.socket),
            "services": ["php8.2-fpm"],
            "sudo": _script(self.root / "bin/sudo", '[ "$1" = -n ] && shift\n[ "$1" = -l ] && exit 0\nexec "$@"'),
            "systemctl": systemctl,
        }
        (self.root / "host.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        spec = {
            "name": self.name,
            "port": self.ssh_port,
            "user": USER,
            "host_key": str(self.root / "ssh_host_ed25519_key"),
            "client_key": self._client_key,
            "command": self.command,
            "home": str(self.root),
        }
        (self.root / "sshd.json").write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")

    def _heard(self, line: str) -> None:
        if line == "ready":
            self._listening.set()
        else:
            self._on_line(line)

    async def start(self) -> None:
        """Its shop and its sshd. Raises NoServer."""
        await asyncio.gather(self.shop.start(), self.fpm.start(), self._start_sshd())

    async def _start_sshd(self) -> None:
        self._listening.clear()
        await self.sshd.start()
        try:
            await asyncio.wait_for(self._listening.wait(), 15)
        except TimeoutError:
            raise NoServer(f"The sshd of {self.name} does not come up on port {self.ssh_port}.") from None
        self.reach = Reach.UP

    async def close(self) -> None:
        """Stop all of it. Jobs that run go on to their end, as on a real server."""
        self._empty_disk()
        await self._forget_recovery()
        await self.customers.close()
        await asyncio.gather(self.sshd.stop(3), self.shop.close(), self.fpm.close())

    def fill_disk(self, seconds: float) -> None:
        """Let chom-host find no room for a new file for so long; the shop and its visitors never notice."""
        self._empty_disk()
        self._full.touch()
        self._emptying = asyncio.get_running_loop().call_later(seconds, self._empty_disk)

    def _empty_disk(self) -> None:
        if self._emptying is not None:
            self._emptying.cancel()
            self._emptying = None
        self._full.unlink(missing_ok=True)

    def cut(self) -> None:
        """Break every SSH connection now; new ones are welcome."""
        self.sshd.signal(signal.SIGUSR1)

    async def freeze(self, seconds: float) -> None:
        """Answer nothing over SSH for so long."""
        await self._recover()
        self.sshd.signal(signal.SIGSTOP)
        self.reach = Reach.FROZEN
        self._recovery = asyncio.create_task(self._recover_after(seconds))

    async def go_down(self, seconds: float) -> None:
        """Refuse SSH connections for so long, after breaking those there are."""
        await self._recover()
        self.sshd.signal(signal.SIGKILL)
        await self.sshd.wait()
        self.reach = Reach.DOWN
        self._recovery = asyncio.create_task(self._recover_after(seconds))

    async def _recover_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._reachable()

    async def _recover(self) -> None:
        await self._forget_recovery()
        await self._reachable()

    async def _forget_recovery(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)
            self._recovery = None

    async def _reachable(self) -> None:
        if self.sshd.running:
            self.sshd.signal(signal.SIGCONT)
            self.reach = Reach.UP
        else:
            await self._start_sshd()

    def serves(self) -> tuple[str, str]:
        """The release and the version that the symlink names now; "" where there is none."""
        served = self.shop.served
        if not served.exists():
            return "", ""
        release = served.resolve()
        return release.name, php.version(release)

    def _releases(self, current: str) -> list[Json]:
        """The release directories, newest first."""
        found = sorted((self.root / "www/releases").glob("[0-9]*/version.php"), reverse=True)
        return [
            {"id": file.parent.name, "version": php.version(file.parent), "current": file.parent.name == current}
            for file in found
        ]

    def seen(self) -> Json:
        """For the page and for scripts."""
        release, version = self.serves()
        served = self.customers.served
        return {
            "name": self.name,
            "environment": self.environment,
            "release": release,
            "version": version,
            "weights": {"stable": 100, "canary": 0},
            "releases": self._releases(release),
            "url": self.shop.url,
            "reach": self.reach.value,
            "disk": "full" if self._full.exists() else "",
            "traffic": {
                "requests": served.requests,
                "failed": served.failed,
                "last_failure": served.last_failure,
                "rps": served.rate(asyncio.get_running_loop().time()),
                "versions": dict(served.versions),
            },
        }

    def series(self) -> list[Series]:
        """What Prometheus knows of it: a counter, and what recording rules make of the last seconds."""
        served, labels = self.customers.served, {"environment": self.environment}
        errors, latency = served.quality(asyncio.get_running_loop().time())
        return [
            ("chom_requests_total", {**labels, "result": "failed"}, float(served.failed)),
            ("chom_requests_total", {**labels, "result": "answered"}, float(served.requests - served.failed)),
            ("chom:errors:ratio", labels, errors),
            ("chom:latency:p95_seconds", labels, latency),
        ]

    def minute(self) -> list[Json]:
        """What its visitors got in each of the last sixty seconds: {by: {version: answers}, failed}, oldest first."""
        now = asyncio.get_running_loop().time()
        return [{"by": dict(second.by), "failed": second.failed} for second in self.customers.served.minute(now)]
