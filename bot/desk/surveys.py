"""What each environment serves, for those who look often: asked of the servers seldom, and once for all of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from math import inf

from actions.engine.fleet import Host
from actions.engine.ports import Clock
from bot.desk.planning import Planning
from bot.desk.view import Served, Serving

PATIENCE = 10.0
"""Seconds for which a server is waited for: a page that is kept up to date asks again soon."""


class Surveys:
    """Keeps what was seen last; nobody who reads it waits for a server. Ages are in seconds."""

    def __init__(self, planning: Planning, clock: Clock, patience: float = PATIENCE) -> None:
        self._planning, self._clock, self._patience = planning, clock, patience
        self._live = {name: Serving(name) for name in planning.environments}
        self._looked: dict[str, float] = {}
        """When the newest look began: what happened since may not be in it."""
        self._looking: dict[str, asyncio.Task[bool]] = {}

    @property
    def default(self) -> str:
        """The environment that is meant where none is named."""
        return self._planning.default_environment

    def live(self) -> tuple[Serving, ...]:
        """What is known now, in configuration order."""
        return tuple(self._live.values())

    def age(self, environment: str) -> float:
        """Seconds since it was looked at; infinite where it never was, or something happened there since."""
        return asyncio.get_running_loop().time() - self._looked.get(environment, -inf)

    def expire(self, environment: str) -> None:
        """Something happened there: what is known is no longer to be trusted."""
        self._looked.pop(environment, None)

    async def look(self, environment: str) -> bool:
        """Look at its servers, or join a look that is under way; whether something else is known now than before."""
        task = self._looking.get(environment)
        if task is None or task.done():
            task = self._looking[environment] = asyncio.create_task(self._look(environment))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Give up what is under way."""
        tasks = list(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, environment: str) -> bool:
        self._looked[environment] = asyncio.get_running_loop().time()
        hosts = self._planning.environments[environment].hosts
        looks = dict(zip(hosts, await asyncio.gather(*(self._one(host) for host in hosts)), strict=True))
        before, now = self._live[environment], self._clock.now()
        known = {one.host: one for one in before.served}
        known |= {name: _served(look, now) for name, look in looks.items() if isinstance(look, Host)}
        troubles = {name: look for name, look in looks.items() if isinstance(look, str)}
        self._live[environment] = Serving(environment, tuple(known[name] for name in hosts if name in known), troubles)
        return _told(self._live[environment]) != _told(before)

    async def _one(self, host: str) -> Host | str:
        try:
            async with asyncio.timeout(self._patience):
                return await self._planning.look(host)
        except TimeoutError:
            return f"{host} does not answer within {self._patience:g} s."


def _served(host: Host, now: datetime) -> Served:
    release = host.release(host.current)
    since = datetime.fromtimestamp(release.activated[-1], UTC) if release and release.activated else None
    return Served(host.name, release.version if release else "", since, now)


def _told(live: Serving) -> object:
    """What people are told of it: of a server that answers, when it was seen is not."""
    return [(one.host, one.version, one.since) for one in live.served], dict(live.troubles)
