"""chom.toml and the environment's secrets -> frozen settings; every fault at once, each with its line."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from redis.asyncio.connection import parse_url

from actions.engine.fleet import Environment, Limit
from actions.engine.located_toml import Located, TomlFault, parse
from actions.engine.plan import Probe
from bot.config.canary import limits_of
from bot.config.cross import cross_faults, table_at
from bot.config.faults import Fault, in_words, not_toml
from bot.config.servers import HostSettings, host_settings
from bot.config.toml import ChomToml, EnvironmentTable, GitHubTable, HostTable, PersonTable, SlackTable
from policies.change import Account, People, Person, Role

_REDIS = '"redis://:PASSWORD@127.0.0.1:6379/0"'


class BrokenConfig(Exception):
    """`faults` are sentences, each beginning with "chom.toml:LINE: ", in the order of their lines."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class SlackSettings:
    """The Slack app; tokens come from SLACK_BOT_TOKEN, SLACK_APP_TOKEN and SLACK_SIGNING_SECRET."""

    team: str
    channel: str
    """The channel's id, where cards and results go."""
    channel_name: str = "deploys"
    mode: str = "socket"
    """"socket" (Socket Mode) or "http" (signed HTTP)."""
    groups: Mapping[Role, str] = field(default_factory=dict[Role, str])
    """Roles that only the members of a user group have, and that group's id."""
    bot_token: str = field(default="", repr=False)
    app_token: str = field(default="", repr=False)
    signing_secret: str = field(default="", repr=False)
    api_url: str = "https://slack.com/api/"
    """From SLACK_API_URL."""


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """The repository whose checks and branch are evidence."""

    repository: str
    """ "owner/name"."""
    branch: str
    """The protected one."""
    checks: tuple[str, ...]
    """Required checks; () for those that the branch's protection requires."""
    api_url: str
    token: str = field(default="", repr=False)
    """From CHOM_GITHUB_TOKEN."""


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
    config_key: str = field(default="", repr=False)
    """From CHOM_CONFIG_KEY: what edits of environment files are encrypted with, the newest key first; "" for none."""
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
    servers_at_once: int = 256
    """Servers that one step works on at the same time."""
    uploads_at_once: int = 128
    """Servers that are sent an artifact at the same time."""
    connects_at_once: int = 32
    """SSH handshakes that are under way at the same time."""
    github: GitHubSettings | None = None
    prometheus: str = ""
    """The address of Prometheus; "" where errors and latency are not watched."""
    look_every: float = 10.0
    """Seconds between two looks at an environment that is watched."""
    remind_after: float = 1800.0
    """Seconds after which those who could approve a change are reminded of it, once; 0 for never."""
    redelivery: float = 10.0
    """Seconds after which another worker takes over the runs of a dead one."""


class Secrets(Enum):
    """Which of the environment's secrets have to be there."""

    ALL = "all"
    REDIS = "Redis"
    """For the desk in a shell: Slack may be down."""
    NONE = "none"


def load(path: Path, env: Mapping[str, str], *, secrets: Secrets = Secrets.ALL) -> Settings:
    """Read chom.toml and the secrets of the environment.

    Raises BrokenConfig with every fault there is, FileNotFoundError where there is no such file.
    """
    located = _parsed(path)
    faults: list[Fault] = []
    toml: ChomToml | None = None
    try:
        toml = ChomToml.model_validate(located.data)
    except ValidationError as wrong:
        faults += [in_words(located, dict(error)) for error in wrong.errors()]
    faults += cross_faults(located)
    if secrets is not Secrets.NONE:
        faults += [(0, said) for said in _missing_redis(env)]
    if secrets is Secrets.ALL and "slack" in located.data:
        faults += [(0, said) for said in _missing_tokens(table_at(located.data, "slack"), env)]
    if secrets is Secrets.ALL and "github" in located.data:
        faults += [(0, said) for said in _missing_github(env)]
    if faults or toml is None:
        raise BrokenConfig(tuple(f"{path.name}:{n}: {said}" if n else said for n, said in sorted(set(faults))))
    return _settings(toml, env, path.parent)


def _parsed(path: Path) -> Located:
    """The file as TOML. Raises BrokenConfig in a sentence for everything else that can lie there."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise
    except IsADirectoryError:
        raise BrokenConfig(
            (f"{path} is a directory; name the file in it, for example {path / 'chom.toml'}.",)
        ) from None
    except OSError as fault:
        raise BrokenConfig((f"{path} cannot be read: {fault.strerror or fault}.",)) from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        raise BrokenConfig((f"{path.name}:{line}: this is not UTF-8; save the file as UTF-8.",)) from None
    try:
        located = parse(text)
    except TomlFault as fault:
        raise BrokenConfig((f"{path.name}:{fault.line}: {not_toml(text, fault)}",)) from None
    if not located.data:
        raise BrokenConfig((f'{path} holds no settings. README shows a whole chom.toml, under "Put it to work".',))
    return located


def _missing_redis(env: Mapping[str, str]) -> Iterator[str]:
    if not (redis := env.get("CHOM_REDIS_URL")):
        yield f"CHOM_REDIS_URL is not set: the address of the bot's own Redis, {_REDIS}."
    elif not _is_redis(redis):
        yield f"CHOM_REDIS_URL is no address of a Redis; it has to look like {_REDIS}."


def _missing_github(env: Mapping[str, str]) -> Iterator[str]:
    if not env.get("CHOM_GITHUB_TOKEN"):
        yield "CHOM_GITHUB_TOKEN is not set: a token that may read the repository's checks and contents."


def _missing_tokens(slack: Mapping[str, Any], env: Mapping[str, str]) -> Iterator[str]:
    if not env.get("SLACK_BOT_TOKEN", "").startswith("xoxb-"):
        yield 'SLACK_BOT_TOKEN is not set to a bot token ("xoxb-…").'
    http = slack.get("mode") == "http"
    if not http and not env.get("SLACK_APP_TOKEN", "").startswith("xapp-"):
        yield 'SLACK_APP_TOKEN is not set to an app-level token ("xapp-…"), which Socket Mode needs.'
    if http and not env.get("SLACK_SIGNING_SECRET"):
        yield "SLACK_SIGNING_SECRET is not set, and requests from Slack cannot be told from forged ones."


def _is_redis(url: str) -> bool:
    try:
        parse_url(url)
    except ValueError:
        return False
    return True


def _settings(toml: ChomToml, env: Mapping[str, str], base: Path) -> Settings:
    environments = {name: _environment(name, table, toml.hosts) for name, table in toml.environments.items()}
    marked = next((name for name, table in toml.environments.items() if table.default), "")
    fallback = "production" if "production" in environments else next(iter(environments))
    hosts = {n: host_settings(n, t) for n, t in toml.hosts.items()}
    return Settings(
        environments=environments,
        default_environment=toml.bot.default_environment or marked or fallback,
        hosts=hosts,
        people={id_: _person(id_, table) for id_, table in toml.people.items()},
        artifacts=toml.artifacts.source,
        slack=_slack(toml.slack, env) if toml.slack else None,
        redis_url=env.get("CHOM_REDIS_URL", ""),
        config_key=env.get("CHOM_CONFIG_KEY", ""),
        redis_without_aof=toml.redis.i_accept_losing_approvals,
        ssh_key=str(base / toml.bot.ssh_key),
        state_dir=str(base / toml.bot.state_dir),
        listen=toml.bot.listen,
        instance=toml.bot.instance or socket.gethostname(),
        rules=str(base / toml.bot.rules) if toml.bot.rules else "",
        patience=toml.bot.patience,
        redelivery=toml.bot.redelivery,
        servers_at_once=toml.bot.servers_at_once,
        uploads_at_once=toml.bot.uploads_at_once,
        connects_at_once=toml.bot.connects_at_once,
        github=_github(toml.github, env) if toml.github else None,
        prometheus=toml.prometheus.url if toml.prometheus else "",
        look_every=toml.bot.look_every,
        remind_after=toml.bot.remind_after,
    )


def _environment(name: str, table: EnvironmentTable, hosts: Mapping[str, HostTable]) -> Environment:
    return Environment(
        name,
        tuple(table.hosts),
        table.migrate_on or table.hosts[0],
        tuple(Probe(p.url, p.status, p.contains, p.within) for p in table.probes),
        table.health,
        table.keep,
        tuple(table.reload),
        table.backup_days,
        tuple(table.smoke),
        staging=table.staging,
        limits=tuple(
            Limit(what, limit.query, limit.below)
            for what, limit in (("errors", table.errors), ("latency", table.latency))
            if limit
        ),
        canary=limits_of(table.canary, [pool for host in table.hosts if (pool := hosts[host].canary)]),
        look_every=table.canary.look_every,
    )


def _github(table: GitHubTable, env: Mapping[str, str]) -> GitHubSettings:
    token = env.get("CHOM_GITHUB_TOKEN", "")
    return GitHubSettings(table.repository, table.branch, tuple(table.checks), table.api_url.rstrip("/"), token)


def _person(id_: str, table: PersonTable) -> Person:
    accounts = tuple(Account(*account.split(":")) for account in table.slack)
    return Person(id_, table.name, frozenset(table.roles), accounts, tuple(table.unix))


def _slack(table: SlackTable, env: Mapping[str, str]) -> SlackSettings:
    url = env.get("SLACK_API_URL", "https://slack.com/api/")
    return SlackSettings(
        team=table.team,
        channel=table.channel,
        channel_name=table.channel_name,
        mode=table.mode,
        groups=table.groups,
        bot_token=env.get("SLACK_BOT_TOKEN", ""),
        app_token=env.get("SLACK_APP_TOKEN", ""),
        signing_secret=env.get("SLACK_SIGNING_SECRET", ""),
        api_url=url if url.endswith("/") else url + "/",
    )
