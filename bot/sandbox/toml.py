"""The chom.toml of the sandbox: the same file that production has, with the addresses of this one."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping, Sequence
from pathlib import Path

from actions.engine.fleet import LOOK_EVERY_S
from bot.sandbox.github import BRANCH, REPOSITORY
from bot.sandbox.prometheus import SCRAPE_EVERY
from bot.sandbox.servers import USER, Server
from bot.sandbox.slack import people
from policies import rules

ROLES = {"dev": [], "lead": ["tech-lead"], "devops": ["devops", "on-call"], "cto": ["cto"], "team": ["team"]}
"""What the people of the sandbox's Slack may decide as. Each can also ask."""
GROUPS = {"tech-lead": "S0LEADS", "devops": "S0DEVOPS", "cto": "S0CTO"}
"""Roles that only the members of a user group have."""
AT_THE_SHELL = "devops"
"""Who somebody at this machine's command line is: one who can ask, and cannot approve alone."""

_HEAD = """\
# The sandbox's configuration, written anew at each of its starts. Production has the same file with other addresses.
# The secrets come from the environment: SLACK_BOT_TOKEN, SLACK_APP_TOKEN, SLACK_SIGNING_SECRET, CHOM_REDIS_URL,
# CHOM_CONFIG_KEY, CHOM_GITHUB_TOKEN.
"""


_OF_PRODUCTION = """
default = true
errors = { query = 'chom:errors:ratio{environment="production"}', below = 0.05 }
latency = { query = 'chom:latency:p95_seconds{environment="production"}', below = 2.0 }"""
LOOK_EVERY = 0.5
_TIMES = {'staging = "30 min"': 'staging = "2 s"', 'watch = "15 min"': 'watch = "10 s"'}


def rules_text() -> str:
    """The shipped rules, with times for somebody who tries things out."""
    text = rules.SHIPPED.read_text(encoding="utf-8")
    for shipped, here in _TIMES.items():
        if shipped not in text:
            raise RuntimeError(f"The shipped rules no longer say {shipped!r}, so the sandbox cannot shorten it.")
        text = text.replace(shipped, here)
    return text


def _table(name: str, values: Mapping[str, object]) -> str:
    """A TOML table; JSON's strings, numbers, booleans and lists of strings are TOML's as well."""
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([f"[{name}]", *lines])


def _environment(server: Server) -> str:
    probe = f'{{ url = "{server.shop.url}/health", status = 200, contains = \'"release": "{{version}}"\' }}'
    default = _OF_PRODUCTION if server.environment == "production" else "\nstaging = true"
    return (
        f"[environments.{server.environment}]\nhosts = {json.dumps([server.name])}\nmigrate_on = "
        f"{json.dumps(server.name)}\nkeep = 5\nprobes = [{probe}]{default}"
    )


def _canary(server: Server, stage: float) -> str:
    """As many looks in a stage as in one of five minutes, and not more than Prometheus has scrapes for."""
    looks = max(SCRAPE_EVERY, min(LOOK_EVERY_S, stage / 10))
    return _table(f"environments.{server.environment}.canary", {"stage": stage, "look_every": looks})


def _host(server: Server) -> str:
    values = {"address": "127.0.0.1", "port": server.ssh_port, "user": USER, "host_key": server.host_key}
    return _table(f"hosts.{server.name}", values) + f"\n\n[hosts.{server.name}.canary]"


def _person(member: people.SlackPerson) -> str:
    values = {
        "name": member.display,
        "roles": ROLES[member.name],
        "slack": [f"{people.TEAM}:{member.id}"],
        "unix": logins() if member.name == AT_THE_SHELL else [],
    }
    return _table(f"people.{member.name}", values)


def logins() -> list[str]:
    """The Unix logins of whoever runs the sandbox: their own, and who they were before sudo."""
    mine = pwd.getpwuid(os.getuid()).pw_name
    return sorted({mine, os.environ.get("SUDO_USER") or mine})


def chom_toml(
    directory: Path,
    servers: Sequence[Server],
    key: Path,
    bot_port: int,
    rules: Path,
    github: str,
    prometheus: str,
    stage: float,
) -> str:
    """The whole text; `github` and `prometheus` are addresses, `stage` are seconds."""
    bot = {
        "listen": f"127.0.0.1:{bot_port}",
        "instance": "sandbox",
        "state_dir": str(directory / "bot"),
        "ssh_key": str(key),
        "patience": 30.0,
        "redelivery": 10.0,
        "rules": str(rules),
        "look_every": LOOK_EVERY,
    }
    slack = {"mode": "socket", "team": people.TEAM, "channel": people.CHANNEL, "channel_name": people.CHANNEL_NAME}
    tables = [
        _table("bot", bot),
        _table("slack", slack),
        _table("slack.groups", GROUPS),
        _table("artifacts", {"source": str(directory / "artifacts")}),
        _table("github", {"repository": REPOSITORY, "branch": BRANCH, "api_url": github}),
        _table("prometheus", {"url": prometheus}),
        *(_environment(server) for server in servers),
        *(_canary(server, stage) for server in servers),
        *(_host(server) for server in servers),
        *(_person(member) for member in people.PEOPLE),
    ]
    return _HEAD + "\n" + "\n\n".join(tables) + "\n"
