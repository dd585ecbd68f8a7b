"""Watches an environment after a good deploy: staging for as long as it serves that, production for the rules' time.

The environment stays unlocked. What was seen is in the store, so that any bot goes on where another one died; how the
watch ended is one entry of the run's journal, and cards and threads follow that as they follow all of it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

from actions.engine.fold import State
from actions.engine.journal import Observed, Outcome
from actions.engine.ports import Clock
from actions.engine.watched import How, Watched, looked
from bot.desk.looking import Looking
from bot.store import Store, StoreDown
from bot.watching.eyes import Eyes
from bot.watching.sentences import ended, going
from policies.change import Change

LOOKED_THROUGH = 10
"""Of an environment's newest changes so many are looked through for the last good run."""
LONG_AGO = timedelta(hours=24)
"""What ended longer ago and was not watched is not watched any more."""
JUST_NOW = 1.0
"""A look this many seconds old is as good as a new one."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Watching:
    """Of several bots that look at once one writes, and no second is counted twice; `every` is in seconds."""

    looking: Looking
    store: Store
    eyes: Eyes
    clock: Clock
    every: float = 10.0
    _ended: dict[str, State] = field(default_factory=dict[str, State])
    """Runs that have ended, since only Observed may follow."""

    async def run(self) -> None:
        """Watch every environment, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for environment in self.looking.planning.environments:
                group.create_task(self._watch(environment), name=f"watch {environment}")

    async def _watch(self, environment: str) -> None:
        while True:
            try:
                await self.look(environment)
            except StoreDown as fault:
                logger.warning("%s", fault)
            except Exception:
                logger.exception("%s could not be watched now", environment)
            await asyncio.sleep(self.every)

    async def look(self, environment: str) -> Watched | None:
        """Look once; what is known then. None where nothing was brought there that is to be watched.

        Raises StoreDown.
        """
        before = await self.store.watch(environment)
        if before and not before.over and 0 <= (self.clock.now() - before.last).total_seconds() < JUST_NOW:
            return before
        if await self.store.open_run_of(environment):
            return before
        record = await self._current(environment, before)
        if record is None or record.over:
            await self._conclude(record)
            return record
        saw = await self.eyes.look(record)
        longest = 3 * self.every + 10.0
        now = looked(record, saw, self.clock.now(), longest)
        touch = before is None or now.over or going(now) != going(before)
        if not await self.store.put_watch(before, now, touch=touch and bool(now.needs)):
            return await self.store.watch(environment)
        await self._conclude(now)
        return now

    async def _current(self, environment: str, before: Watched | None) -> Watched | None:
        """The watch over the last good run; a new one where there is a later run than was watched."""
        newest = await self._newest(environment)
        if newest is None or (before and before.change == newest[0].id):
            return before
        change, run = newest
        settings = self.looking.planning.environments[environment]
        needs = 0.0 if settings.staging else change.requirement.watch.total_seconds()
        assert run.ended is not None
        late = self.clock.now() - run.ended.at > LONG_AGO
        if not settings.staging and (not needs or late or run.observed):
            return None
        return Watched(
            change.id,
            environment,
            change.plan.version,
            str(change.plan.facts.get("release", "")),
            run.ended.at,
            run.ended.at,
            needs,
            change.plan.sha256,
            metrics=self.eyes.metrics is not None and bool(settings.limits),
        )

    async def _newest(self, environment: str) -> tuple[Change, State] | None:
        """The run that ended well there last."""
        found: list[tuple[Change, State]] = []
        for id_ in await self.store.recent(environment, LOOKED_THROUGH):
            run = self._ended.get(id_) or await self.looking.run(id_)
            if run.ended is None:
                continue
            self._ended[id_] = run
            if run.ended.outcome is Outcome.DONE:
                found.append((await self.store.change(id_), run))
        return max(found, key=lambda pair: pair[1].ended.at if pair[1].ended else pair[0].at, default=None)

    async def _conclude(self, record: Watched | None) -> None:
        """Write how it ended, where that is not written yet: a bot may have died before."""
        if record is None or record.how in {How.WATCHED, How.REPLACED}:
            return
        run = await self.looking.run(record.change)
        if run.ended and run.observed is None:
            sight, summary = ended(record)
            await self.store.observe(record.change, run.seq, Observed(self.clock.now(), sight, summary))
