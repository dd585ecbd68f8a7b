"""Every number of the canary analysis, with its default: nothing is decided by a figure that cannot be configured."""

from __future__ import annotations

from dataclasses import dataclass

MOST_HICCUPS = 4
"""Of so many ticks a stage's faults are remembered one by one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a canary may do, and how sure the analysis has to be. Shares are 0…1, times are seconds.

    Raises ValueError, with a sentence, for limits that could not be kept together.
    """

    share: float = 0.05
    """At most this share of requests may fail, and at most this share may be slow. That no more than 5 % are
    slower than 2 s is what "the p95 is at most 2 s" means, so both limits are one test on counts."""
    healthy: float = 0.02
    """A build that shows this share at most is never to be sent back by chance; where stable itself shows more,
    stable's share is taken, up to `share`."""
    slow: float = 2.0
    """Slower than this is slow; nginx's counters have an edge exactly here."""
    stage: float = 300.0
    """How long a stage lasts before its gate."""
    least: int = 59
    """Requests a stage's gate needs: 0.95^59 = 4.8 %, so 59 without a fault show a share below 5 % with 95 %
    confidence (the "rule of three", Hanley and Lippman-Hand, JAMA 249:1743, 1983)."""
    extensions: int = 3
    """How often a stage is extended by its own length before a person is asked."""
    evidence: float = 200.0
    """So much sends a build back, at any tick: of healthy ones 1 / 200 = 0.5 % for each of the two limits at most."""
    faults: int = 3
    """Fewer faults than this never send a build back."""
    hiccups: int = 4
    """In so many of a stage's ticks, the worst, only one fault counts: one short outage is not a build."""
    steady: float = 20.0
    """What is left of the evidence then has to be at least this."""
    stuck: float = 30.0
    """Workers busy and no request completed for so long: nobody is served."""
    stale: float = 30.0
    """Counters older than this decide nothing but a way back."""
    blind: float = 120.0
    """Without fresh counters for so long, users go to stable."""
    patience: float = 1800.0
    """How long a hold waits for a person."""

    def __post_init__(self) -> None:
        if not 0 < self.healthy < self.share < 1:
            raise ValueError(f"0 < healthy < share < 1 is needed, and they are {self.healthy:g} and {self.share:g}.")
        times = (self.slow, self.stage, self.stuck, self.stale, self.blind, self.patience)
        if min(times) <= 0 or min(self.least, self.faults) < 1 or min(self.extensions, self.hiccups) < 0:
            raise ValueError("Times and counts of the canary's limits have to be above 0.")
        if not 1 <= self.steady <= self.evidence:
            raise ValueError("1 <= steady <= evidence is needed of the canary's limits.")
        if self.hiccups > MOST_HICCUPS:
            raise ValueError(f"The canary's hiccups have to be {MOST_HICCUPS} at most.")

    @property
    def alternatives(self) -> tuple[float, ...]:
        """The shares of a bad build that evidence is weighed over, from just above the limit to everything."""
        return (*(p for p in (self.share * m for m in (1, 1.6, 2.4, 4, 7, 12)) if p < 1), 1.0)
