"""One server for the whole lab, with the site on it, and the bot, its Redis and a Slack on this machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import laravel, site
from tests.lab.bot_process import Bot, write_config
from tests.lab.releases import BUILDS
from tests.lab.slack import Slack, slack
from tests.lab.vps import Vps, admin_key, alone, die_with_us
from tests.support.redis import RedisServer, free_port, redis_server


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The lab boots a server: it is collected by `make lab` alone, which sets CHOM_LAB."""
    return None if os.environ.get("CHOM_LAB") == "1" else True


def pytest_configure() -> None:
    """SIGTERM ends the lab as Ctrl-C does: everything that was booted and started is taken away."""
    if os.environ.get("CHOM_LAB") == "1":
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def vps() -> Iterator[Vps]:
    """Booted, and set up by its operator; nothing of the bot is on it yet."""
    with alone():
        server = Vps("app1", 11, admin_key())
        try:
            server.start()
            site.set_up(server)
            yield server
        finally:
            server.remove()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The bot's own, with a password and an AOF."""
    with redis_server(tmp_path_factory.mktemp("redis"), fsync="always") as server:
        yield server


@pytest.fixture(scope="session")
def bot(vps: Vps, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Its files: chom.toml, a key, the artifacts. It does not serve yet."""
    directory = tmp_path_factory.mktemp("bot")
    write_config(directory, vps, free_port())
    laravel.publish(directory / "artifacts", BUILDS)
    made = Bot(directory, redis.url)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def channel(bot: Bot) -> Iterator[Slack]:
    """Slack, with the bot serving in it."""
    with slack(bot.told) as workspace:
        bot.slack_url = workspace.address
        bot.start()
        workspace.ready()
        yield workspace


@dataclass
class Users:
    """People on the site, from its first release to the end of the lab; see load.py."""

    process: subprocess.Popen[bytes]
    out: Path

    def seen(self) -> dict[str, Any]:
        """What they were given so far; AssertionError where a request failed."""
        assert self.process.poll() is None, "the load has ended by itself"
        found: dict[str, Any] = json.loads(self.out.read_text())
        assert found["failures"] == [], found["failures"][:20]
        return found

    def were_given(self, *versions: str) -> None:
        """AssertionError where any of them was not given just these versions, one after the other, and all of them."""
        deadline = time.monotonic() + 3
        while any(order != list(versions) for order in self.seen()["orders"]):
            assert time.monotonic() < deadline, self.seen()
            time.sleep(0.1)


@pytest.fixture(scope="session")
def users(vps: Vps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """Started by the first test that wants them. They sit at the server's own network: its cable may be pulled."""
    out = tmp_path_factory.mktemp("users") / "seen.json"
    out.write_text(json.dumps({"served": {}, "failures": [], "orders": []}))
    script = Path(__file__).with_name("load.py")
    process = subprocess.Popen(vps.within(sys.executable, script, "127.0.0.1", out), preexec_fn=die_with_us)
    try:
        yield Users(process, out)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
