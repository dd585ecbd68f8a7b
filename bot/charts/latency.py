"""The p95 of both versions over a canary's stages, as Prometheus has it: what is asked, and its answers as lines."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from actions.engine.telemetry import Sample
from bot.charts.shares import MOST, Points
from bot.charts.story import Story

WINDOW = 30
"""Seconds that a p95 is of, at least: the pools are scraped every 5 s (see their prometheus.yml)."""


@dataclass(frozen=True, slots=True)
class P95:
    """Lines of (seconds, p95 in seconds). Above the histogram's last edge, twice the limit, it is that edge."""

    canary: Points
    stable: Points


def times(story: Story) -> list[float]:
    """When it is asked for, in seconds of the story: each stage's end is among them."""
    found = list[float]()
    for stage in story.stages:
        length = stage.ended - stage.began
        parts = max(1, math.floor(length / max(WINDOW, story.seconds / MOST)))
        found += [stage.began + length * part / parts for part in range(1, parts + 1)]
    return found


def question(story: Story) -> str:
    """PromQL; each of its answers is a pool's p95 of the time before, over all the canary's servers."""
    window = max(WINDOW, math.ceil(story.seconds / MOST))
    hosts = "|".join(re.escape(host) for host in story.hosts).replace("\\", "\\\\")
    return f'histogram_quantile(0.95, sum by (le, pool) (increase(chom_seconds_bucket{{host=~"{hosts}"}}[{window}s])))'


def lines(answers: Mapping[float, Sequence[Sample]]) -> P95 | None:
    """From the answers by their times. No point where nobody was served; None where the canary has no point at all."""
    pools: dict[str, Points] = {"canary": [], "stable": []}
    for at, samples in sorted(answers.items()):
        for sample in samples:
            if math.isfinite(sample.value) and (line := pools.get(sample.labels.get("pool", ""))) is not None:
                line.append((at, max(0.0, sample.value)))
    return P95(pools["canary"], pools["stable"]) if pools["canary"] else None
