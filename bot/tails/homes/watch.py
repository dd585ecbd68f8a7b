"""Has the servers looked at as often as somebody is likely to read what is live there, and no oftener."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from math import inf

from actions.engine.ports import Clock
from bot.desk.surveys import Surveys
from bot.desk.view import Overview
from bot.tails.homes.pace import HomePace
from bot.tails.tenure import Job, pause

ATTENTIVE = timedelta(minutes=10)
"""For so long after somebody opened their Home it is worth asking the servers often."""
JUST_NOW = timedelta(seconds=5)

Run = tuple[str, str, bool]
"""(change, environment, whether it has ended)."""


class Watch:
    """Calls `moved` whenever a look has found something else than was known."""

    def __init__(self, surveys: Surveys, clock: Clock, pace: HomePace, moved: Callable[[], None]) -> None:
        self._surveys, self._clock, self._pace, self._moved = surveys, clock, pace, moved
        self._ask = {live.environment: asyncio.Event() for live in surveys.live()}
        self._opened: datetime | None = None
        self._runs: frozenset[Run] | None = None
        self._looked = asyncio.Event()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """One for each environment, so that none waits for another's servers."""
        return tuple(partial(self._watch, environment) for environment in self._ask)

    def opened(self, newest: datetime | None) -> None:
        """When a Home was opened last; None where nobody looks at any."""
        self._opened = newest
        for ask in self._ask.values():
            ask.set()

    def runs(self, seen: Overview) -> None:
        """What runs now, and what has ended. Where a run has begun or ended since, another version may be live."""
        going = {(view.change.id, view.change.environment, False) for view in seen.running}
        ended = {(run.view.change.id, run.view.change.environment, True) for run in seen.recent}
        before, self._runs = self._runs, frozenset(going | ended)
        for _, environment, _ in self._runs - (self._runs if before is None else before):
            self._surveys.expire(environment)
            if environment in self._ask:
                self._ask[environment].set()

    async def first(self, seconds: float) -> None:
        """Until every environment was looked at, so long at most."""
        self._note()
        await pause(self._looked, seconds)

    async def _watch(self, environment: str, over: asyncio.Event) -> None:
        ask = self._ask[environment]
        while not over.is_set():
            ask.clear()
            if self._surveys.age(environment) > self._limit(environment) and await self._surveys.look(environment):
                self._moved()
            self._note()
            await pause(ask, self._pace.sweep / 3)

    def _note(self) -> None:
        if all(live.known for live in self._surveys.live()):
            self._looked.set()

    def _limit(self, environment: str) -> float:
        """How old, in seconds, what is known of the servers may become; infinite where nobody would see it."""
        if self._opened is None:
            return inf
        idle = self._clock.now() - self._opened
        if idle > ATTENTIVE:
            return self._pace.look_idle
        going = any(environment == where and not over for _, where, over in self._runs or ())
        return self._pace.look_going if going or idle < JUST_NOW else self._pace.look
