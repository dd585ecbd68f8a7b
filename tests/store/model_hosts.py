"""Servers as files in one directory, shared by several bot processes: each job happens once and outlives its caller."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from actions.engine.fleet import Artifact, Host, Release
from actions.engine.plan import Back, Call, Do, Plan, Probe, Seen
from actions.engine.ports import Fenced, Job, OnBytes, OnLine, Passed, Result

OLD, NEW = "20261122_120000", "20261123_120000"


def file_plan(environment: str, host: str, steps: int) -> Plan:
    """`steps` verbs on one host, each with its undo."""
    return Plan(
        action="blue-green",
        title=f"Deploy v1.2 to {environment}",
        environment=environment,
        version="v1.2",
        commit="a" * 40,
        sha256="b" * 64,
        agent="c" * 64,
        hosts=(Seen(host, "SHA256:x", OLD),),
        steps=tuple(
            Do(f"s{n}", f"Step {n}", Call("reload", {"services": ("nginx",)}), (host,), Back(Call("undo"), "Undo"))
            for n in range(1, steps + 1)
        ),
    )


class FileHosts:
    """ports.Hosts: the fence is checked and the job claimed in one step under a lock, as chom-host does."""

    def __init__(self, directory: Path, seconds: float) -> None:
        self._directory, self._seconds = directory, seconds

    @contextlib.contextmanager
    def _locked(self, host: str) -> Iterator[Path]:
        place = self._directory / host
        place.mkdir(parents=True, exist_ok=True)
        with (place / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield place

    @staticmethod
    def _fence(place: Path) -> int:
        fence = place / "fence"
        return int(fence.read_text()) if fence.exists() else 0

    async def survey(self, host: str) -> Host:
        with self._locked(host) as place:
            old = Release(OLD, "v1.1", "a" * 40, "b" * 64, (1,))
            return Host(host, "SHA256:x", "c" * 64, OLD, (old,), (), 10**9, self._fence(place))

    async def raise_fence(self, host: str, fence: int) -> int:
        with self._locked(host) as place:
            if fence < self._fence(place):
                raise Fenced(fence, self._fence(place), host)
            (place / "fence.new").write_text(str(fence))
            (place / "fence.new").replace(place / "fence")  # killed here, it has the one or the other
        return fence

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        with self._locked(host) as place:
            if job.fence < self._fence(place):
                raise Fenced(job.fence, self._fence(place), host)
            if (begun := self._begun(job, host)) is None:
                begun = time.time()
                with (self._directory / "effects").open("a") as effects:  # in one write: killed here, it began or not
                    effects.write(json.dumps([job.id, host, begun, os.getpid()]) + "\n")
        await asyncio.sleep(max(0.0, begun + self._seconds - time.time()))
        return Result(True, "reloaded")

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        with self._locked(host):
            known = self._begun(job, host) is not None
        return await self.run(host, job, on_line) if known else None

    def _begun(self, job: Job, host: str) -> float | None:
        """When that job began there."""
        times = [at for id_, where, at, _ in _lines(self._directory) if (id_, where) == (job.id, host)]
        return times[0] if times else None

    async def expect_upload(self, host: str) -> None:
        return

    async def upload(self, host: str, artifact: Artifact, on_bytes: OnBytes) -> None:
        raise AssertionError("no step of these plans brings an artifact")

    async def close(self) -> None:
        return


class AlwaysWell:
    """ports.Prober of a site that answers."""

    async def probe(self, probe: Probe) -> Passed:
        return Passed(True, "HTTP 200")


def effects(directory: Path) -> list[tuple[str, int]]:
    """(job id, pid of the bot that asked), in the order in which they happened."""
    return [(job, pid) for job, _, _, pid in _lines(directory)]


def _lines(directory: Path) -> list[tuple[str, str, float, int]]:
    """Each job that began: its id, its host, when, and the pid of the bot that asked."""
    file = directory / "effects"
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
