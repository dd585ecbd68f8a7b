"""chom-host on every server, over one kept SSH connection a host: the runner's hands."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import ValidationError

from actions.engine.codec import to_jsonable
from actions.engine.fleet import Artifact, CannotPlan, Differs, Host
from actions.engine.ports import HostRefused, Job, JobLog, OnBytes, OnLine, Result, Unreachable
from actions.engine.revisions import Revision
from actions.engine.ssh import readiness as ssh_readiness
from actions.engine.ssh.answers import (
    ADAPTERS,
    LINE,
    Fence,
    Holds,
    Names,
    Routed,
    State,
    Survey,
    cut,
    faults_of,
    nonsense,
    raise_refusal,
    result_of,
)
from actions.engine.ssh.channel import Broken, Json, Malformed, OnEvent, Refusal
from actions.engine.ssh.connect import HostLogin
from actions.engine.ssh.link import Hello, Kept, Link
from actions.engine.ssh.output import LastLines
from actions.engine.ssh.readiness import Readiness
from actions.engine.ssh.reading import Readings
from actions.engine.ssh.session import ask

__all__ = ["LINE", "Hello", "HostLogin", "SshHosts"]

ASK = 30.0
"""Seconds for a question that costs the host no work."""
HASH = 120.0
"""Seconds for `holds`, which reads the whole artifact."""
MARGIN = 30.0
"""Seconds beyond a job's own timeout: the host ends it, and this bot only gives up on the host."""
LINES = 5000
"""Lines of one job that are passed on live; the whole log is on the host."""
IN_DOUBT = frozenset({"protocol", "host error"})
"""Codes of a refused `begin` after which the job may have begun all the same."""
JOINED = 1000
"""Jobs whose offset is remembered, so that a job that is joined again does not say its lines twice."""
CONNECTS, UPLOADS = 32, 128
"""At once, where configuration says nothing else."""
LOG = 60.0
"""Seconds for the log of one job."""

T = TypeVar("T")


async def no_revision(revision: str) -> Revision:
    """For who changes no configuration."""
    raise CannotPlan(f"{revision} cannot be read here.")


class SshHosts:
    """Implements ports.Hosts. Callers share one connection a host; a broken one is rebuilt by the next caller.

    `agent_sha256` is the chom-host that every host has to run; another one is HostRefused("wrong agent").
    `open_artifact` gives the path of an artifact's checked tar.gz (Artifacts.open); it is asked once for all servers
    that are sent the artifact at the same time. At most `connects` handshakes are under way at once, which cost this
    machine's processor most, and at most `uploads` servers are sent something. Questions and jobs cost little here.
    `open_revision` gives edits of an environment file by their name (Configs.open).
    """

    def __init__(
        self,
        hosts: Mapping[str, HostLogin],
        agent_sha256: str,
        open_artifact: Callable[[Artifact], Awaitable[str]],
        open_revision: Callable[[str], Awaitable[Revision]] = no_revision,
        *,
        connects: int = CONNECTS,
        uploads: int = UPLOADS,
    ) -> None:
        room = asyncio.Semaphore(connects)
        self._kept = {name: Kept(login, agent_sha256, room) for name, login in hosts.items()}
        self._readings, self._uploads = Readings(open_artifact), asyncio.Semaphore(uploads)
        self._revision = open_revision
        self._offsets: OrderedDict[tuple[str, str], int] = OrderedDict()

    async def hello(self, host: str) -> Hello:
        """Who answers there. Raises Unreachable, HostRefused (also where it runs another chom-host)."""
        return (await self._kept[host].link()).hello

    async def readiness(self, host: str) -> Readiness:
        """What it lacks for a deploy. Raises Unreachable, HostRefused."""
        link = await self._kept[host].link()
        async with self._session(host):
            return await ssh_readiness.readiness(link.connection)

    async def survey(self, host: str) -> Host:
        """Read-only look. Raises Unreachable, HostRefused."""
        kept = self._kept[host]
        link = await kept.link()
        seen = await self._ask(link, host, "survey", {}, Survey)
        return Host(
            name=host,
            key=kept.login.fingerprint,
            agent=link.hello.agent,
            current=seen.current,
            releases=tuple(release.release() for release in seen.releases),
            migrations=tuple(seen.migrations),
            ran=seen.ran,
            disk_free=seen.disk_free,
            fence=seen.fence,
            pools=seen.pools,
            config=seen.config,
            config_keys=tuple(seen.config_keys),
            earlier=seen.earlier(),
        )

    async def raise_fence(self, host: str, fence: int) -> int:
        """Refuse every lower fence from now on. Returns the host's fence; raises Fenced where it was higher."""
        link = await self._kept[host].link()
        return (await self._ask(link, host, "fence", {"fence": fence}, Fence, mine=fence)).fence

    async def route(self, host: str, weight: int, fence: int) -> datetime | None:
        """Send `weight` percent of users to the canary there. Raises Unreachable, Fenced, HostRefused."""
        link = await self._kept[host].link()
        said = await self._ask(link, host, "route", {"fence": fence, "percent": weight}, Routed, mine=fence)
        return None if said.lapsed is None else datetime.fromtimestamp(said.lapsed, UTC)

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        """Begin the job, or join it where the host knows it, and follow it to its end.

        Raises Unreachable, Fenced, LostJob, HostRefused. Once `begin` was sent, an answer that leaves open whether it
        began is Unreachable too, since HostRefused says that nothing was done. At most LINES lines reach `on_line`.
        """
        begin: Json = {
            "job": job.id,
            "fence": job.fence,
            "verb": job.call.verb,
            "args": to_jsonable(dict(job.call.args)),
            "timeout": job.timeout,
            "log": job.log,
            "retry_lost": job.retry_lost,
        }
        link = await self._kept[host].link()
        begun = False
        try:
            state = await self._ask(link, host, "begin", begin, State, mine=job.fence)
            begun = True
            if state.state == "running":
                state = await self._follow(link, host, job, on_line)
        except HostRefused as refused:
            if not begun and refused.code not in IN_DOUBT:
                raise
            raise Unreachable(host, refused.message, f"Whether {job.id} ran there is unknown.") from refused
        if state.state != "running":
            self._offsets.pop((host, job.id), None)
        return result_of(host, job, state)

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        """Follow the job to its end where the host knows it; never begin it. None where it never began.

        Raises Unreachable, LostJob, HostRefused.
        """
        link = await self._kept[host].link()
        try:
            state = await self._follow(link, host, job, on_line)
        except HostRefused as refused:
            if refused.code == "unknown job":
                self._offsets.pop((host, job.id), None)
                return None
            if refused.code not in IN_DOUBT:
                raise
            raise Unreachable(host, refused.message) from refused
        if state.state != "running":
            self._offsets.pop((host, job.id), None)
        return result_of(host, job, state)

    async def log(self, host: str, job: str, most: int) -> JobLog | None:
        """What the job has written, of its end `most` bytes at most. None where it never began.

        Raises Unreachable (also for a job that runs on), HostRefused.
        """
        kept, lines = await self._kept[host].link(), LastLines(most)
        args: Json = {"job": job, "offset": 0}
        try:
            await self._ask(
                kept, host, "follow", args, State, deadline=LOG, on_event=lambda said: lines.add(said["line"])
            )
        except HostRefused as refused:
            if refused.code == "unknown job":
                return None
            raise
        return lines.log()

    async def expect_upload(self, host: str) -> None:
        """Have chom-host started there, which then waits for what is uploaded. Raises Unreachable, HostRefused."""
        (await self._kept[host].link()).uploads.expect()

    async def upload(self, host: str, artifact: Artifact, on_bytes: OnBytes) -> None:
        """See that the artifact lies on the host, checked by its sha256. Raises Unreachable, HostRefused."""
        link = await self._kept[host].link()
        if (await self._ask(link, host, "holds", {"sha256": artifact.sha256}, Holds, deadline=HASH)).holds:
            on_bytes(artifact.size, artifact.size)
            return
        async with self._session(host), self._uploads, self._readings.of(artifact) as file:
            await link.uploads.put(file, artifact.sha256, on_bytes)

    async def differs(self, host: str, edits: bytes) -> Differs:
        """What these edits would change in the host's environment file. Raises Unreachable, HostRefused."""
        link = await self._kept[host].link()
        async with self._session(host):
            answer = await ask(link.connection, f"config look {len(edits)}", edits)
        return self._read(host, "config look", answer, Names).differs()

    async def upload_config(self, host: str, revision: str) -> None:
        """See that the revision's edits lie on the host. Raises Unreachable, HostRefused, CannotPlan."""
        found = await self._revision(revision)
        link = await self._kept[host].link()
        async with self._session(host):
            await ask(link.connection, f"config put {found.sha256} {len(found.edits)}", found.edits)

    async def close(self) -> None:
        """End every connection. Jobs on the hosts go on."""
        await asyncio.gather(*(kept.close() for kept in self._kept.values()))

    @asynccontextmanager
    async def _session(self, host: str) -> AsyncGenerator[None]:
        """What goes wrong in a session of its own, in the runner's words."""
        try:
            yield
        except Broken as fault:
            raise self._kept[host].unreachable(str(fault)) from fault
        except Refusal as fault:
            raise HostRefused(host, fault.error["code"], f"{host}: {fault.error['message']}") from fault
        except Malformed as fault:
            raise nonsense(host, str(fault)) from fault

    async def _follow(self, link: Link, host: str, job: Job, on_line: OnLine) -> State:
        key = (host, job.id)
        offset = self._offsets.setdefault(key, 0)
        if len(self._offsets) > JOINED:
            self._offsets.popitem(last=False)
        shown = 0

        def event(said: Json) -> None:
            nonlocal shown
            if key in self._offsets:
                self._offsets[key] = said["offset"]
            shown += 1
            if shown <= LINES:
                on_line(cut(said["line"]))
            elif shown == LINES + 1:
                on_line(f"… the rest is in /var/log/chom/{job.log}.log on {host}")

        args: Json = {"job": job.id, "offset": offset}
        return await self._ask(link, host, "follow", args, State, deadline=job.timeout + MARGIN, on_event=event)

    async def _ask(
        self,
        link: Link,
        host: str,
        verb: str,
        args: Json,
        shape: type[T],
        *,
        mine: int = 0,
        deadline: float = ASK,
        on_event: OnEvent | None = None,
    ) -> T:
        try:
            answer = await link.channel.request(verb, args, deadline, on_event)
        except Broken as fault:
            raise self._kept[host].unreachable(str(fault)) from fault
        except Malformed as fault:
            raise nonsense(host, str(fault)) from fault
        except Refusal as fault:
            raise_refusal(host, fault, mine)
        return self._read(host, verb, answer, shape)

    @staticmethod
    def _read(host: str, verb: str, answer: Json, shape: type[T]) -> T:
        try:
            return ADAPTERS[shape].validate_json(json.dumps(answer), strict=True)
        except ValidationError as fault:
            raise nonsense(host, f"{verb}: {faults_of(fault)}") from fault
