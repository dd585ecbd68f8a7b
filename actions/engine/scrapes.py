"""What Prometheus last scraped of each server's pools: raw counters with their times, for the canary's analysis."""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from actions.engine.analysis import Scrape, Totals
from actions.engine.ports import Clock
from actions.engine.telemetry import Metrics, Sample

COUNTED = '{__name__=~"chom_(requests|failed|slow)_total"}'
SCRAPED = 'timestamp(chom_requests_total{pool="canary"})'
BUSY = "phpfpm_active_processes"
"""What mtail counts on each server, when that was scraped, and PHP-FPM's own word on the canary's workers; see the
pools' prometheus.yml, which gives each series its server's name as `host`."""
_SETTLED = timedelta(seconds=1)
"""Asked for as of so long ago: a scrape that comes in between two queries is then in neither."""


@dataclass(frozen=True, slots=True)
class PrometheusScrapes:
    """Implements ports.Scrapes."""

    metrics: Metrics
    clock: Clock

    async def scrape(self, hosts: Sequence[str]) -> tuple[Scrape, ...]:
        """One a server at most; a server without a time was not scraped. Raises Blind."""
        at = self.clock.now() - _SETTLED
        counted, scraped, busy = await asyncio.gather(
            *(self.metrics.query(promql, at) for promql in (COUNTED, SCRAPED, BUSY))
        )
        values, times, workers = _totals(counted), _by_host(scraped), _by_host(busy)
        return tuple(
            Scrape(
                host,
                times[host],
                values[host, "canary"],
                values[host, "stable"],
                _whole(workers.get(host, 0.0)),
            )
            for host in hosts
            if host in times
        )


def _totals(samples: Iterable[Sample]) -> Mapping[tuple[str, str], Totals]:
    """(host, pool) -> its counters; a pool without series has counted nothing."""
    found: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for sample in samples:
        labels = sample.labels
        name = labels.get("__name__", "").removeprefix("chom_").removesuffix("_total")
        mine = found[labels.get("host", ""), labels.get("pool", "")]
        mine[name] = mine.get(name, 0.0) + sample.value
    told = {
        key: Totals(*(mine.get(name, 0.0) for name in ("requests", "failed", "slow"))) for key, mine in found.items()
    }
    return defaultdict(Totals, told)


def _by_host(samples: Iterable[Sample]) -> dict[str, float]:
    """The least of a server's samples: what is not there for one part of it is not there."""
    found: dict[str, float] = {}
    for sample in samples:
        host = sample.labels.get("host", "")
        found[host] = min(found.get(host, math.inf), sample.value)
    return found


def _whole(value: float) -> int:
    return int(value) if math.isfinite(value) else 0
