"""The lab's servers, booted once for all of its tests, and the bot, its Redis and a Slack on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab import image, laravel, load, monitoring, site
from tests.lab.bases import BOOKWORM, PHASES, TRIXIE, phase
from tests.lab.bot_process import Bot, write_config
from tests.lab.load import Crowd, Habits
from tests.lab.releases import BUILDS
from tests.lab.slack import Slack, slack
from tests.lab.vps import Role, Vps, admin_key, alone
from tests.support.redis import RedisServer, free_port, redis_server


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """The lab boots a server: it is collected by `make lab` alone, which sets CHOM_LAB."""
    return None if os.environ.get("CHOM_LAB") == "1" else True


def pytest_configure() -> None:
    """SIGTERM ends the lab as Ctrl-C does: everything that was booted and started is taken away."""
    if os.environ.get("CHOM_LAB") == "1":
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How long the lab itself took, beside pytest's own durations."""
    for said in PHASES:
        terminalreporter.write_line(f"lab: {said}")


@dataclass(frozen=True)
class Lab:
    """The servers: two with the site, the first of them with its database, and one that watches."""

    app1: Vps
    app2: Vps
    mentat: Vps

    @property
    def apps(self) -> tuple[Vps, Vps]:
        """The hosts of `production`, in the order of chom.toml."""
        return self.app1, self.app2


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Booted, and set up by their operator; nothing of the bot is on them yet."""
    with alone():
        key = admin_key()
        made = Lab(
            Vps("app1", 11, key),
            Vps("app2", 12, key, TRIXIE, Role.APP_BESIDE, disk_mb=512),
            Vps("mentat", 13, key, BOOKWORM, Role.WATCH),
        )
        servers = (*made.apps, made.mentat)
        try:
            with phase("three servers booted"):
                for server in servers:
                    server.begin()
                for server in servers:
                    server.up()
            with phase("the site and what watches it set up"):
                site.set_up_data(made.app1)
                with ThreadPoolExecutor(2) as pool:
                    list(pool.map(site.set_up, made.apps))
                monitoring.watch(made.mentat, made.apps)
            yield made
        finally:
            for server in servers:
                server.remove()


@pytest.fixture(scope="session")
def image_root() -> Iterator[Path]:
    """The root file system of the image that the Dockerfile makes."""
    with image.built() as found:
        yield found


@pytest.fixture(scope="session")
def vps(lab: Lab) -> Vps:
    """The first of the app servers, with the database, on Debian 12."""
    return lab.app1


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The bot's own, with a password and an AOF."""
    with redis_server(tmp_path_factory.mktemp("redis"), fsync="always") as server:
        yield server


@pytest.fixture(scope="session")
def bot(lab: Lab, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    """Its files: chom.toml, a key, the artifacts. It does not serve yet."""
    directory = tmp_path_factory.mktemp("bot")
    write_config(directory, lab.apps, free_port())
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


@pytest.fixture(scope="session")
def production(lab: Lab, bot: Bot, channel: Slack) -> None:
    """Both servers installed, the bot serving and v2.0 live: after the story above, or where a file is run alone."""
    if not (lab.app1.root / "usr/local/lib/chom/chom-host").exists():
        bot.shell("host", "install", "--yes", "--key", lab.app1.admin_key).ends(0)
        for server in lab.apps:
            site.write_env(server, lab.app1.address)
    if bot.process is None or bot.process.poll() is not None:
        bot.start()
    channel.ready()
    channel.ask_and_approve("deploy v2.0", "Deploy v2.0 to production")
    channel.card_says("Deploy v2.0 to production", "is live on production")


@dataclass
class Users:
    """People on the site, a few at a time at each of its servers, from its first release to the end of the story."""

    crowds: list[Crowd]

    def each(self) -> list[dict[str, Any]]:
        """What they were given so far at each server; AssertionError where a request failed."""
        found = [crowd.seen() for crowd in self.crowds]
        for seen in found:
            assert seen["failures"] == [], seen["failures"][:20]
        return found

    def seen(self) -> dict[str, Any]:
        """What those at the first server were given; AssertionError where a request failed at any."""
        return self.each()[0]

    def were_given(self, *versions: str) -> None:
        """AssertionError where any of them was not given just these versions, one after the other, and all of them."""
        deadline = time.monotonic() + 5
        while any(order != list(versions) for seen in self.each() for order in seen["orders"]):
            assert time.monotonic() < deadline, self.each()
            time.sleep(0.1)


@pytest.fixture(scope="session")
def users(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Users]:
    """Started by the first test that wants them; 25 requests a second at each server leave the bot its half."""
    out = tmp_path_factory.mktemp("users")
    with contextlib.ExitStack() as stack:
        crowds = [load.crowd(vps, out / f"{vps.name}.json", Habits(slots=3, pause=0.1)) for vps in lab.apps]
        yield Users([stack.enter_context(crowd) for crowd in crowds])
