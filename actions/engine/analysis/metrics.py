"""The two limits of a canary as one test on counts: requests that failed, and requests that were slow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from actions.engine.analysis.counters import Counts
from actions.engine.analysis.evidence import e_value, pooled
from actions.engine.analysis.findings import Cause
from actions.engine.analysis.limits import Limits
from actions.engine.analysis.watched import Tally, Watched
from actions.engine.words import counted


class Metric(StrEnum):
    """What is wrong with a request."""

    FAILED = "failed"
    SLOW = "slow"

    @property
    def cause(self) -> Cause:
        """Why users go back where too many are."""
        return Cause.FAILED if self is Metric.FAILED else Cause.SLOW

    def faults(self, counts: Counts) -> int:
        """How many of these requests are."""
        return counts.failed if self is Metric.FAILED else counts.slow

    def spared(self, tally: Tally, hiccups: int) -> int:
        """How many of the canary's faults do not count where its `hiccups` worst ticks have one each."""
        worst = tally.failed_worst if self is Metric.FAILED else tally.slow_worst
        return sum(worst[:hiccups]) - len(worst[:hiccups])

    def share(self, counts: Counts) -> float:
        """Which part of these requests are; 0 of none."""
        return self.faults(counts) / counts.requests if counts.requests else 0.0


@dataclass(frozen=True, slots=True)
class Excess:
    """More of one kind than the limit allows, in the stage that runs or in all stages together."""

    metric: Metric
    canary: Counts
    stable: Counts
    """Of the stage or of all stages: of whichever shows more."""
    evidence: float
    steady: float
    """The evidence where the worst ticks of each stage count as one fault each."""
    faults: int
    """How many faults are left then."""

    def proved(self, limits: Limits) -> bool:
        """Whether the evidence is strong enough, and would not be nothing without an outage or two."""
        return self.evidence >= limits.evidence and self.steady >= limits.steady and self.faults >= limits.faults


def excesses(watched: Watched, limits: Limits) -> tuple[Excess, ...]:
    """Each limit that is exceeded as of now, the one with the strongest evidence first; () in a healthy canary."""
    stage = watched.tallies[-1]
    canary = sum((one.canary for one in watched.tallies), Counts())
    stable = sum((one.stable for one in watched.tallies), Counts())
    found: list[Excess] = []
    for metric in Metric:
        here, everywhere = metric.share(stage.canary), metric.share(canary)
        if max(here, everywhere) > limits.share:
            shown = (stage.canary, stage.stable) if here >= everywhere else (canary, stable)
            allowed = _allowed(metric, stable, limits)
            evidence, _ = _evidence(watched, metric, allowed, limits, 0)
            steady, faults = _evidence(watched, metric, allowed, limits, limits.hiccups)
            found.append(Excess(metric, *shown, evidence, steady, faults))
    return tuple(sorted(found, key=lambda one: -one.evidence))


def _allowed(metric: Metric, stable: Counts, limits: Limits) -> float:
    if stable.requests < limits.least:
        return limits.healthy
    return min(max(limits.healthy, metric.share(stable)), limits.share)


def _evidence(watched: Watched, metric: Metric, allowed: float, limits: Limits, hiccups: int) -> tuple[float, int]:
    """The evidence of all stages, and of how many faults; of the worst ticks of each, one fault counts."""
    stages: list[tuple[int, int]] = []
    for tally in watched.tallies:
        spared = metric.spared(tally, hiccups)
        stages.append((metric.faults(tally.canary) - spared, tally.canary.requests - spared))
    faults, requests = sum(one[0] for one in stages), sum(one[1] for one in stages)
    whole = e_value(faults, requests, allowed, limits.alternatives)
    each = [e_value(*one, allowed, limits.alternatives) for one in stages]
    return pooled(whole, each, watched.planned), faults


def said(metric: Metric, canary: Counts, stable: Counts) -> str:
    """ "3 of 412 requests failed; stable: 2 of 3,700", or "… were slow; …"; "No request yet; …"."""
    verb = "failed" if metric is Metric.FAILED else "were slow" if metric.faults(canary) != 1 else "was slow"
    other = f"{metric.faults(stable):,} of {stable.requests:,}" if stable.requests else "no requests"
    mine = f"{metric.faults(canary):,} of {counted(canary.requests, 'request')} {verb}"
    return f"{mine if canary.requests else 'No request yet'}; stable: {other}"
