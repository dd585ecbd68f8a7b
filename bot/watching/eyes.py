"""One look at an environment: does it serve what it should, do its probes pass, are all limits kept?"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from actions.engine.fleet import Environment, Host, Limit
from actions.engine.journal import Sight
from actions.engine.ports import Prober
from actions.engine.telemetry import Blind, Metrics
from actions.engine.watched import Glance, Watched
from actions.engine.words import joined
from bot.desk.planning import Planning

PATIENCE = 10.0
"""Seconds for which a server is waited for."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """Changes nothing."""

    planning: Planning
    prober: Prober
    metrics: Metrics | None

    async def look(self, record: Watched) -> Glance:
        """What is ill counts before what cannot be seen, and that before what is well."""
        environment = self.planning.environments[record.environment]
        served, probed, limits = await asyncio.gather(
            self._served(environment, record), self._probed(environment, record), self._limits(environment)
        )
        if served.elsewhere:
            return served
        found = [served, probed, limits]
        for sight in (Sight.ILL, Sight.UNSEEN):
            if ones := [one for one in found if one.sight is sight]:
                return Glance(sight, joined(one.said for one in ones), served.sha256)
        return Glance(Sight.WELL, sha256=served.sha256)

    async def _served(self, environment: Environment, record: Watched) -> Glance:
        looks = await asyncio.gather(*(self._host(name) for name in environment.hosts))
        hosts = [look for look in looks if isinstance(look, Host)]
        if other := next((host for host in hosts if host.current != record.release), None):
            release = other.release(other.current)
            return Glance(Sight.ILL, f"{other.name} serves {release.version if release else 'nothing'}", elsewhere=True)
        if troubles := [look.rstrip(".") for look in looks if isinstance(look, str)]:
            return Glance(Sight.UNSEEN, joined(troubles))
        shas = {release.sha256 for host in hosts if (release := host.release(host.current))}
        return Glance(Sight.WELL, sha256=shas.pop() if len(shas) == 1 else "")

    async def _host(self, name: str) -> Host | str:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self.planning.look(name)
        except TimeoutError:
            return f"{name} does not answer within {PATIENCE:g} s"

    async def _probed(self, environment: Environment, record: Watched) -> Glance:
        probes = [replace(p, contains=p.contains.replace("{version}", record.version)) for p in environment.probes]
        saw = await asyncio.gather(*(self.prober.probe(probe) for probe in probes))
        bad = [f"{probe.url}: {seen.why}" for probe, seen in zip(probes, saw, strict=True) if not seen.ok]
        return Glance(Sight.ILL, joined(bad)) if bad else Glance(Sight.WELL)

    async def _limits(self, environment: Environment) -> Glance:
        if self.metrics is None:
            return Glance(Sight.WELL)
        return _worst(await asyncio.gather(*(self._limit(self.metrics, limit) for limit in environment.limits)))

    async def _limit(self, metrics: Metrics, limit: Limit) -> Glance:
        try:
            samples = await metrics.query(limit.query)
        except Blind as blind:
            return Glance(Sight.UNSEEN, f"could not see {limit.what}: {str(blind).rstrip('.')}")
        values = [sample.value for sample in samples if not math.isnan(sample.value)]
        if not values:
            return Glance(Sight.UNSEEN, f"could not see {limit.what}: Prometheus has no number for them")
        if (worst := max(values)) >= limit.below:
            return Glance(Sight.ILL, f"{limit.what} are at {worst:.3g}, and have to be below {limit.below:g}")
        return Glance(Sight.WELL)


def _worst(found: Sequence[Glance]) -> Glance:
    for sight in (Sight.ILL, Sight.UNSEEN):
        if said := [one.said for one in found if one.sight is sight]:
            return Glance(sight, joined(said))
    return Glance(Sight.WELL)
