"""compose.yaml as it stands, on a real Docker: the bot and its Redis, shut in, and whole again after a crash."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import engine
from tests.lab.engine import Engine
from tests.support.rules import one_lead_text

pytestmark = pytest.mark.timeout(600)
"""What is built first counts into the first test's time."""
TOP = Path(__file__).parents[2]
UID = 10001
SECRET = "not-for-anybody"
TOML = """
[bot]
rules = "rules.toml"
instance = "compose"
state_dir = "/var/lib/chom-bot"
ssh_key = "id_ed25519"

[artifacts]
source = "/var/lib/chom-bot"

[environments.production]
hosts = ["app1"]
default = true
probes = [{ url = "http://192.0.2.1/health" }]

[hosts.app1]
address = "192.0.2.1"
user = "ops"
host_key = "KEY"

[people.lead]
name = "Lea Martin"
roles = ["tech-lead"]
unix = ["root"]
"""
ENV = f"REDIS_PASSWORD={SECRET}\nSLACK_BOT_TOKEN=xoxb-lab\nSLACK_APP_TOKEN=xapp-lab\n"
OVERRIDE = "services:\n  bot:\n    volumes: ['./rules.toml:/etc/chom-bot/rules.toml:ro']\n"
READY = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/readyz').read().decode())"


class Project:
    """The directory that an operator has on mentat, and what runs from it."""

    def __init__(self, made: Engine, directory: Path) -> None:
        self._engine, self._directory = made, directory
        shutil.copy(TOP / "compose.yaml", directory)
        key = directory / "id_ed25519"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        public = " ".join(key.with_suffix(".pub").read_text().split()[:2])
        (directory / "chom.toml").write_text(TOML.replace("KEY", public))
        (directory / "rules.toml").write_text(one_lead_text())
        (directory / "compose.override.yaml").write_text(OVERRIDE)
        (directory / ".env").write_text(
            f"REDIS_PASSWORD={SECRET}\nSLACK_BOT_TOKEN=xoxb-lab\nSLACK_APP_TOKEN=xapp-lab\n"
        )
        os.chown(key, UID, UID)

    def compose(self, *words: str) -> str:
        """What docker-compose says."""
        return self._engine.compose(self._directory, *words)

    def within(self, service: str, *words: str) -> str:
        """What a command in that service's container says. Raises RuntimeError where it fails."""
        return self.compose("exec", "-T", service, *words)

    def state(self, service: str, what: str) -> str:
        """What the engine says of that service's container."""
        container = self.compose("ps", "-a", "-q", service).strip()
        return self._engine.docker("inspect", "-f", f"{{{{{what}}}}}", container).strip()

    def healthy(self, *services: str) -> None:
        """Within a minute, each of them by its own health check."""
        deadline = time.monotonic() + 60
        while {self.state(service, ".State.Health.Status") for service in services} != {"healthy"}:
            assert time.monotonic() < deadline, self.compose("logs")
            time.sleep(0.5)


@pytest.fixture(scope="module")
def project(image_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """`docker-compose up -d`, with the image that is built already."""
    with engine.engine() as made:
        made.has_bot()
        made.has_valkey()
        found = Project(made, tmp_path_factory.mktemp("compose"))
        found.compose("up", "-d", "--no-build")
        try:
            yield found
        finally:
            found.compose("down", "-v")


def test_both_are_healthy_and_the_bot_is_ready(project: Project) -> None:
    project.healthy("redis", "bot")
    assert '"status": "ok"' in project.within("bot", "python", "-c", READY)
    with pytest.raises(RuntimeError, match="app1 does not answer"):
        project.within("bot", "chom-bot", "status")


def test_both_are_shut_in(project: Project) -> None:
    for service, uid in (("bot", UID), ("redis", 999)):
        status = project.within(service, "cat", "/proc/1/status")
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status
        assert "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
        with pytest.raises(RuntimeError, match="Read-only file system"):
            project.within(service, "touch", "/etc/x")
        assert SECRET not in project.within(service, "cat", "/proc/1/cmdline"), "and no secret is on a command line"


def redis(project: Project, *words: str, password: str = f"REDISCLI_AUTH={SECRET}") -> str:
    """What Redis answers."""
    return project.within("redis", "env", password, "valkey-cli", *words).strip()


def test_redis_wants_its_password_and_keeps_every_write(project: Project) -> None:
    assert redis(project, "ping", password="NONE=").startswith("NOAUTH")
    for name, value in (("appendonly", "yes"), ("appendfsync", "always")):
        assert redis(project, "config", "get", name).split() == [name, value]
    assert redis(project, "set", "kept", "yes") == "OK"
    project.compose("kill", "redis")
    project.compose("start", "redis")
    project.healthy("redis", "bot")
    assert redis(project, "get", "kept") == "yes"
    assert '"status": "ok"' in project.within("bot", "python", "-c", READY)


def test_the_bot_ends_by_itself_when_it_is_stopped(project: Project) -> None:
    began = time.monotonic()
    project.compose("stop", "bot")
    assert time.monotonic() - began < 25, "before the engine's patience ends"
    assert project.state("bot", ".State.ExitCode") == "0"
