"""The composition root: the only place where real adapters are made and tied to each other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from actions.engine.artifacts import artifacts as artifact_source
from actions.engine.clock import SystemClock
from actions.engine.metrics import PrometheusMetrics
from actions.engine.ports import Artifacts, Clock, Hosts, Prober, World
from actions.engine.prober import HttpProber
from actions.engine.registry import Registry
from actions.engine.scrapes import PrometheusScrapes
from actions.engine.ssh import HostLogin, SshHosts
from actions.engine.telemetry import Metrics, NoScrapes
from actions.host import packed
from bot.config import Settings
from bot.configs import Vault, keys_of
from bot.desk.desk import Desk
from bot.desk.looking import Looking
from bot.desk.planning import Planning
from bot.desk.roster import Roster
from bot.evidence import Source
from bot.evidence.checks import Checks, OnBranch
from bot.evidence.drill import Drills
from bot.evidence.github import GitHub, Repository
from bot.evidence.staging import Staging
from bot.redact import redactor
from bot.store import Store
from bot.vocabulary import typed_in_slack
from bot.watching import Watching
from bot.watching.eyes import Eyes
from bot.work import Work
from policies import rules


@dataclass(frozen=True, slots=True)
class Bot:
    """Everything, tied together and not yet started."""

    settings: Settings
    store: Store
    world: World
    work: Work
    desk: Desk
    watching: Watching
    drills: Drills
    vault: Vault
    metrics: Metrics | None

    async def close(self) -> None:
        """Close what was opened, in the reverse order."""
        await self.world.hosts.close()
        await self.store.close()


def agent_sha256() -> str:
    """sha256 of the chom-host that this bot brings: what every server has to run."""
    return hashlib.sha256(packed()).hexdigest()


def logins(settings: Settings) -> dict[str, HostLogin]:
    """How to reach each server of the configuration."""
    key = Path(settings.ssh_key)
    return {
        host.name: HostLogin(host.name, host.address, host.port, host.user, host.host_key, key)
        for host in settings.hosts.values()
    }


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """The values that may never be shown."""
    slack = settings.slack
    tokens = (slack.bot_token, slack.app_token, slack.signing_secret) if slack else ()
    github = (settings.github.token,) if settings.github else ()
    keys = settings.config_key.replace(",", " ").split()
    return (settings.redis_url, *keys, *tokens, *github)


def build(
    settings: Settings,
    *,
    hosts: Hosts | None = None,
    artifacts: Artifacts | None = None,
    prober: Prober | None = None,
    clock: Clock | None = None,
    metrics: Metrics | None = None,
    registry: Registry | None = None,
) -> Bot:
    """Tie the parts together; a port that is given takes the place of the real adapter. Does no I/O.

    `registry` is what can be typed, where that is more than in Slack.
    """
    clock = clock or SystemClock()
    artifacts = artifacts or artifact_source(settings.artifacts, Path(settings.state_dir) / "artifacts")
    store = Store(settings.redis_url)
    vault = Vault(store, keys_of(settings.config_key))
    hosts = hosts or SshHosts(
        logins(settings),
        agent_sha256(),
        artifacts.open,
        vault.open,
        connects=settings.connects_at_once,
        uploads=settings.uploads_at_once,
    )
    metrics = metrics or (PrometheusMetrics(settings.prometheus) if settings.prometheus else None)
    world = World(
        hosts=hosts,
        artifacts=artifacts,
        journals=store,
        prober=prober or HttpProber(),
        clock=clock,
        at_once=settings.servers_at_once,
        scrapes=PrometheusScrapes(metrics, clock) if metrics else NoScrapes(),
        patience=settings.patience,
        redact=redactor(secrets_of(settings)),
    )
    work = Work(
        world,
        store,
        instance=settings.instance,
        redelivery=settings.redelivery,
        redis_url=settings.redis_url,
        on_expire=lambda change: desk.lapse(change),
    )
    known = registry or typed_in_slack()
    planning = Planning(known, settings.environments, settings.default_environment, hosts, artifacts, vault)
    roster = _roster(settings, store)
    looking = Looking(planning, store, roster, clock)
    watching = Watching(looking, store, Eyes(planning, world.prober, metrics), clock, settings.look_every)
    drills = Drills(store, roster)
    sources = _sources(settings, watching, drills)
    table = rules.load(settings.rules or None)
    desk = Desk(planning, looking, store, work, table, roster, clock, sources, world.redact)
    return Bot(settings, store, world, work, desk, watching, drills, vault, metrics)


def _sources(settings: Settings, watching: Watching, drills: Drills) -> dict[str, Source]:
    """Where each kind of evidence comes from; what is not configured here has no source."""
    found: dict[str, Source] = {"drill": drills}
    if staging := [name for name, environment in settings.environments.items() if environment.staging]:
        found["staging"] = Staging(watching, staging)
    if (ours := settings.github) and ours.token:
        github = GitHub(Repository(ours.repository, ours.token, ours.api_url))
        found["checks"] = Checks(github, ours.branch, ours.checks)
        found["branch"] = OnBranch(github, ours.branch)
    return found


def _roster(settings: Settings, store: Store) -> Roster:
    slack = settings.slack
    if slack is None:
        return Roster(settings.people)
    return Roster(settings.people, team=slack.team, groups=slack.groups, memory=store)
