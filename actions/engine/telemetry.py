"""What is asked of Prometheus: its query API, and the counters of a canary's pools; and that it cannot be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from actions.engine.analysis import Scrape


class Blind(Exception):
    """The metrics cannot be seen; the message is a sentence. It says nothing of how the site is."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at one moment."""

    labels: Mapping[str, str]
    value: float
    """May be NaN or infinite, as PromQL has them."""


class Metrics(Protocol):
    """Prometheus' query API."""

    async def query(self, promql: str, at: datetime | None = None) -> tuple[Sample, ...]:
        """An instant query, now or at that time: a sample a series, () where no series fits; a scalar is one sample.

        Raises Blind where it does not answer in time, refuses, or the query is none.
        """
        ...


class Scrapes(Protocol):
    """The counters of both pools of each server, as they were scraped last."""

    async def scrape(self, hosts: Sequence[str]) -> tuple[Scrape, ...]:
        """One a server at most; none for a server that is not scraped. Raises Blind."""
        ...


class NoScrapes:
    """Where chom.toml names no Prometheus."""

    async def scrape(self, hosts: Sequence[str]) -> tuple[Scrape, ...]:
        """Raises Blind, always."""
        raise Blind("chom.toml names no Prometheus.")
