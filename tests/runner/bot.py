"""A bot process that can be killed, frozen or cut off at any point at which it meets the world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from actions.engine.fleet import Artifact, Host
from actions.engine.journal import Entry
from actions.engine.plan import Probe
from actions.engine.ports import Job, OnBytes, OnLine, Passed, Result, RunRecord, Unreachable, World
from actions.engine.runner import Walked, walk
from actions.engine.telemetry import NoScrapes, Scrapes
from tests.runner.model import CLAIMED, EFFECTED, ENDED, RUN, ModelJob, Server, Site, Store
from tests.runner.virtual import VirtualClock
from tests.support.unbuilt import NoArtifacts


class Killed(BaseException):
    """What a dead process would have done does not happen."""


class Bot:
    """One walker. Its points are counted: before and after each write, and at each boundary of a job.

    `at` maps the number of a point to what happens there: `bot.kill`, `bot.freeze`, or anything else.
    """

    def __init__(
        self,
        servers: Mapping[str, Server],
        store: Store,
        site: Site,
        patience: float = 120.0,
        scrapes: Scrapes | None = None,
    ) -> None:
        self.servers, self.store, self.site = servers, store, site
        self.at: dict[int, Callable[[], None]] = {}
        self.points: list[str] = []
        self.dead = False
        self.stop = asyncio.Event()
        self.use_stop = False
        self.lines: list[tuple[str, str, str]] = []
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._task: asyncio.Task[Walked] | None = None
        self.world = World(
            hosts=_Hosts(self),
            artifacts=NoArtifacts(),
            journals=_Journals(self),
            prober=_Prober(self),
            clock=VirtualClock(),
            scrapes=scrapes or NoScrapes(),
            patience=patience,
            redact=lambda line: line.replace("hunter2", "[secret]"),
            on_line=lambda run, step, host, line: self.lines.append((step, host, line)),
        )

    # --- what happens to it --------------------------------------------------

    def kill(self) -> None:
        """SIGKILL: from now on nothing it does has any effect."""
        self.dead = True
        if self._task is not None:
            self._task.cancel()

    def freeze(self) -> None:
        """It stops where it next meets the world."""
        self._thawed.clear()

    def thaw(self) -> None:
        """It goes on as if no time had passed."""
        self._thawed.set()

    @property
    def is_frozen(self) -> bool:
        return not self._thawed.is_set()

    async def walk(self) -> Walked | None:
        """How the walk ended; None where it was killed."""
        self._task = asyncio.create_task(walk(RUN, self.world, "bot", self.stop if self.use_stop else None))
        try:
            return await self._task
        except (asyncio.CancelledError, Killed):
            if not self.dead:
                raise
            return None

    async def point(self, name: str) -> None:
        """A moment at which the process can be hit."""
        if self.dead:
            raise Killed
        number = len(self.points)
        self.points.append(name)
        if number in self.at:
            self.at[number]()
        await self._thawed.wait()
        if self.dead:
            raise Killed


class _Hosts:
    """ports.Hosts over one bot's connections."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def survey(self, host: str) -> Host:
        await self._reach(host, "survey")
        return self._bot.servers[host].seen()

    async def raise_fence(self, host: str, fence: int) -> int:
        server = await self._reach(host, "fence")
        server.raise_fence(fence)
        await self._bot.point(f"{host} fenced")
        return server.fence

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        server = await self._reach(host, f"begin {job.id}")
        return await self._follow(server, server.begin(job), on_line)

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        server = await self._reach(host, f"join {job.id}")
        known = server.jobs.get(job.id)
        return None if known is None else await self._follow(server, known, on_line)

    async def route(self, host: str, weight: int, fence: int) -> datetime | None:
        server = await self._reach(host, f"route {weight}")
        lapsed = server.route(weight, fence)
        await self._bot.point(f"{host} routed {weight}")
        return lapsed

    async def expect_upload(self, host: str) -> None:
        return

    async def upload(self, host: str, artifact: Artifact, on_bytes: OnBytes) -> None:
        await self._reach(host, "upload")
        on_bytes(1_000_000, 1_000_000)
        await self._bot.point(f"{host} has the artifact")

    async def upload_config(self, host: str, revision: str) -> None:
        server = await self._reach(host, "edits")
        server.edits.add(revision)
        await self._bot.point(f"{host} has the edits")

    async def close(self) -> None:
        return

    async def _reach(self, host: str, what: str) -> Server:
        server = self._bot.servers[host]
        broken = server.cuts
        await self._bot.point(f"{host} {what}")
        server.check()
        if server.cuts != broken:
            raise Unreachable(host, "the connection broke")
        return server

    async def _follow(self, server: Server, job: ModelJob, on_line: OnLine) -> Result:
        for phase in (CLAIMED, EFFECTED, ENDED):
            broken = server.cuts
            await server.follow(job, phase)
            await self._bot.point(f"{server.name} {phase} {job.job.id}")
            if server.cuts != broken:
                raise Unreachable(server.name, "the connection broke")
        on_line("password=hunter2")
        assert job.result is not None
        return job.result


class _Journals:
    """ports.Journals over one bot's connection."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def record(self, run: str) -> RunRecord:
        return await self._bot.store.record(run)

    async def read(self, run: str) -> list[Entry]:
        await self._bot.point("read")
        return await self._bot.store.read(run)

    async def fence(self, environment: str) -> int:
        return await self._bot.store.fence(environment)

    async def take_fence(self, environment: str, above: int) -> int:
        await self._bot.point("take fence")
        fence = await self._bot.store.take_fence(environment, above)
        await self._bot.point("fence taken")
        return fence

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        said = "+".join(entry.kind for entry in entries)
        await self._bot.point(f"write {said}")
        await self._bot.store.append(run, seq, entries, fence)
        await self._bot.point(f"wrote {said}")


class _Prober:
    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def probe(self, probe: Probe) -> Passed:
        await self._bot.point("probe")
        return await self._bot.site.probe(probe)
