"""Users of model servers, counted as mtail would: how many the canary served, and how many of those failed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from actions.engine.analysis import Scrape, Totals
from actions.engine.telemetry import Blind
from tests.runner.model import Lease, Server
from tests.runner.virtual import START, VirtualClock


@dataclass
class Visitors:
    """ports.Scrapes: so many requests a second on each server, and these shares of them fail or are slow."""

    servers: Sequence[Server]
    rate: float = 10.0
    failed: float = 0.0
    slow: float = 0.0
    stable_failed: float = 0.0
    hangs: bool = False
    """The canary's workers are busy and complete nothing."""
    blind: bool = False
    answers: float = 0.05
    """Seconds that Prometheus takes."""
    _counted: dict[str, tuple[datetime, Lease, float, float]] = field(default_factory=dict)
    """Server -> (until when, under which lease, requests of the canary, requests of stable)."""
    weights: dict[str, list[int]] = field(default_factory=dict)
    """Server -> the weights that users saw, in order."""

    def __post_init__(self) -> None:
        for server in self.servers:
            self._counted[server.name] = (START, server.lease, 0.0, 0.0)
            self.weights[server.name] = [0]
        asyncio.get_running_loop().create_task(self._go_on())

    async def _go_on(self) -> None:
        while True:
            for server in self.servers:
                self._count(server)
            await asyncio.sleep(0.25)

    def _count(self, server: Server) -> None:
        at, lease, canary, stable = self._counted[server.name]
        now = VirtualClock().now()
        share = lease.weight_at(now) / 100
        served = (now - at).total_seconds() * self.rate
        canary += 0 if self.hangs else served * share
        self._counted[server.name] = (now, server.lease, canary, stable + served * (1 - share))
        weight = server.lease.weight_at(now)
        if weight != self.weights[server.name][-1]:
            self.weights[server.name].append(weight)

    async def scrape(self, hosts: Sequence[str]) -> tuple[Scrape, ...]:
        await asyncio.sleep(self.answers)
        if self.blind:
            raise Blind("Prometheus does not answer.")
        return tuple(self._scrapes(hosts))

    def _scrapes(self, hosts: Sequence[str]) -> Iterator[Scrape]:
        for server in self.servers:
            if server.name in hosts and server.up.is_set():
                self._count(server)
                _, lease, canary, stable = self._counted[server.name]
                now = VirtualClock().now()
                of_canary = Totals(int(canary), int(canary * self.failed), int(canary * self.slow))
                busy = 5 if self.hangs and lease.weight_at(now) else 0
                yield Scrape(
                    server.name, now.timestamp(), of_canary, Totals(int(stable), int(stable * self.stable_failed)), busy
                )
