"""Prometheus, asked over its query API; what it cannot say now is said as such and never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, cast

import requests
from urllib3.util.retry import Retry

from actions.engine.telemetry import Blind, Sample

CONNECT, ANSWER = 2.0, 5.0
"""Seconds for a connection, and for the answer."""


class _Asks(Protocol):
    def custom_query(self, query: str, params: dict[str, str] | None = None) -> Any: ...


class PrometheusMetrics:
    """Implements ports.Metrics with prometheus-api-client, which is synchronous: each query has a thread."""

    def __init__(self, url: str, timeout: tuple[float, float] = (CONNECT, ANSWER)) -> None:
        self.url, self._timeout = url.rstrip("/"), timeout
        self._client: _Asks | None = None

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
        connect, refused = _library()
        try:
            self._client = self._client or connect(self.url, self._timeout)
            return self._client.custom_query(promql, params)
        except refused as fault:
            raise Blind(f"Prometheus at {self.url} refuses the query: {str(fault)[:300]}.") from None
        except requests.exceptions.Timeout:
            raise Blind(f"Prometheus at {self.url} does not answer in time.") from None
        except requests.exceptions.ConnectionError:
            raise Blind(f"Prometheus at {self.url} cannot be reached.") from None
        except (requests.exceptions.RequestException, ValueError, KeyError, TypeError):
            raise Blind(f"What answers at {self.url} is no Prometheus.") from None


def _library() -> tuple[Callable[[str, tuple[float, float]], _Asks], type[Exception]]:
    """Imported when first used: 95 ms and 28 MiB."""
    from prometheus_api_client.exceptions import PrometheusApiClientException  # noqa: PLC0415
    from prometheus_api_client.prometheus_connect import PrometheusConnect  # noqa: PLC0415

    def connect(url: str, timeout: tuple[float, float]) -> _Asks:
        session = requests.Session()
        session.trust_env = False  # a proxy of the environment is not meant for it
        made: Any = cast(Any, PrometheusConnect)(url=url, session=session, timeout=timeout, retry=Retry(0, read=False))
        return made

    return connect, PrometheusApiClientException


def _samples(found: Any, url: str) -> tuple[Sample, ...]:
    """A vector's samples, or a scalar's one."""
    try:
        if found and not isinstance(found[0], dict):
            return (Sample({}, float(found[1])),)
        return tuple(Sample(dict(one["metric"]), float(one["value"][1])) for one in found)
    except (KeyError, TypeError, ValueError, IndexError):
        raise Blind(f"Prometheus at {url} answers with something that is no instant vector.") from None
