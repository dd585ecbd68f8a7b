"""The real bot of the lab: `chom-bot serve` as a process with a chom.toml, and `chom-bot` commands beside it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.configs import fresh_key
from tests.host.server import Channel
from tests.lab.vps import Vps, die_with_us
from tests.support.rules import one_lead_text

CHOM_TOML = """\
[bot]
rules = "rules.toml"
listen = "127.0.0.1:{listen}"
instance = "lab"
state_dir = "{directory}/state"
ssh_key = "{directory}/id_ed25519"
patience = 90.0
redelivery = 4.0

[slack]
team = "T0CHOM"
channel = "C0DEPLOYS"
mode = "socket"

[artifacts]
source = "{directory}/artifacts"

[environments.production]
hosts = {names}
keep = 5
default = true
smoke = ["database", "queue"]
probes = [
{probes}
]

{hosts}
[people.dev]
name = "Dana Weber"
slack = ["T0CHOM:U0DEV"]

[people.lead]
name = "Lea Martin"
roles = ["tech-lead"]
slack = ["T0CHOM:U0LEAD"]
unix = ["lea"]

[people.devops]
name = "Omar Haddad"
roles = ["devops", "on-call"]
slack = ["T0CHOM:U0DEVOPS"]
unix = ["root"]

[people.cto]
name = "Chiara Conti"
roles = ["cto"]
slack = ["T0CHOM:U0CTO"]
"""


PROBES = """\
  {{ url = "http://{address}/health", contains = '"release":"{{version}}"' }},
  {{ url = "http://{address}/", contains = "CHOM {{version}}" }},"""
HOST = """\
[hosts.{name}]
address = "{address}"
user = "ops"
php = "{php}"
host_key = {key}
"""


def write_config(directory: Path, servers: Sequence[Vps], listen: int) -> None:
    """chom.toml with these servers as `production`, the first of them with the database; one approver; the key pair."""
    hosts = [
        HOST.format(name=vps.name, address=vps.address, php=vps.base.php, key=json.dumps(vps.host_key()))
        for vps in servers
    ]
    text = CHOM_TOML.format(
        directory=directory,
        listen=listen,
        names=json.dumps([vps.name for vps in servers]),
        probes="\n".join(PROBES.format(address=vps.address) for vps in servers),
        hosts="\n".join(hosts),
    )
    (directory / "chom.toml").write_text(text)
    (directory / "rules.toml").write_text(one_lead_text())
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / "id_ed25519")],
        check=True,
        stdin=subprocess.DEVNULL,
    )


@dataclass
class Bot:
    """One bot's files and process. What it logs, over all its lives, is in bot.log."""

    directory: Path
    redis_url: str
    slack_url: str = ""
    config_key: str = field(default_factory=fresh_key)
    process: subprocess.Popen[bytes] | None = None
    shells: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.directory / "chom.toml"

    @property
    def log(self) -> Path:
        return self.directory / "bot.log"

    def env(self) -> dict[str, str]:
        """Its whole environment: no proxy, no ssh-agent, nobody's home."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "CHOM_CONFIG": str(self.config),
            "CHOM_REDIS_URL": self.redis_url,
            "CHOM_CONFIG_KEY": self.config_key,
            "SLACK_API_URL": f"{self.slack_url}/api/",
            "SLACK_BOT_TOKEN": "xoxb-sandbox",
            "SLACK_APP_TOKEN": "xapp-sandbox",
            "SLACK_SIGNING_SECRET": "sandbox",
        }

    def start(self) -> None:
        """Start `chom-bot serve`."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "serve"],
                env=self.env(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_us,
            )

    def kill(self) -> None:
        """kill -9, until it is gone."""
        assert self.process and self.process.poll() is None, self.told()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM, as systemd stops it; its exit status, or AssertionError where it takes longer than 20 s."""
        assert self.process and self.process.poll() is None, self.told()
        self.process.terminate()
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the bot does not stop\n{self.told()}") from None

    def close(self) -> None:
        """End whatever still runs."""
        for one in (self.process, *self.shells):
            if one and one.poll() is None:
                one.kill()
                one.wait(10)

    def told(self) -> str:
        """The end of its log."""
        return f"--- bot.log\n{self.log.read_text(errors='replace')[-6000:]}" if self.log.exists() else "(no bot.log)"

    def shell(self, *words: str | Path, login: str = "root", typed: str = "", **told: str) -> Shell:
        """A `chom-bot` command that somebody types on the bot's machine, who came there with that Unix login.

        `told` are variables of that shell's environment.
        """
        env = {**self.env(), "SUDO_USER": login, **told}
        shell = Shell([sys.executable, "-m", "bot", *map(str, words)], env, typed)
        self.shells.append(shell.process)
        return shell


class Shell:
    """A command that runs, with what it has said so far."""

    def __init__(self, command: list[str], env: Mapping[str, str], typed: str) -> None:
        self.process: subprocess.Popen[str] = subprocess.Popen(
            command,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_us,
        )
        assert self.process.stdin
        self.process.stdin.write(typed)
        self.process.stdin.close()
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def said(self) -> str:
        return "".join(self._lines)

    def until(self, words: str, seconds: float = 60) -> str:
        """What it said, once it has said these words."""
        deadline = time.monotonic() + seconds
        while words not in self.said:
            assert time.monotonic() < deadline and (self.process.poll() is None or self._reader.is_alive()), self.said
            time.sleep(0.05)
        return self.said

    def ends(self, status: int = 0, seconds: float = 120) -> str:
        """What it said to its end, which has to be this exit status."""
        try:
            found = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end\n{self.said}") from None
        self._reader.join(5)
        assert found == status, f"exit status {found}\n{self.said}"
        return self.said


@contextlib.contextmanager
def chom_host(bot: Bot, vps: Vps) -> Iterator[Channel]:
    """chom-host of that server, over the bot's own key."""
    options = ["-q", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    asked = ["ssh", "-i", str(bot.directory / "id_ed25519"), *options, f"ops@{vps.address}", "channel"]
    pipe = subprocess.PIPE
    made = Channel(subprocess.Popen(asked, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL))
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.close()
