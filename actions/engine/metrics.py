"""Prometheus, asked over its query API; what it cannot say now is said as such and never guessed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from actions.engine.telemetry import Blind, Sample

if TYPE_CHECKING:
    from actions.engine.prometheus import Prometheus

CONNECT, ANSWER = 2.0, 5.0
"""Seconds for a connection, and for the answer."""


class PrometheusMetrics:
    """Implements ports.Metrics with prometheus-api-client, which is synchronous: each query has a thread."""

    def __init__(self, url: str, timeout: tuple[float, float] = (CONNECT, ANSWER)) -> None:
        self.url, self._timeout = url.rstrip("/"), timeout
        self._server: Prometheus | None = None

    async def query(self, promql: str, at: datetime | None = None) -> tuple[Sample, ...]:
        """The samples. Raises Blind in a sentence."""
        params = {"time": f"{at.timestamp():.3f}"} if at else {}
        try:
            async with asyncio.timeout(sum(self._timeout) + 1):
                found = await asyncio.to_thread(self._ask, promql, params)
        except TimeoutError:
            raise Blind(f"Prometheus at {self.url} does not answer in time.") from None
        return _samples(found, self.url)

    def _ask(self, promql: str, params: dict[str, str]) -> Any:
        from actions.engine.prometheus import Prometheus  # noqa: PLC0415  its first line says why

        self._server = self._server or Prometheus(self.url, self._timeout)
        return self._server.ask(promql, params)


def _samples(found: Any, url: str) -> tuple[Sample, ...]:
    """A vector's samples, or a scalar's one."""
    try:
        if found and not isinstance(found[0], dict):
            return (Sample({}, float(found[1])),)
        return tuple(Sample(dict(one["metric"]), float(one["value"][1])) for one in found)
    except (KeyError, TypeError, ValueError, IndexError):
        raise Blind(f"Prometheus at {url} answers with something that is no instant vector.") from None
