"""Asks Prometheus for a picture's p95; where it does not answer, the picture shows what the journal has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from actions.engine.telemetry import Blind, Metrics, Sample
from bot.charts.latency import P95, lines, question, times
from bot.charts.story import Story

logger = logging.getLogger(__name__)

PATIENCE = 10.0
"""Seconds for all of a picture's questions."""


class Latencies:
    """`metrics` is None where chom.toml names no Prometheus."""

    def __init__(self, metrics: Metrics | None) -> None:
        self._metrics = metrics

    async def p95(self, story: Story) -> P95 | None:
        """None where it cannot be had."""
        if self._metrics is None:
            return None
        answers = dict[float, Sequence[Sample]]()
        try:
            async with asyncio.timeout(PATIENCE):
                for at in times(story):
                    answers[at] = await self._metrics.query(question(story), story.when(at))
        except (Blind, TimeoutError) as blind:
            logger.warning("the picture of %s has no p95: %s", story.version, blind or "Prometheus is too slow")
            return None
        return lines(answers)
