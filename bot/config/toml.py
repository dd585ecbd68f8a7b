"""The shape of chom.toml, table by table, and what each value has to look like."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from actions.engine.analysis.limits import MOST_HICCUPS, Limits
from actions.engine.fleet import LOOK_EVERY_S
from actions.engine.registry.advice import nearest
from actions.host.chom_host.settings import SITE
from policies.change import Role

NAME = re.compile(r"^[a-z][a-z0-9-]{0,31}$")
ACCOUNT = re.compile(r"^[TE][A-Z0-9]+:[UW][A-Z0-9]+$")


def _name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError("lower-case letters, digits and hyphens, for example app1")
    return value


def _account(value: str) -> str:
    if not ACCOUNT.match(value):
        raise ValueError('"TEAM:USER" with Slack\'s ids, for example "T0123ABC:U0456DEF"')
    return value


def _host_key(value: str) -> str:
    kind, _, body = value.partition(" ")
    try:
        blob = base64.b64decode(body.split(" ")[0], validate=True)
    except binascii.Error:
        blob = b""
    if not kind.startswith(("ssh-", "ecdsa-")) or kind.encode() not in blob[:40]:
        raise ValueError('the public key that "ssh-keyscan -t ed25519 ADDRESS" prints, "ssh-ed25519 AAAA…"')
    return f"{kind} {body.split(' ')[0]}"


def _like(pattern: str, said: str) -> AfterValidator:
    """Text that matches from its beginning to its end, or a fault that says what it has to be."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise ValueError(said)
        return value

    return AfterValidator(check)


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError('an address and a port, for example "127.0.0.1:8080"')
    return value


def _url(value: str) -> str:
    if not re.match(r"^https?://[^\s/]+", value):
        raise ValueError('an address that begins with "https://" or "http://"')
    return value


def _probed(value: str) -> str:
    if "{" in value or "}" in value:
        raise ValueError('an address as it is asked for; "{version}" is filled in nowhere but in contains')
    return value


def _contained(value: str) -> str:
    for name in re.findall(r"\{([A-Za-z_]+)\}", value):
        if name != "version":
            near = f', and probably meant where "{{{name}}}" stands' if nearest(name, ["version"]) else ""
            raise ValueError(f'text in which "{{version}}" is the only word in braces{near}')
    return value


def _source(value: str) -> str:
    if not re.match(r"^(https?://|s3://[a-z0-9.-]+|/|\./)", value):
        raise ValueError('a directory ("/srv/artifacts"), "https://…" or "s3://bucket/prefix"')
    return value


Name = Annotated[str, AfterValidator(_name)]
Url = Annotated[str, AfterValidator(_url)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BotTable(_Table):
    """[bot]: where this bot listens and keeps its files."""

    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8080"
    instance: str = Field(default="", max_length=64)
    state_dir: str = "/var/lib/chom-bot"
    ssh_key: str = "/etc/chom-bot/id_ed25519"
    patience: float = Field(default=120.0, ge=1, le=3600)
    redelivery: float = Field(default=10.0, ge=2, le=600)
    servers_at_once: int = Field(default=256, ge=1, le=10_000)
    uploads_at_once: int = Field(default=128, ge=1, le=10_000)
    connects_at_once: int = Field(default=32, ge=1, le=1000)
    rules: str = ""
    default_environment: str = ""
    remind_after: float = Field(default=1800.0, ge=0, le=86_400)
    look_every: float = Field(default=10.0, ge=0.2, le=30)


class SlackTable(_Table):
    """[slack]: the workspace and the channel."""

    team: Annotated[str, _like(r"[TE][A-Z0-9]+", 'the workspace\'s id, for example "T0123ABCD"')]
    channel: Annotated[str, _like(r"[CG][A-Z0-9]+", 'the channel\'s id, not its name, for example "C0123ABCD"')]
    channel_name: str = "deploys"
    mode: Literal["socket", "http"] = "socket"
    groups: dict[
        Annotated[Role, Field(strict=False)],
        Annotated[str, _like(r"S[A-Z0-9]+", 'a user group\'s id, not its name, for example "S0123ABCD"')],
    ] = Field(default_factory=dict[Role, str])


class RedisTable(_Table):
    """[redis]: what is accepted of it; its address is CHOM_REDIS_URL."""

    i_accept_losing_approvals: bool = False


class ArtifactsTable(_Table):
    """[artifacts]: where versions come from."""

    source: Annotated[str, AfterValidator(_source)]


class ProbeTable(_Table):
    """One request from outside that has to pass after a switch."""

    url: Annotated[Url, AfterValidator(_probed)]
    status: int = Field(default=200, ge=100, le=599)
    contains: Annotated[str, AfterValidator(_contained)] = ""
    within: float = Field(default=5.0, gt=0, le=60)


class LimitTable(_Table):
    """A number of Prometheus that has to be below `below` while an environment is watched."""

    query: str = Field(min_length=1)
    below: float = Field(gt=0)


class GitHubTable(_Table):
    """[github]: whose checks and branch are evidence; the token is CHOM_GITHUB_TOKEN."""

    repository: Annotated[str, _like(r"[\w.-]+/[\w.-]+", 'owner and name, for example "example/chom"')]
    branch: Annotated[str, _like(r"[\w./-]+", 'a branch, for example "main"')] = "main"
    checks: list[str] = Field(default_factory=list[str])
    api_url: Annotated[str, AfterValidator(_url)] = "https://api.github.com"


class PrometheusTable(_Table):
    """[prometheus]: where errors and latency are asked for."""

    url: Annotated[str, AfterValidator(_url)]


_SEED = Limits()


class LimitsTable(_Table):
    """[environments.NAME.canary]: actions/engine/analysis/limits.py says what each of them does.

    What is slow is no word of it: it is counted on the servers, and said there, in [hosts.NAME.canary].
    """

    look_every: float = Field(default=LOOK_EVERY_S, ge=0.5, le=60)
    stage: float = Field(default=_SEED.stage, ge=1, le=86_400)
    share: float = Field(default=_SEED.share, ge=0.0001, le=0.9999)
    healthy: float = Field(default=_SEED.healthy, ge=0.0001, le=0.9999)
    least: int = Field(default=_SEED.least, ge=1, le=1_000_000)
    extensions: int = Field(default=_SEED.extensions, ge=0, le=100)
    evidence: float = Field(default=_SEED.evidence, ge=1, le=1e9)
    steady: float = Field(default=_SEED.steady, ge=1, le=1e9)
    faults: int = Field(default=_SEED.faults, ge=1, le=1000)
    hiccups: int = Field(default=_SEED.hiccups, ge=0, le=MOST_HICCUPS)
    stuck: float = Field(default=_SEED.stuck, ge=1, le=3600)
    stale: float = Field(default=_SEED.stale, ge=1, le=3600)
    blind: float = Field(default=_SEED.blind, ge=1, le=3600)
    patience: float = Field(default=_SEED.patience, ge=1, le=86_400)


class EnvironmentTable(_Table):
    """[environments.NAME]."""

    hosts: list[str] = Field(min_length=1)
    probes: list[ProbeTable] = Field(min_length=1)
    migrate_on: str = ""
    health: Annotated[str, _like(r"/[A-Za-z0-9._/-]*", 'a path that begins with "/", for example "/health"')] = (
        "/health"
    )
    keep: int = Field(default=5, ge=2, le=100)
    reload: list[str] = Field(default_factory=list[str])
    backup_days: int = Field(default=7, ge=0, le=3650)
    smoke: list[Literal["database", "queue"]] = Field(default_factory=list[Literal["database", "queue"]])
    default: bool = False
    staging: bool = False
    errors: LimitTable | None = None
    latency: LimitTable | None = None
    canary: LimitsTable = Field(default_factory=LimitsTable)


class CanaryTable(_Table):
    """[hosts.NAME.canary]."""

    pool: Annotated[str, _like(r"[A-Za-z0-9][A-Za-z0-9_.-]*", 'a pool of PHP-FPM, for example "www"')] = "www"
    files: list[Annotated[str, _like(r"[A-Za-z0-9][A-Za-z0-9_.-]*", 'a file of pool.d, for example "www.conf"')]] = (
        Field(default_factory=list[str])
    )
    prometheus: list[Annotated[str, _like(r"[0-9a-fA-F.:/]+", 'an address, for example "10.0.0.12"')]] = Field(
        default_factory=list[str]
    )
    port: int = Field(default=9254, ge=1, le=65535)
    slow: float = Field(default=2.0, gt=0, le=60)
    site: Annotated[str, _like(SITE.pattern, 'where nginx listens, for example "https://127.0.0.1:8443"')] = ""


class HostTable(_Table):
    """[hosts.NAME]."""

    address: Annotated[str, _like(r"[A-Za-z0-9.:_-]+", 'a host name or an IP address, for example "10.0.0.11"')]
    host_key: Annotated[str, AfterValidator(_host_key)]
    port: int = Field(default=22, ge=1, le=65535)
    user: Annotated[str, _like(r"[a-z_][a-z0-9_-]*", 'a Unix login, for example "ops"')] = "ops"
    group: Annotated[str, _like(r"[a-z_][a-z0-9_-]*", 'a Unix group, for example "www-data"')] = "www-data"
    php: Annotated[str, _like(r"[0-9]\.[0-9]{1,2}", 'a version of PHP, for example "8.2"')] = "8.2"
    layout: dict[str, object] = Field(default_factory=dict[str, object])
    canary: CanaryTable | None = None


class PersonTable(_Table):
    """[people.ID]."""

    name: str = Field(min_length=1, max_length=80)
    roles: list[Annotated[Role, Field(strict=False)]] = Field(default_factory=list[Role])
    slack: list[Annotated[str, AfterValidator(_account)]] = Field(default_factory=list[str])
    unix: list[str] = Field(default_factory=list[str])


class ChomToml(_Table):
    """The whole file."""

    bot: BotTable = Field(default_factory=BotTable)
    slack: SlackTable | None = None
    redis: RedisTable = Field(default_factory=RedisTable)
    artifacts: ArtifactsTable
    github: GitHubTable | None = None
    prometheus: PrometheusTable | None = None
    environments: dict[Name, EnvironmentTable] = Field(min_length=1)
    hosts: dict[Name, HostTable] = Field(min_length=1)
    people: dict[Name, PersonTable] = Field(min_length=1)
