"""Servers, a store and a site as chom-host, Redis and users know them, in memory; jobs outlive whoever began them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actions.engine.fleet import Host, Pools, Release
from actions.engine.fold import State, fold
from actions.engine.journal import Answered, Ended, Entry, Opened, StopAsked
from actions.engine.plan import Plan, Probe
from actions.engine.ports import Conflict, Fenced, HostRefused, Job, LostJob, Passed, Result, RunRecord, Unreachable
from tests.runner.virtual import START, VirtualClock

RUN = "chg-7f3kq2"
OLD, NEW = "20261101_100000", "20261123_222151"
CLAIMED, EFFECTED, ENDED = "claimed", "effected", "ended"
"""The phases of a job on its server."""
LEASED = 90.0
"""Seconds after which a lease lapses that nobody refreshed."""
SECONDS = {CLAIMED: 1.0, EFFECTED: 1.0}
"""How long a job stays in a phase before the next."""


@dataclass
class ModelJob:
    """A claim and what came of it. `lost`: its process is gone, without a result."""

    job: Job
    phase: str = CLAIMED
    lost: bool = False
    result: Result | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.Task[None] | None = None
    claimed: datetime = field(default_factory=VirtualClock().now)

    def move(self) -> None:
        """Wake whoever follows."""
        self.moved.set()
        self.moved = asyncio.Event()


@dataclass(frozen=True)
class Lease:
    """Percent of users that go to the canary, from a moment on and for LEASED seconds."""

    at: datetime
    weight: int = 0

    @property
    def until(self) -> datetime:
        return self.at + timedelta(seconds=LEASED)

    def weight_at(self, now: datetime) -> int:
        return self.weight if now < self.until else 0


class Server:
    """One server with chom-host: fence check and claim are one step, and a job happens at most once."""

    def __init__(self, name: str, pending: Sequence[str] = ()) -> None:
        self.name, self.pending = name, tuple(pending)
        self.fence, self.current, self.releases = 0, OLD, {OLD}
        self.jobs: dict[str, ModelJob] = {}
        self.effects: list[tuple[str, str]] = []
        """(job id, verb) of everything that happened to this server, in order."""
        self.migrated: list[str] = []
        self.maintained = False
        """Whether users are told to come back."""
        self.config, self.edits = "old", set[str]()
        """Which environment file is in force, and the edits of it that lie here."""
        self.canary = ""
        """The release that the canary pool serves, "" while it is stopped."""
        self.lease = Lease(START)
        self.on = set[str]()
        """What the verb `act` set and `unact` took away again."""
        self.fails: dict[str, str] = {}
        """step/way -> the phase in which it fails: before its effect (CLAIMED) or after it (EFFECTED)."""
        self.loses: dict[str, list[str]] = {}
        """step/way -> phases in which the server loses it, one for each attempt."""
        self.refuses: dict[str, str] = {}
        """step/way -> the code with which its `begin` is refused."""
        self.up = asyncio.Event()
        self.up.set()
        self.cuts = 0

    # --- what happens to it --------------------------------------------------

    def cut(self) -> None:
        """Every connection breaks, and whoever follows a job notices; jobs go on."""
        self.cuts += 1
        for job in self.jobs.values():
            job.move()

    def down(self) -> None:
        """It no longer answers; jobs go on."""
        self.up.clear()
        self.cut()

    async def settle(self) -> None:
        """Until no job runs."""
        await asyncio.gather(*(job.process for job in self.jobs.values() if job.process))

    # --- chom-host -----------------------------------------------------------

    def check(self) -> None:
        """Raises Unreachable."""
        if not self.up.is_set():
            raise Unreachable(self.name, "no route to host", f"Look at {self.name}.")

    def raise_fence(self, fence: int) -> None:
        """Raises Fenced."""
        if fence < self.fence:
            raise Fenced(fence, self.fence, self.name)
        self.fence = fence

    def begin(self, job: Job) -> ModelJob:
        """Fence check and claim in one step; a job that is known is not begun again."""
        self.raise_fence(job.fence)
        step = short(job.id)
        if code := self.refuses.get(step):
            raise HostRefused(self.name, code, f"{self.name}: {code}")
        known = self.jobs.get(job.id)
        if known and not (known.lost and job.retry_lost):
            return known
        made = ModelJob(job)
        made.process = asyncio.create_task(self._process(made, step))
        self.jobs[job.id] = made
        return made

    async def _process(self, made: ModelJob, step: str) -> None:
        for phase in (CLAIMED, EFFECTED):
            await asyncio.sleep(SECONDS[phase])
            if self.loses.get(step, [None])[0] == phase:
                self.loses[step].pop(0)
                if not self.loses[step]:
                    del self.loses[step]
                made.lost = True
                return made.move()
            if self.fails.get(step) == phase:
                applied = self.pending if phase == EFFECTED and made.job.call.verb == "migrate" else ()
                made.result, made.phase = Result(False, "HTTP 500", ("line",), applied), ENDED
                return made.move()
            if phase == CLAIMED:
                self._effect(made.job)
                made.phase = EFFECTED
                made.move()
        applied = self.pending if made.job.call.verb == "migrate" else ()
        made.result, made.phase = Result(True, "done", ("a line",), applied), ENDED
        return made.move()

    def _effect(self, job: Job) -> None:
        verb, args = job.call.verb, job.call.args
        self.effects.append((short(job.id), verb))
        release = str(args.get("release", ""))
        match verb:
            case "stage" | "config_stage":
                assert verb == "stage" or (args["source"] in self.releases and args["revision"] in self.edits)
                self.releases.add(release)
            case "unstage":
                assert release != self.current, f"{self.name} would lose what it serves"
                self.releases.discard(release)
            case "migrate":
                self.migrated += self.pending
            case "health" | "canary_health":
                assert release in self.releases
                sent = self.lease.weight_at(VirtualClock().now())
                assert verb == "health" or (self.canary, sent) == (release, 0), "it is asked before anybody is there"
            case "switch":
                assert release in self.releases, f"{self.name} has no {release} to switch to"
                self.current = release
            case "canary_start":
                assert release in self.releases
                self.canary = release
            case "canary_stop":
                self.lease = Lease(VirtualClock().now())
                self.canary = ""
            case "config_apply" | "config_restore":
                assert verb == "config_restore" or self.current == release, "users have it before it is written down"
                self.config = "new" if verb == "config_apply" else "old"
            case "down":
                self.maintained = True
            case "up":
                self.maintained = False
            case "act":
                self.on.add(str(args["what"]))
            case "unact":
                self.on.discard(str(args["what"]))
            case "backup" | "restart" | "smoke" | "prune":
                pass
            case _:
                raise AssertionError(verb)

    def route(self, weight: int, fence: int) -> datetime | None:
        """Since when it had lapsed, None where it had not."""
        self.raise_fence(fence)
        now, before = VirtualClock().now(), self.lease
        assert not weight or self.canary, "users would be sent to a pool that is stopped"
        self.lease = Lease(now, weight)
        return before.until if before.weight and now >= before.until else None

    async def follow(self, made: ModelJob, phase: str) -> None:
        """Until the job is in that phase or past it. Raises LostJob, Unreachable."""
        order = (CLAIMED, EFFECTED, ENDED)
        while order.index(made.phase) < order.index(phase):
            if made.lost:
                applied = self.pending if made.job.call.verb == "migrate" and self.migrated else ()
                raise LostJob(self.name, made.job.id, applied)
            broken = self.cuts
            await made.moved.wait()
            if self.cuts != broken:
                raise Unreachable(self.name, "the connection broke")

    def seen(self) -> Host:
        """A survey."""
        kept = tuple(
            Release(r, "v1.2" if r == NEW else "v1.1", "c" * 40, "d" * 64, (1,)) for r in sorted(self.releases)
        )
        now, lease = VirtualClock().now(), self.lease
        weight = lease.weight_at(now)
        lapsed = int(lease.until.timestamp()) if lease.weight and not weight else None
        pools = Pools(self.canary, bool(self.canary), weight, lapsed, 10**10, 10**9)
        return Host(self.name, "SHA256:k", "a" * 64, self.current, kept, (), 10**10, self.fence, pools=pools)


def short(job: str) -> str:
    """step/way of a job id."""
    return job.removeprefix(f"{RUN}/")


class Store:
    """ports.Journals without a Redis: the same refusals in the same order."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.entries: list[Entry] = [Opened(START, RUN, "e" * 64, "lead")]
        self.fences: Counter[str] = Counter()
        self.locked = True

    async def record(self, run: str) -> RunRecord:
        if run != RUN:
            raise KeyError(run)
        return RunRecord(run, self.plan, START)

    async def read(self, run: str) -> list[Entry]:
        return list(self.entries)

    async def fence(self, environment: str) -> int:
        return self.fences[environment]

    async def take_fence(self, environment: str, above: int) -> int:
        self.fences[environment] = max(self.fences[environment], above) + 1
        return self.fences[environment]

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        current = self.fences[self.plan.environment]
        if fence is not None and fence != current:
            raise Fenced(fence, current, "the store")
        if self.entries[seq : seq + len(entries)] == list(entries):
            return
        if len(self.entries) != seq or not self.locked:
            raise Conflict
        self.entries += entries
        if any(isinstance(entry, Ended) for entry in entries):
            self.locked = False

    # --- people --------------------------------------------------------------

    def state(self) -> State:
        return fold(self.entries)

    def stop(self) -> None:
        """Somebody presses Stop; ignored where it has ended, as the desk does."""
        if self.locked:
            self.entries.append(StopAsked(START, "lead"))

    def answer(self, choice: str) -> None:
        """Somebody answers the open question."""
        asked = self.state().question
        assert asked is not None and choice in asked.choices
        self.entries.append(Answered(START, asked.step, asked.host, choice, "lead"))


class Site:
    """ports.Prober of the site that these servers serve; `ill` where the new release answers 500 from outside."""

    def __init__(self, servers: Sequence[Server], ill: bool = False) -> None:
        self.servers, self.ill = servers, ill

    async def probe(self, probe: Probe) -> Passed:
        await asyncio.sleep(0.01)
        if any(server.current != NEW for server in self.servers):
            return Passed(False, "answers v1.1, not v1.2")
        return Passed(False, "HTTP 500") if self.ill else Passed(True, "HTTP 200")
