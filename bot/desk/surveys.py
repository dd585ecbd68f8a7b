"""What each server said last, for those who look often: asked seldom, and once for all of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from math import inf

from actions.engine.fleet import Fleet, Host
from actions.engine.ports import Clock
from bot.desk.kept import Kept
from bot.desk.planning import Planning
from bot.desk.view import Served, Serving

PATIENCE = 10.0
"""Seconds for which a server is waited for: a page that is kept up to date asks again soon."""


class Surveys:
    """However many look, each server is asked once at a time, and is not waited for. Ages and waits are in seconds."""

    def __init__(self, planning: Planning, clock: Clock, patience: float = PATIENCE) -> None:
        self._planning, self._clock, self._patience = planning, clock, patience
        hosts = [host for environment in planning.environments.values() for host in environment.hosts]
        self._said = {host: Kept(partial(planning.look, host)) for host in hosts}
        self._live = {name: Serving(name) for name in planning.environments}
        self._looked: dict[str, float] = {}
        """When the newest look for `live` began: what happened since may not be in it."""

    @property
    def default(self) -> str:
        """The environment that is meant where none is named."""
        return self._planning.default_environment

    async def fleet(self, environment: str, patience: float, fresh: float) -> tuple[Fleet, dict[str, str]]:
        """Its servers as they said less than `fresh` ago or say within `patience`; of each other one, why not."""
        settings = self._planning.environments[environment]
        said = await asyncio.gather(*(self._said[host].within(patience, fresh) for host in settings.hosts))
        looks = dict(zip(settings.hosts, said, strict=True))
        late = f"does not answer within {patience:g} s."
        troubles = {name: look or f"{name} {late}" for name, look in looks.items() if not isinstance(look, Host)}
        return Fleet(settings, tuple(look for look in said if isinstance(look, Host))), troubles

    def live(self) -> tuple[Serving, ...]:
        """What is known now, in configuration order."""
        return tuple(self._live.values())

    def age(self, environment: str) -> float:
        """Since `look` looked at it; infinite where it never did, or something happened there since."""
        return asyncio.get_running_loop().time() - self._looked.get(environment, -inf)

    def expire(self, environment: str) -> None:
        """Something happened there: what is known, or being asked, is no longer to be trusted."""
        self._looked.pop(environment, None)
        for host in self._planning.environments[environment].hosts:
            self._said[host].forget()

    async def look(self, environment: str) -> bool:
        """Look at its servers for `live`; whether something else is known now than before."""
        began = self._looked[environment] = asyncio.get_running_loop().time()
        fleet, troubles = await self.fleet(environment, self._patience, 0.0)
        if self._looked.get(environment) != began:
            return False  # a newer look knows better, or has to be made
        before, now = self._live[environment], self._clock.now()
        known = {one.host: one for one in before.served} | {host.name: _served(host, now) for host in fleet.hosts}
        served = tuple(known[name] for name in fleet.environment.hosts if name in known)
        self._live[environment] = Serving(environment, served, troubles)
        return _told(self._live[environment]) != _told(before)

    def close(self) -> None:
        """Give up what is under way."""
        for said in self._said.values():
            said.close()


def _served(host: Host, now: datetime) -> Served:
    release = host.release(host.current)
    since = datetime.fromtimestamp(release.activated[-1], UTC) if release and release.activated else None
    return Served(host.name, release.version if release else "", since, now)


def _told(live: Serving) -> object:
    """What people are told of it: of a server that answers, when it was seen is not."""
    return [(one.host, one.version, one.since) for one in live.served], dict(live.troubles)
