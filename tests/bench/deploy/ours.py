"""The bot as it is served: Slack, a Redis that keeps every write, a kept connection; from Approve to the last entry."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import redis

from bot.store.link import redis_key
from tests.bench.deploy import builds
from tests.bench.deploy.host import Ground
from tests.lab.bot_process import Bot
from tests.lab.slack import Slack, buttons, slack
from tests.support.redis import free_port, redis_server
from tests.support.rules import one_lead_text

PAUSES = 2.0
"""Seconds that the check from outside waits on purpose, between its three questions; the peers ask once."""
TOML = """
[bot]
rules = "rules.toml"
listen = "127.0.0.1:{listen}"
instance = "bench"
state_dir = "{directory}/state"
ssh_key = "{directory}/id_ed25519"

[slack]
team = "T0CHOM"
channel = "C0DEPLOYS"
mode = "socket"

[artifacts]
source = "{directory}/artifacts"

[environments.production]
hosts = ["app1"]
keep = 5
backup_days = 0
default = true
probes = [{{ url = "http://{address}/health", contains = '"release":"{{version}}"' }}]

[hosts.app1]
address = "{address}"
user = "ops"
host_key = {host_key}

[people.dev]
name = "Dana Weber"
slack = ["T0CHOM:U0DEV"]

[people.lead]
name = "Lea Martin"
roles = ["tech-lead"]
slack = ["T0CHOM:U0LEAD"]
unix = ["root"]

[people.cto]
name = "Chiara Conti"
slack = ["T0CHOM:U0CTO"]
"""


@dataclass
class Ours:
    """The bot at work."""

    ground: Ground
    bot: Bot
    channel: Slack
    store: redis.Redis
    parts: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """Seconds of each stretch of a deploy, a round each."""

    def deploy(self, version: str) -> float:
        """Seconds from the click on Approve to the last entry in Redis, without the pauses of the check from outside.

        It is asked for before, as a peer's artifact is built before.
        """
        took, at, entries = self._walk(f"deploy {version}", f"Deploy {version} to production")
        self._note(at, entries)
        return took

    def roll_back(self, old: str, new: str) -> None:
        """From the version that is served to the one before."""
        self._walk("rollback", f"Roll back production: {old} → {new}")

    def version(self) -> str:
        """What is served."""
        return self.ground.served(80)["release"]

    def _walk(self, command: str, title: str) -> tuple[float, float, list[dict[str, Any]]]:
        """Seconds without the pauses, when Approve was clicked, and the journal."""
        self.channel.command("dev", command)
        card = self.channel.until(lambda state: _to_approve(state, title), f"a card to approve {title}")
        run = buttons(card)["chom_approve"].partition(":")[0]
        at, begun = time.time(), time.perf_counter()
        self.channel.click("lead", card, "chom_approve")
        journal = redis_key("journal", run)
        while not (last := self.store.lindex(journal, -1)) or json.loads(last)["kind"] != "ended":
            assert time.perf_counter() - begun < 60, self.bot.told()
            time.sleep(0.005)
        took = time.perf_counter() - begun - PAUSES
        entries = [json.loads(entry) for entry in self.store.lrange(journal, 0, -1)]
        assert entries[-1]["outcome"] == "done", entries[-1]
        self.channel.card_says(title, "is live on production")
        return took, at, entries

    def _note(self, clicked: float, entries: list[dict[str, Any]]) -> None:
        """Where the time went: from one entry that matters to the next."""
        before = clicked
        for entry in entries:
            name = entry["kind"] if entry["kind"] in ("opened", "took", "ended") else entry["step"]
            if entry["kind"] == "started" or name == "restart":  # which ends within verify's pauses
                continue
            at = datetime.fromisoformat(entry["at"]).timestamp()
            self.parts.setdefault(name, []).append(at - before - (PAUSES if name == "verify" else 0))
            before = at

    def check(self, version: str) -> None:
        """As Peers.check."""
        seen = self.ground.served(80)
        assert (seen["status"], seen["release"]) == ("ok", version), seen
        assert self.ground.releases("/var/www") <= 6


def _to_approve(state: dict[str, Any], title: str) -> dict[str, Any] | None:
    found = [m for m in state["channels"]["deploys"] if m["text"].startswith(title) and "chom_approve" in buttons(m)]
    return found[-1] if found else None


@contextmanager
def ours(ground: Ground, count: int) -> Iterator[Ours]:
    """Installed on the server, with so many versions to deploy, and serving."""
    directory = ground.directory / "bot"
    directory.mkdir()
    vps = ground.vps
    told = {"directory": directory, "listen": free_port(), "address": vps.address}
    (directory / "rules.toml").write_text(one_lead_text())
    (directory / "chom.toml").write_text(TOML.format(**told, host_key=json.dumps(vps.host_key())))
    key = directory / "id_ed25519"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    builds.publish(directory / "artifacts", count)
    with redis_server(directory / "redis", fsync="always") as server:
        bot = Bot(directory, server.url)
        bot.shell("host", "install", "--yes", "--key", vps.admin_key).ends(0)
        ground.write_env()
        try:
            with slack(bot.told) as workspace, redis.Redis.from_url(server.url, decode_responses=True) as store:
                bot.slack_url = workspace.address
                bot.start()
                workspace.ready()
                yield Ours(ground, bot, workspace, store)
        finally:
            bot.close()
