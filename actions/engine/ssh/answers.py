"""What chom-host answers, read strictly, and what it means for the runner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from pydantic import TypeAdapter, ValidationError

from actions.engine.fleet import Differs, Earlier, Pools, Release
from actions.engine.ports import Fenced, HostRefused, Job, LostJob, Result, Unreachable
from actions.engine.ssh.channel import Refusal

LINE = 2000
"""Characters of a line that are passed on."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A release on the host."""

    id: str
    version: str
    commit: str
    sha256: str
    activated: list[int]
    migrations: list[str] | None = None
    config: str = ""
    source: str = ""

    def release(self) -> Release:
        """As the planner knows it."""
        known = None if self.migrations is None else tuple(self.migrations)
        at = tuple(self.activated)
        return Release(self.id, self.version, self.commit, self.sha256, at, known, self.config, self.source)


@dataclass(frozen=True, slots=True)
class Names:
    """Names of keys of an environment file."""

    added: list[str]
    changed: list[str]
    removed: list[str]

    def differs(self) -> Differs:
        """As the planner knows it."""
        return Differs(tuple(self.added), tuple(self.changed), tuple(self.removed))


@dataclass(frozen=True, slots=True)
class Kept(Names):
    """An environment file that the host can go back to, and what going back to it does."""

    config: str
    at: int
    left: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The answer to `survey`."""

    current: str
    releases: list[Listed]
    migrations: list[str]
    disk_free: int
    fence: int
    ran: dict[str, str] = field(default_factory=dict[str, str])
    pools: Pools | None = None
    config: str = ""
    config_keys: list[str] = field(default_factory=list[str])
    configs: list[Kept] = field(default_factory=list[Kept])

    def earlier(self) -> tuple[Earlier, ...]:
        """As the planner knows it."""
        return tuple(Earlier(kept.config, kept.at, kept.differs(), kept.left) for kept in self.configs)


@dataclass(frozen=True, slots=True)
class State:
    """What became of a job."""

    state: Literal["running", "ended", "lost"]
    ok: bool = False
    summary: str = ""
    lines: list[str] | None = None
    applied: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """The answer to `fence`."""

    fence: int


@dataclass(frozen=True, slots=True)
class Holds:
    """The answer to `holds`."""

    holds: bool


@dataclass(frozen=True, slots=True)
class Routed:
    """The answer to `route`. `lapsed` is a Unix time (s)."""

    percent: int
    until: int
    lapsed: int | None = None


ADAPTERS: Mapping[type[Any], TypeAdapter[Any]] = {
    t: TypeAdapter(t) for t in (Survey, State, Fence, Holds, Names, Routed)
}


def raise_refusal(host: str, fault: Refusal, mine: int) -> NoReturn:
    """Raise what the error means: Unreachable for a host that is busy, Fenced, else HostRefused."""
    error = fault.error
    if error["code"] == "busy":
        raise Unreachable(host, error["message"]) from fault
    if error["code"] == "fenced":
        current = error.get("current")
        if type(current) is not int:
            raise nonsense(host, "“fenced” without the current fence") from fault
        raise Fenced(mine, current, host) from fault
    raise HostRefused(host, error["code"], f"{host}: {error['message']}") from fault


def result_of(host: str, job: Job, state: State) -> Result:
    """The result of a job that has ended. Raises LostJob; Unreachable for one that runs on."""
    match state.state:
        case "ended":
            lines = tuple(cut(line) for line in (state.lines or [])[-20:])
            return Result(state.ok, cut(state.summary), lines, tuple(state.applied or ()))
        case "lost":
            raise LostJob(host, job.id, tuple(state.applied or ()))
        case "running":
            raise Unreachable(host, f"it stopped following {job.id} before its end")


def cut(line: str) -> str:
    """The line, LINE characters of it at most."""
    return line if len(line) <= LINE else f"{line[:LINE]}… ({len(line) - LINE} characters more)"


def nonsense(host: str, what: str) -> HostRefused:
    """Whoever answers there is not chom-host."""
    return HostRefused(
        host,
        "protocol",
        f"{host} does not speak as chom-host does ({what}): look at what the forced command in authorized_keys "
        f"starts there, or run `chom-bot host install {host}`",
    )


def faults_of(fault: ValidationError) -> str:
    """The first fault of an answer, in a few words."""
    first = fault.errors(include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'answer'}: {first['msg']}"
