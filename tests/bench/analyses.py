"""Ours, and four others as they are found: each decides on the same ticks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from math import sqrt

from actions.engine.analysis import Extend, Hold, Limits, Promote, RollBack, Scrape, Totals, Wait, Watched, decide
from tests.bench.canaries import STAGE, TICK, WEIGHTS, Counted, Outcome

LIMIT = 0.05


class Ours:
    """The production code, from raw counters to the finding; nobody answers when it asks."""

    def __init__(self, limits: Limits) -> None:
        self.stage, self.asked = 0, False
        self._limits = limits
        self._watched = Watched(("app1",), len(WEIGHTS), 0.0).read([Scrape("app1", 0.0)])
        self._canary = self._stable = (0, 0)

    def tick(self, now: float, canary: Counted, stable: Counted) -> Outcome | None:
        """Counters grow, are read, and what is found is done."""
        self._canary = (self._canary[0] + canary[0], self._canary[1] + canary[1])
        self._stable = (self._stable[0] + stable[0], self._stable[1] + stable[1])
        self._watched = self._watched.read([Scrape("app1", now, Totals(*self._canary), Totals(*self._stable))])
        match decide(self._watched, now, self._limits):
            case Wait():
                return None
            case Promote():
                if self.stage == len(WEIGHTS) - 1:
                    return Outcome.PROMOTED
                self.stage += 1
                self._watched = self._watched.promoted(now)
            case Extend():
                self._watched = self._watched.extending()
            case Hold():
                self.asked = True
                self._watched = self._watched.holding(now)
            case RollBack():
                return Outcome.BACK
        return None


class _Staged(ABC):
    """Stages of five minutes, with the counts of the stage that runs."""

    def __init__(self) -> None:
        self.stage, self.asked = 0, False
        self._since, self._requests, self._failed = 0.0, 0, 0

    def tick(self, now: float, canary: Counted, stable: Counted) -> Outcome | None:
        """Counts the tick, and asks `bad` at every one and at a stage's end."""
        del stable
        self._requests, self._failed = self._requests + canary[0], self._failed + canary[1]
        over = now - self._since >= STAGE
        if self._requests and self.bad(over):
            return Outcome.BACK
        if not over:
            return None
        self.stage += 1
        self._since, self._requests, self._failed = now, 0, 0
        return Outcome.PROMOTED if self.stage == len(WEIGHTS) else None

    @abstractmethod
    def bad(self, over: bool) -> bool:
        """Whether to go back."""


class AtGate(_Staged):
    """Naive: after each stage, back where more than 5 % of its requests failed."""

    def bad(self, over: bool) -> bool:
        """At the gate alone."""
        return over and self._failed > LIMIT * self._requests


class AtTick(_Staged):
    """Naive: the same at every tick, as an alert on the error rate does."""

    def bad(self, over: bool) -> bool:
        """Always."""
        return self._failed > LIMIT * self._requests


class Wilson(_Staged):
    """At every tick, back where the 99 % Wilson interval of the stage's error rate is above 5 %."""

    def bad(self, over: bool) -> bool:
        """Wilson, JASA 22:209, 1927; z = 2.326, one-sided."""
        n, z = self._requests, 2.326
        share = self._failed / n
        low = (share + z * z / 2 / n - z * sqrt(share * (1 - share) / n + z * z / 4 / n / n)) / (1 + z * z / n)
        return low > LIMIT or (over and share > LIMIT)


class Flagger:
    """As Flagger decides, with interval 1m and threshold 5 as in its examples, and our steps.

    Each minute the last minute is looked at: more than 5 % failed, or no request at all, is a failed check, and there
    is no step; at the check after the fifth one all users go back. A passed check is a step, and takes no failed one
    away (fluxcd/flagger, pkg/controller/scheduler.go).
    """

    INTERVAL, THRESHOLD = 60.0, 5

    def __init__(self) -> None:
        self.stage, self.asked = 0, False
        self._checks = 0
        self._window: deque[Counted] = deque(maxlen=int(self.INTERVAL / TICK))

    def tick(self, now: float, canary: Counted, stable: Counted) -> Outcome | None:
        """A check each minute."""
        del stable
        self._window.append(canary)
        if now % self.INTERVAL:
            return None
        if self._checks >= self.THRESHOLD:
            return Outcome.BACK
        requests, failed = sum(one[0] for one in self._window), sum(one[1] for one in self._window)
        if not requests or failed > LIMIT * requests:
            self._checks += 1
            return None
        self.stage += 1
        return Outcome.PROMOTED if self.stage == len(WEIGHTS) else None
