"""Two servers, a shop, a Redis and bots, each a process of its own that can be killed, frozen or cut off."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actions.engine.plan import Arg, Call
from actions.engine.ports import Job
from tests.journeys.walker import ENVIRONMENT, HitBot, settings_of
from tests.support import releases
from tests.support.fpm import Fpm
from tests.support.nginx import Nginx
from tests.support.redis import RedisServer
from tests.support.rules import one_lead_text
from tests.support.sshd import TestServer

ROOT = Path(__file__).parents[2]
MIGRATIONS = ("2026_11_20_000000_points", "2026_11_21_000000_index")
OLD, OLD_ID = "v1.1", "20261101_100000"
CANARY = "chom_canary"
GOOD, SICK, ILL, SLOW = "v1.2", "v1.3", "v1.4", "v1.5"
"""SICK fails its health check; ILL passes it and fails for users; SLOW has a migration of some seconds."""
ADDS = (
    r"use Illuminate\Database\{Migrations\Migration, Schema\Blueprint}; use Illuminate\Support\Facades\Schema; "
    "return new class extends Migration { public function up() { Schema::create('points', "
    "function (Blueprint $table) { $table->id(); }); } };"
)
TABLES = dict(zip(MIGRATIONS, (ADDS, f"{ADDS} // prints 2 // takes 0.2"), strict=True))
SLOWLY = dict(zip(MIGRATIONS, (ADDS, f"{ADDS} // prints 2 // takes 2"), strict=True))


class Bots:
    """Orders bots from the process that forks them."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.journeys.walker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def order(self, **order: Any) -> dict[str, Any]:
        """One order, answered at once."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it, and every bot that is left."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()


async def eventually(holds: Callable[[], object], seconds: float = 30) -> None:
    """Until it holds; what it waits for happens in other processes."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class BotProcess:
    """One bot."""

    def __init__(self, bots: Bots, pid: int, note: Path) -> None:
        self._bots, self.pid, self._note = bots, pid, note
        self._status: int | None = None

    async def ended(self) -> int:
        """Its exit status, negative for a signal."""
        while self._status is None:
            self._status = self._bots.order(poll=self.pid)["status"]
            await asyncio.sleep(0.01)
        return self._status

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)

    async def reap(self) -> None:
        """Gone, whatever it did."""
        if self._status is None:
            self.kill()
            await self.ended()

    def hit_at(self) -> str:
        """The point at which it was hit, "" where it was not yet."""
        return self._note.read_text() if self._note.exists() else ""

    async def stopped(self) -> None:
        """Until it has stopped itself."""
        await eventually(lambda: ") T " in Path(f"/proc/{self.pid}/stat").read_text())

    def go_on(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)


class Shop:
    """What users get of each server: the page of the release that its link points to; 500 where that says `ill`."""

    def __init__(self, servers: Sequence[TestServer]) -> None:
        pages = {f"/{server.name}": server.www / "chom_current/public/index.php" for server in servers}

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = pages[self.path].read_text()
                self.send_response(500 if "ill" in text else 200)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Town:
    """All that is shared by the tests of a module."""

    directory: Path
    servers: list[TestServer]
    redis: RedisServer
    shop: Shop
    bots: Bots
    pools: list[Fpm]
    """Each server's second PHP-FPM, which is there all the time."""
    sites: list[Nginx]
    """Each server's nginx, where pinned requests are sent to that."""
    typed: int = 0
    """So many commands were typed here."""

    @classmethod
    def build(cls, directory: Path, redis: RedisServer) -> Town:
        """Servers that serve v1.1; a copy of each is kept, to begin every test with."""
        key = None
        servers: list[TestServer] = []
        pools: list[Fpm] = []
        sites: list[Nginx] = []
        for name in ("app1", "app2"):
            socket, root = Path(tempfile.gettempdir()) / f"fpm-{uuid.uuid4().hex[:12]}", directory / name / "root"
            pools.append(Fpm(socket))
            pins, files = directory / f"{name}-pins.conf", directory / f"{name}-www.conf"
            pins.write_text('"secret-canary" canary;\n"secret-stable" stable;\n')
            files.touch()
            sites.append(Nginx(pins, socket, root / "www" / CANARY))
            pool = {"canary": CANARY, "canary_socket": str(socket), "canary_status": str(socket)}
            pool |= {"leases": str(root / "leases"), "pins": str(pins), "site": sites[-1].url}
            pool |= {"fpm_files": [str(files)]}
            config = {"caches": ["config:cache"], **pool}
            server = TestServer(directory / name, name=name, client_key=key, config=config, nursery=True)
            key = server.client_key
            asyncio.run(server.__aenter__())
            servers.append(server)
        town = cls(directory, servers, redis, Shop(servers), Bots(), pools, sites)
        made = {GOOD: TABLES, SICK: TABLES, ILL: TABLES, SLOW: SLOWLY, OLD: {}}
        texts = {SICK: "v1.3 broken", ILL: "v1.4 ill"}
        shelf = {v: releases.release(texts.get(v, v), of, size=1 << 21 if v == GOOD else 0) for v, of in made.items()}
        releases.source(directory / "artifacts", shelf)
        asyncio.run(town._first())
        return town

    async def _first(self) -> None:
        """v1.1 on every server, as an earlier deploy left it."""
        bot = HitBot(settings_of(str(self.toml(self.servers)), self.redis.url, "first"))
        artifact = await bot.bot.world.artifacts.resolve(OLD)
        of: dict[str, Arg] = {"release": OLD_ID, "version": OLD, "commit": artifact.commit, "sha256": artifact.sha256}
        for server in self.servers:
            hosts = bot.bot.world.hosts
            await hosts.upload(server.name, artifact, lambda sent, total: None)
            for verb, args in (("stage", of), ("switch", {"release": OLD_ID, "workers": False})):
                job = Job(f"chg-first/{verb}/forward", Call(verb, args), 1, 60, f"deployment_{OLD_ID}")
                assert (await hosts.run(server.name, job, lambda line: None)).ok
            server.end_agents()
            (server.root / "effects").unlink()
            shutil.copytree(server.root, server.directory / "kept", symlinks=True)
        await bot.close()

    def begin_anew(self) -> None:
        """Servers that serve v1.1 and know of no bot, and a Redis in which nothing was ever asked for."""
        with self.redis.client() as client:
            client.flushall()
        for server in self.servers:
            server.end_agents()
            shutil.rmtree(server.root)
            shutil.copytree(server.directory / "kept", server.root, symlinks=True)
        (self.directory / "bots.log").unlink(missing_ok=True)

    def toml(self, servers: Sequence[TestServer], rules: str = "") -> Path:
        """A chom.toml with production on these servers; `rules` is the text of a table of its own."""
        names = [server.name for server in servers]
        probes = ", ".join(f'{{ url = "{self.shop.url}/{name}", contains = "{{version}}" }}' for name in names)
        text = (
            f'[bot]\nssh_key = "{servers[0].client_key}"\nstate_dir = "{self.directory / "bot"}"\n'
            f"patience = 20.0\nredelivery = 2.0\n{self._rules(rules)}"
            f'[artifacts]\nsource = "{self.directory / "artifacts"}"\n'
            f"[environments.{ENVIRONMENT}]\nhosts = {json.dumps(names)}\nprobes = [{probes}]\n"
            "canary = { stage = 1.5, look_every = 0.5 }\n"
            '[people.dev]\nname = "Dana Dev"\n'
            '[people.lead]\nname = "Lee Lead"\nroles = ["tech-lead"]\nunix = ["lead"]\n'
        )
        for server in servers:
            text += f'[hosts.{server.name}]\naddress = "127.0.0.1"\nport = {server.port}\n'
            text += f'host_key = "{server.login.host_key}"\n'
        path = self.directory / f"chom-{len(servers)}{'-rules' * bool(rules)}.toml"
        path.write_text(text)
        return path

    def _rules(self, text: str) -> str:
        """Rules of their own, or one approver for every change."""
        file = self.directory / f"rules{'-own' * bool(text)}.toml"
        file.write_text(text or one_lead_text(), encoding="utf-8")
        return f'rules = "{file.name}"\n'

    def close(self) -> None:
        """Everything ends."""
        self.bots.close()
        self.shop.close()
        for server in self.servers:
            asyncio.run(server.__aexit__())
        for site in self.sites:
            site.close()
        for pool in self.pools:
            pool.close()
            Path(str(pool.server_address)).unlink(missing_ok=True)
