"""What every act on a host needs: the fence before it, the job's name, its words, and the entry after it."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from actions.engine.fold import State
from actions.engine.journal import Done, Entry, Failed, Returned, Started, Way
from actions.engine.plan import Back, Do
from actions.engine.ports import Job, LostJob, OnLine, Result, RunRecord, World, job_id
from actions.engine.runner import closing
from actions.engine.runner.halting import Halt
from actions.engine.runner.pen import Pen
from actions.engine.runner.wording import Wording

T = TypeVar("T")

NOTICE = timedelta(seconds=3)
"""For so long a host may be silent before anybody is told."""
FIRST_WAIT = 0.5
"""Seconds between the first two tries of a host that does not answer; doubled from try to try."""
LOSSES = 3
"""How often a host may lose one job before the step counts as failed."""


@dataclass(slots=True)
class Outage:
    """A host that does not answer, from the first try that failed."""

    since: datetime
    wait: float = FIRST_WAIT


class Hands:
    """One walker's hands on the hosts of its run.

    Invariant: a host is asked about a job, or given one, only after this walker's fence was raised there.
    """

    def __init__(self, record: RunRecord, world: World, pen: Pen, halt: Halt) -> None:
        self.record, self.world, self.pen, self.halt = record, world, pen, halt
        self.plan, self.words = record.plan, Wording(world)
        self.fenced: set[str] = set()

    @property
    def state(self) -> State:
        """The run as it was last read or written."""
        return self.pen.state

    async def reach(self, host: str) -> None:
        """See that the host refuses older walkers. Raises Unreachable, HostRefused, Fenced, HandOver."""
        if host not in self.fenced:
            await self.halt.unless(self.world.hosts.raise_fence(host, self.pen.fence))
            self.fenced.add(host)

    async def run(self, step: Do, host: str, way: Way, again: bool = False) -> Result:
        """Begin the step's job of that way, or join it, and follow it to its end. Raises as ports.Hosts.run does."""
        job = self.job(step, host, way, again)
        return await self.halt.unless(self.world.hosts.run(host, job, self.live(step, host)))

    async def join(self, step: Do, host: str) -> Result | None:
        """Follow the step's forward job to its end; None where it never began. Raises as ports.Hosts.join does."""
        job = self.job(step, host, Way.FORWARD)
        return await self.halt.unless(self.world.hosts.join(host, job, self.live(step, host)))

    def live(self, step: Do, host: str) -> OnLine:
        """Takes the output of the step's job there as it comes."""
        return self.words.live(self.record.id, step.name, host)

    async def once_more(self, step: Do, host: str, way: Way, lost: LostJob) -> bool:
        """Write down that a lost job is run again; False where it was lost too often, which is a failure.

        Raises Conflict where somebody wrote meanwhile.
        """
        mark = self.state.mark(step.name, host, way)
        attempt = mark.attempt if mark else 1
        if attempt >= LOSSES:
            why = f"it was interrupted there {attempt} times, and left no result"
            await self.say(host, self.failed(step, host, way, why, lost.applied))
            return False
        started = Started(self.now(), step.name, host, way, attempt + 1)
        await self.pen.decided(*self.returned(host), started)
        return True

    async def heard(self, host: str, work: Coroutine[Any, Any, T]) -> T:
        """The work's result; a host that was waited for is said to be back as soon as it has held for a while."""
        if host not in self.state.waiting:
            return await work
        return await self.halt.meanwhile(work, NOTICE.total_seconds(), lambda: self.say(host))

    async def say(self, host: str, *entries: Entry) -> None:
        """Write it; a host that answers is no longer waited for."""
        said = (*self.returned(host), *entries)
        if said:
            await self.pen.happened(*said)

    def returned(self, host: str) -> tuple[Entry, ...]:
        """The entry that ends the wait for the host, where there is one."""
        return (Returned(self.now(), host),) if host in self.state.waiting else ()

    def job(self, step: Do, host: str, way: Way, again: bool = False) -> Job:
        """The step's job of that way; a retry keeps its id."""
        call = step.undo.call if way is Way.BACK and isinstance(step.undo, Back) else step.call
        return Job(job_id(self.record.id, step.name, way), call, self.pen.fence, step.timeout, self.record.log, again)

    def ended(self, step: Do, host: str, way: Way, result: Result) -> Entry:
        """What the job ended with, as an entry."""
        summary, lines = self.words.short(result.summary), self.words.lines(result.lines)
        if result.ok:
            return Done(self.now(), step.name, host, way, summary, lines, result.applied)
        return Failed(self.now(), step.name, host, way, summary, lines, result.applied)

    def failed(self, step: Do, host: str, way: Way, why: str, applied: tuple[str, ...] = ()) -> Failed:
        """A failure that no job reports, as an entry."""
        return Failed(self.now(), step.name, host, way, self.words.short(why), (), applied)

    def never_began(self, step: Do, host: str) -> Done:
        """Nothing to undo there, as an entry: the way back is done."""
        return Done(self.now(), step.name, host, Way.BACK, closing.NEVER_BEGAN)

    async def sleep(self, outage: Outage, longest: float) -> None:
        """Wait until the next try. Raises HandOver."""
        await self.halt.unless(self.world.clock.sleep(outage.wait))
        outage.wait = min(outage.wait * 2, longest)

    def now(self) -> datetime:
        """The time there is."""
        return self.world.clock.now()
