"""A server of the sandbox: its sshd, its shop with two pools, its customers, and how it can be made to fail."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from bot.sandbox import disk as disk_
from bot.sandbox import php
from bot.sandbox.application import Answers
from bot.sandbox.child import Child, OnLine
from bot.sandbox.fastcgi import Fpm
from bot.sandbox.keep import Keep
from bot.sandbox.layout import Layout
from bot.sandbox.manners import Manners
from bot.sandbox.promql import Series
from bot.sandbox.routing import CANARY, STABLE, Routing
from bot.sandbox.shop import Pool, Shop
from bot.sandbox.slack.errors import Json
from bot.sandbox.traffic import Customers
from bot.sandbox.unit import Unit

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


class Server:
    """One machine. `name` is the host's and its environment's."""

    def __init__(
        self, name: str, keep: Keep, client_key: str, on_line: OnLine, manners: Manners, per_second: float
    ) -> None:
        self.name, self.environment = name, name
        self.root = keep.directory / name
        self.ssh_port, self._client_key = keep.port(f"{name}-ssh"), client_key
        self.host_key = keep.key(self.root / "ssh_host_ed25519_key")
        port = keep.port(f"{name}-shop")
        site = f"http://127.0.0.1:{port}"
        self.layout = Layout(self.root, keep.socket(f"{name}-fpm"), keep.socket(f"{name}-canary"), site)
        stable, canary = (
            Pool(pool, served, Fpm(name, socket), Answers(name, pool))
            for pool, served, socket in (
                (STABLE, self.layout.served, self.layout.fpm),
                (CANARY, self.layout.canary, self.layout.canary_fpm),
            )
        )
        routing = Routing(self.layout.leases, self.layout.pins)
        self.shop = Shop(name, stable, canary, routing, manners, port)
        self._canary = Unit(canary.fpm, self.layout.canary_runs)
        self.customers = Customers(self.shop.url, per_second)
        self.reach = Reach.UP
        self._listening, self._on_line = asyncio.Event(), on_line
        self._recovery: asyncio.Task[None] | None = None
        self._full = self.root / "disk-is-full"
        self._emptying: asyncio.TimerHandle | None = None
        self._full.unlink(missing_ok=True)
        self.layout.make(name)
        self._tell_sshd()
        spec = [sys.executable, "-m", "bot.sandbox.sshd", str(self.root / "sshd.json")]
        self.sshd = Child(spec, os.environ, self._heard)

    @property
    def command(self) -> tuple[str, ...]:
        """The forced command: the real chom-host on this machine's disk, with this machine's paths."""
        disk = (str(Path(disk_.__file__).absolute()), str(self._full))
        program = (str(self.root / "bin/chom-host"), "--config", str(self.root / "host.json"))
        return (sys.executable, "-ISXutf8", *disk, *program)

    def _tell_sshd(self) -> None:
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
        fpm = self.shop.pools[STABLE].fpm
        await asyncio.gather(self.shop.start(), fpm.start(), self._canary.start(), self._start_sshd())

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
        fpm = self.shop.pools[STABLE].fpm
        await asyncio.gather(self.sshd.stop(3), self.shop.close(), fpm.close(), self._canary.close())

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
        return _release(self.layout.served)

    def _canary_seen(self) -> Json | None:
        """What the canary's pool serves, and to how many per cent of the clients; None while it does not run."""
        if not self.shop.pools[CANARY].fpm.running:
            return None
        release, version = _release(self.layout.canary)
        return {"release": release, "version": version}

    def _releases(self, current: str) -> list[Json]:
        """The release directories, newest first."""
        found: list[Json] = []
        for file in sorted((self.root / "www/releases").glob("[0-9]*/version.php"), reverse=True):
            with suppress(FileNotFoundError):  # removed while it was looked at
                release = file.parent
                found.append({"id": release.name, "version": php.version(release), "current": release.name == current})
        return found

    def seen(self) -> Json:
        """For the page and for scripts."""
        release, version = self.serves()
        served, weight = self.customers.served, self.shop.routing.weight()
        return {
            "name": self.name,
            "environment": self.environment,
            "release": release,
            "version": version,
            "weights": {"stable": 100 - weight, "canary": weight},
            "canary": self._canary_seen(),
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
        """What Prometheus scrapes of it: each pool's counters, and what recording rules make of the last seconds."""
        served, labels = self.customers.served, {"environment": self.environment}
        errors, latency = served.quality(asyncio.get_running_loop().time())
        return [
            *self._counters(),
            ("chom:errors:ratio", labels, errors),
            ("chom:latency:p95_seconds", labels, latency),
        ]

    def _counters(self) -> Iterator[Series]:
        """As mtail and the canary's PHP-FPM have them; actions/host/pools/prometheus.yml gives them their labels."""
        for pool in self.shop.pools.values():
            labels = {"host": self.name, "job": "chom-pools", "pool": pool.name, "prog": "chom.mtail"}
            yield "chom_requests_total", labels, float(pool.counted.requests)
            yield "chom_failed_total", labels, float(pool.counted.failed)
            yield "chom_slow_total", labels, float(pool.counted.slow)
        canary = self.shop.pools[CANARY]
        if canary.fpm.running:
            yield "phpfpm_active_processes", {"host": self.name, "job": "chom-canary-fpm"}, float(canary.busy)

    def minute(self) -> list[Json]:
        """What its visitors got in each of the last sixty seconds, oldest first: {by, failed, failed_by}."""
        now = asyncio.get_running_loop().time()
        seconds = self.customers.served.minute(now)
        return [{"by": dict(s.by), "failed": s.failed.total(), "failed_by": dict(s.failed)} for s in seconds]


def _release(link: Path) -> tuple[str, str]:
    """The release and the version that a link names now; "" where there is none."""
    try:
        release = link.resolve(strict=True)
        return release.name, php.version(release)
    except OSError:
        return "", ""
