"""What the planners look at: the servers of one environment at one moment, an artifact, and what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actions.engine.analysis.limits import Limits
from actions.engine.migrations import Migration
from actions.engine.plan import Arg, Probe, Seen


class CannotPlan(Exception):
    """The request makes no plan; the message is a sentence for the person who asked."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release directory on a host. `activated` are Unix times (s) at which it became the one served."""

    id: str
    """The directory's name, YYYYmmdd_HHMMSS."""
    version: str
    commit: str
    sha256: str
    activated: tuple[int, ...] = ()
    migrations: tuple[str, ...] | None = None
    """Files in its database/migrations, without ".php"; None where the host does not say."""
    config: str = ""
    """The id of the environment file that its caches were built from, "" where the host does not know."""

    source: str = ""
    """The release whose code it has with another configuration; "" for one that was unpacked from an artifact."""

    @property
    def root(self) -> str:
        """The same for releases that differ by their configuration alone."""
        return self.source or self.id


@dataclass(frozen=True, slots=True)
class Differs:
    """Names of keys that a change of an environment file adds, changes and removes, each sorted; never a value."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted({*self.added, *self.changed, *self.removed}))


@dataclass(frozen=True, slots=True)
class Earlier:
    """An environment file that a host can go back to."""

    config: str
    """Its id on that host."""
    at: int
    """When it came into force, Unix time (s)."""
    differs: Differs
    """What going back to it does."""
    left: str = ""
    """The release with which the next one came into force: the same on every host; "" where it was written by hand."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """Edits of the environment file that were stored for an environment, and what they do on each of its hosts."""

    revision: str
    """As people call it, "cfg-7f3kq2"."""
    by: str
    """The id of the person who stored them."""
    sha256: str
    """Of the edits with their salt: what the host is told to expect."""
    differs: Mapping[str, Differs]
    """By the host's name."""


@dataclass(frozen=True, slots=True)
class Pools:
    """A server's second PHP-FPM, for a canary."""

    canary: str
    """The id of the release that it serves, "" for none."""
    running: bool
    weight: int
    """Per cent of the clients that have it now."""
    lapsed: int | None
    """Since when (Unix time, s) nobody has it because nobody renewed the weight; None where that is not so."""
    memory: int
    """Bytes that programs can still have."""
    needed: int
    """Bytes that the canary takes with all its workers; 0 where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Host:
    """One server as `survey` saw it."""

    name: str
    key: str
    agent: str
    """sha256 of the chom-host it runs."""
    current: str
    """The id of the release it serves, "" for none."""
    releases: tuple[Release, ...]
    migrations: tuple[str, ...]
    """Migrations known to be applied: those of the served release and those chom-host itself ran."""
    disk_free: int
    """Bytes free where releases lie."""
    fence: int
    pools: Pools | None = None
    """None for a server that cannot have a canary."""
    config: str = ""
    """The id of the environment file in force there (a keyed hash that says nothing of it); "" where unreadable."""
    config_keys: tuple[str, ...] = ()
    """The names in it."""
    earlier: tuple[Earlier, ...] = ()
    """Environment files that it can go back to, the latest first."""
    ran: Mapping[str, str] = field(default_factory=dict[str, str])
    """Each migration that chom-host itself applied -> the release of that deploy, before which the backup was made."""

    def release(self, id_: str) -> Release | None:
        """The kept release with that id."""
        return next((r for r in self.releases if r.id == id_), None)

    def history(self) -> tuple[Release, ...]:
        """Kept releases that were ever served, the latest activation first."""
        served = [r for r in self.releases if r.activated]
        return tuple(sorted(served, key=lambda r: r.activated[-1], reverse=True))

    def way_back(self) -> tuple[Release, ...]:
        """The kept releases that led to the served one, the latest first: what a rollback goes back through.

        Going back to a release leaves those that were served after it; they are on no way back any more. A release that
        differs from one on the way by its configuration alone takes its place: that goes back by `config undo`.
        """
        path: list[Release] = []
        activations = sorted((at, index) for index, r in enumerate(self.releases) for at in r.activated)
        for _, index in activations:
            _arrive(path, self.releases[index])
        if served := self.release(self.current):
            _arrive(path, served)
            path.pop()
        return tuple(reversed(path))


def _arrive(path: list[Release], release: Release) -> None:
    """Add the release to the path, or go back along it to where the release stands."""
    place = next((n for n, there in enumerate(path) if there.root == release.root), len(path))
    path[place:] = [release]


LOOK_EVERY_S = 5.0
"""How often a canary's counters are read: as often as the shipped Prometheus configuration scrapes them."""
LEAST_LOOKS = 3
"""A canary's stage in which the counters are read less often than this cannot be judged."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a number of Prometheus has to be below while the environment is watched."""

    what: str
    """Errors or latency, as people say it."""
    query: str
    """PromQL with one value: a share of requests, or seconds."""
    below: float


@dataclass(frozen=True, slots=True)
class Environment:
    """What configuration says of an environment."""

    name: str
    hosts: tuple[str, ...]
    migrate_on: str
    """The one host on which migrations run."""
    probes: tuple[Probe, ...]
    """Asked from outside after a switch; "{version}" in `contains` stands for the version served then."""
    health: str = "/health"
    """The path that PHP-FPM is asked for in the new release before anybody is sent there."""
    keep: int = 5
    """How many releases stay on a host."""
    reload: tuple[str, ...] = ()
    """Services that have to be reloaded after a switch; none in the normal path."""
    backup_days: int = 7
    """How long a backup of the database that a deploy makes is kept; 0 for deploys without one."""
    smoke: tuple[str, ...] = ()
    """What a server is asked of itself after a switch: "database", "queue"."""
    staging: bool = False
    """Whether a version that is healthy here is evidence for one that is to go elsewhere."""
    limits: tuple[Limit, ...] = ()
    """What is watched after a deploy besides the probes."""
    canary: Limits = field(default_factory=Limits)
    """What a canary may do here, and how long a stage lasts where the command does not say it."""
    look_every: float = LOOK_EVERY_S
    """Seconds between two looks at a canary's counters."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """The environment's hosts at one moment, in configuration order."""

    environment: Environment
    hosts: tuple[Host, ...]
    proposed: Proposed | None = None
    """Edits of the environment file, for an action that brings them."""
    reads: Mapping[str, Migration] = field(default_factory=dict[str, Migration])
    """What each migration does of which a file could be read, by its name."""

    def seen(self, pending: Mapping[str, tuple[str, ...]] | None = None) -> tuple[Seen, ...]:
        """What a plan's digest covers of these hosts."""
        todo = pending or {}
        return tuple(Seen(h.name, h.key, h.current, todo.get(h.name, ())) for h in self.hosts)

    def host(self, name: str) -> Host:
        """The host of that name; KeyError where there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A built version: a tar.gz and what its index and its own listing say of it."""

    version: str
    commit: str
    sha256: str
    size: int
    """Bytes of the tar.gz."""
    migrations: tuple[str, ...] = ()
    """File names under database/migrations, without ".php", sorted."""
    made: datetime | None = None
    """When it was built; None where its source does not say."""


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked, as the registry parsed it."""

    action: str
    environment: str
    at: datetime
    """When (UTC). The release id of a deploy is made from it, so that planning again gives the same plan."""
    arguments: Mapping[str, Arg] = field(default_factory=dict[str, Arg])
    reason: str = ""
    text: str = ""
    """As it was typed."""
    category: int = 0
    """The least that was asked for, 1 to 3; 0 for what the rules say."""
    emergency: str = ""
    """Why it cannot wait; "" where it can."""
