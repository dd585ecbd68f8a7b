"""chom.toml and the environment's secrets -> frozen settings; every fault at once, each with its line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actions.engine.fleet import Environment
from policies.change import People


class BrokenConfig(Exception):
    """`faults` are sentences, each beginning with "chom.toml:LINE: ", in the order of their lines."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class HostSettings:
    """How to reach one server."""

    name: str
    address: str
    host_key: str
    """The pinned public key, "ssh-ed25519 AAAA…"."""
    port: int = 22
    user: str = "ops"


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """The Slack app; tokens come from SLACK_BOT_TOKEN, SLACK_APP_TOKEN and SLACK_SIGNING_SECRET."""

    team: str
    channel: str
    """The channel's id, where cards and results go."""
    channel_name: str = "deploys"
    mode: str = "socket"
    """"socket" (Socket Mode) or "http" (signed HTTP)."""
    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    api_url: str = "https://slack.com/api/"
    """From SLACK_API_URL."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the bot is told, checked."""

    environments: Mapping[str, Environment]
    default_environment: str
    hosts: Mapping[str, HostSettings]
    people: People
    artifacts: str
    """A directory, an https:// address, or s3://bucket/prefix: where index.json and the tar.gz files lie."""
    slack: SlackSettings | None
    """None where only the command line is used."""
    redis_url: str = field(default="", repr=False)
    """From CHOM_REDIS_URL, with its password."""
    redis_without_aof: bool = False
    """Serve on a Redis that forgets: [redis] i_accept_losing_approvals = true."""
    ssh_key: str = ""
    """Path of the bot's private key."""
    state_dir: str = ""
    """Where fetched artifacts are kept."""
    listen: str = "127.0.0.1:8080"
    """Where aiohttp listens: health, and Slack's requests in http mode."""
    instance: str = ""
    """This bot's name among several; the host name by default. A restart keeps it."""
    rules: str = ""
    """Path of a rules table; the shipped one by default."""
    patience: float = 120.0
    """Seconds for which a host that does not answer is tried before a run turns back."""
    redelivery: float = 10.0
    """Seconds after which another worker takes over the runs of a dead one."""
