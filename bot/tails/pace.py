"""How fast Slack may be written to, and how that is shared between all cards."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds, but for the counts."""

    card: float = 3.0
    """Between two updates of one card."""
    turn: float = 1.0
    """The same where the card has something to say that people wait for: a decision, the end."""
    post: float = 1.05
    """Between two messages in the channel (Slack: one a second)."""
    updates: int = 45
    """Updates of all cards in a minute (Slack: 50)."""
    reserve: int = 10
    """Of these, kept for decisions and ends."""
    sweep: float = 15.0
    """Between two looks at everything that is open or waits: requests lapse without anybody touching them."""
    lease: float = 6.0
    """How long a tail that died is still believed to live; another takes over then."""
    backoff: tuple[float, float] = (1.0, 30.0)
    """First and longest pause while Slack is away."""
    flush: float = 4.0
    """At the end, for the last pictures."""


@dataclass(slots=True)
class Minute:
    """Counts what was done in the last 60 s; times are those of one monotonic clock."""

    most: int
    _done: deque[float] = field(default_factory=deque[float])

    def wait(self, now: float, keep: int) -> float:
        """Seconds until one more may be done while `keep` stay free."""
        while self._done and self._done[0] <= now - 60:
            self._done.popleft()
        over = len(self._done) - (self.most - keep - 1)
        return 0.0 if over <= 0 else max(0.0, self._done[over - 1] + 60 - now)

    def count(self, now: float) -> None:
        """One was done."""
        self._done.append(now)
