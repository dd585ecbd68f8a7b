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
            (place / "fence").write_text(str(fence))
        return fence

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        with self._locked(host) as place:
            if job.fence < self._fence(place):
                raise Fenced(job.fence, self._fence(place), host)
            claim = place / job.id.replace("/", "_")
            if not claim.exists():
                claim.write_text(str(time.time()))
                with (self._directory / "effects").open("a") as effects:
                    effects.write(json.dumps([job.id, host, job.call.verb, os.getpid()]) + "\n")
            ends = float(claim.read_text()) + self._seconds
        await asyncio.sleep(max(0.0, ends - time.time()))
        return Result(True, "reloaded")

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        with self._locked(host) as place:
            known = (place / job.id.replace("/", "_")).exists()
        return await self.run(host, job, on_line) if known else None

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
    file = directory / "effects"
    lines = file.read_text().splitlines() if file.exists() else []
    return [(job, pid) for job, _, _, pid in map(json.loads, lines)]
