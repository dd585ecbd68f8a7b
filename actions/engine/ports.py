"""What the runner asks of the outside world; the adapters (ssh, artifacts, store, probes) answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, Differs, Host
from actions.engine.journal import Entry, Way
from actions.engine.plan import Call, Plan, Probe
from actions.engine.telemetry import NoScrapes, Scrapes


class Unreachable(Exception):
    """The host did not answer, or the connection broke: whether an effect happened is unknown until asked."""

    def __init__(self, host: str, tried: str, advice: str = "") -> None:
        super().__init__(f"{host} does not answer: {tried}.{' ' + advice if advice else ''}")
        self.host, self.tried, self.advice = host, tried, advice


class Fenced(Exception):
    """A newer walker has taken over: the one that meets this stops at once and touches nothing more."""

    def __init__(self, mine: int, current: int, where: str) -> None:
        super().__init__(f"fence {mine} is behind {current} at {where}")
        self.mine, self.current, self.where = mine, current, where


class Conflict(Exception):
    """Somebody appended first: read the journal again and decide again."""


class Occupied(Exception):
    """The environment is locked by another open run."""

    def __init__(self, run: str) -> None:
        super().__init__(f"run {run} holds the environment")
        self.run = run


class HostRefused(Exception):
    """chom-host refused the request (bad argument, wrong checksum, bad archive); nothing was done."""

    def __init__(self, host: str, code: str, message: str) -> None:
        super().__init__(message)
        self.host, self.code, self.message = host, code, message


class LostJob(Exception):
    """The host has a claim for the job but neither a result nor its live process: what it did is unknown."""

    def __init__(self, host: str, job: str, applied: tuple[str, ...] = ()) -> None:
        super().__init__(f"{host} lost {job}")
        self.host, self.job = host, job
        self.applied = applied
        """Migrations that its output names; there may be one more, begun and not named."""


@dataclass(frozen=True, slots=True)
class Job:
    """One effect on one host. `id` is run/step/way: never fence or worker, so that it is claimed once."""

    id: str
    call: Call
    fence: int
    timeout: int
    """Seconds, enforced by the host."""
    log: str
    """Stem of the file in /var/log/chom, for example "deployment_20261123_222151"."""
    retry_lost: bool = False
    """Run a job that the host lost once more (the step's `again` rule or a person said so)."""


def job_id(run: str, step: str, way: Way) -> str:
    """The id of the job that does that step of that run, or undoes it."""
    return f"{run}/{step}/{way}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a job ended with, as chom-host recorded it."""

    ok: bool
    summary: str
    lines: tuple[str, ...] = ()
    """The last lines of its output, 20 at most."""
    applied: tuple[str, ...] = ()
    """Migrations applied by it."""


@dataclass(frozen=True, slots=True)
class JobLog:
    """What a job has written on its host."""

    lines: tuple[str, ...]
    left_off: int = 0
    """Lines before them that were let go, since it was too long."""


OnLine = Callable[[str], None]
OnBytes = Callable[[int, int], None]
"""Called with (bytes sent, bytes in all)."""


class Hosts(Protocol):
    """chom-host on each server of the configuration, by the host's name."""

    async def survey(self, host: str) -> Host:
        """Read-only look. Raises Unreachable, HostRefused."""
        ...

    async def raise_fence(self, host: str, fence: int) -> int:
        """Refuse every lower fence from now on. Returns the host's fence; raises Fenced where it was higher."""
        ...

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        """Begin the job, or join it where the host knows it, and follow it to its end.

        Raises Unreachable, Fenced, LostJob, HostRefused. Idempotent: ask as often as need be.
        """
        ...

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        """Follow the job to its end where the host knows it; never begin it. None where it never began.

        Once the host's fence was raised, None proves that it never will. Raises Unreachable, LostJob, HostRefused.
        """
        ...

    async def log(self, host: str, job: str, most: int) -> JobLog | None:
        """What the job of that id has written, of its end `most` bytes at most. None where it never began.

        Changes nothing and needs no fence. Raises Unreachable (also for a job that runs on), HostRefused.
        """
        ...

    async def route(self, host: str, weight: int, fence: int) -> datetime | None:
        """Send `weight` percent of users to the canary there, for two minutes at most; 0 for nobody, at once.

        Called again before that it goes on. Returns since when everybody was back on stable because nobody called,
        None where that was not so. Raises Unreachable, Fenced, HostRefused (a server without a canary pool).
        """
        ...

    async def expect_upload(self, host: str) -> None:
        """An artifact will very likely be uploaded there within minutes: get ready for it. Changes nothing there.

        Raises Unreachable, HostRefused.
        """
        ...

    async def upload(self, host: str, artifact: Artifact, on_bytes: OnBytes) -> None:
        """See that the artifact lies on the host, checked by its sha256. Raises Unreachable, HostRefused."""
        ...

    async def differs(self, host: str, edits: bytes) -> Differs:
        """What these edits would change in the host's environment file. Raises Unreachable, HostRefused."""
        ...

    async def upload_config(self, host: str, revision: str) -> None:
        """See that the revision's edits lie on the host. Raises Unreachable, HostRefused, CannotPlan."""
        ...

    async def close(self) -> None: ...


class Artifacts(Protocol):
    """Where versions come from: a directory, HTTPS or an S3 bucket."""

    async def versions(self) -> Sequence[Artifact]:
        """All there are, newest first, without their migrations."""
        ...

    async def resolve(self, version: str) -> Artifact:
        """The version with its tar.gz fetched, its sha256 checked and its migrations listed.

        Raises fleet.CannotPlan with a sentence (unknown version, wrong checksum, unsafe archive).
        """
        ...

    async def contents(self, sha256: str) -> Contents:
        """What is in the artifact with that sha256. Raises fleet.CannotPlan with a sentence."""
        ...

    async def open(self, artifact: Artifact) -> str:
        """Path of the checked tar.gz on the bot's machine."""
        ...


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is stored of a run beside its journal; the run has the id of its change."""

    id: str
    plan: Plan
    opened: datetime

    @property
    def log(self) -> str:
        """Stem of the file that its jobs write in /var/log/chom, for example "deployment_20261123_222151"."""
        return f"{self.plan.facts.get('log') or self.plan.action}_{self.opened:%Y%m%d_%H%M%S}"


class Journals(Protocol):
    """The journals and fences of all runs."""

    async def record(self, run: str) -> RunRecord:
        """KeyError where there is no such run."""
        ...

    async def read(self, run: str) -> list[Entry]: ...

    async def fence(self, environment: str) -> int:
        """The environment's current fence, 0 where it never had one."""
        ...

    async def take_fence(self, environment: str, above: int) -> int:
        """max(store's, above) + 1, atomically, and from now on every lower one is refused."""
        ...

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        """Write entries as numbers seq+1… of the journal, all or none, durably, once.

        `seq` is how many entries the caller has read. `fence` is None for a person's entries.
        Raises Conflict, Fenced. An append whose answer was lost is recognised and not repeated.
        """
        ...


@dataclass(frozen=True, slots=True)
class Passed:
    """What one probe saw."""

    ok: bool
    why: str
    """In words: "HTTP 502", "answers v1.1, not v1.2"."""
    answered: bool = True
    """Whether an HTTP answer came at all."""


class Prober(Protocol):
    async def probe(self, probe: Probe) -> Passed:
        """One request from the bot's machine; never raises for what the other side does."""
        ...


class Clock(Protocol):
    """The only time there is for the runner and the desk."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class World:
    """All that a walk needs; made once in bot/app.py, or by a test."""

    hosts: Hosts
    artifacts: Artifacts
    journals: Journals
    prober: Prober
    clock: Clock
    at_once: int = 256
    """Hosts that one step works on at the same time: their jobs cost this machine little, and a host that does not
    answer keeps its place until patience has ended, so a small number lets few hold up all."""
    scrapes: Scrapes = field(default_factory=NoScrapes)
    patience: float = 120.0
    """Seconds for which a host that does not answer is tried again before the run turns back."""
    redact: Callable[[str], str] = field(default=lambda line: line)
    on_line: Callable[[str, str, str, str], None] = field(default=lambda run, step, host, line: None)
    """Live output, not journalled: (run, step, host, line)."""
