"""How fast Slack may be written to, and how that is shared between all cards."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds, but for the counts."""

    card: float = 3.0
    """Between two updates of one card that goes on; more where many cards go on (cards/turns.py)."""
    turn: float = 1.0
    """The same where the card has something to say that people wait for: a decision, the end."""
    thread: float = 3.0
    """Between two messages in one thread; more where many runs go on, each with more lines then."""
    post: float = 1.05
    """Between two messages in the channel (Slack: one a second), on the average."""
    burst: int = 2
    """Messages that may go out at once after a pause; the last of them is kept for cards and failures."""
    updates: int = 45
    """Updates of all cards in a minute (Slack: 50)."""
    spare: int = 3
    """Of these, kept for decisions and ends however many cards go on."""
    steady: int = 24
    """Updates in a minute that the cards that go on share, as long as that shows each of them every `oldest` s."""
    oldest: float = 28.5
    """For so long is a picture behind, at most, as long as Slack's limit allows it for every card that goes on."""
    patience: float = 24.0
    """For so long is a change not shown where that many go on."""
    minute: float = 60.0
    """Slack's minute."""
    calls: int = 8
    """Calls under way at once, each for another card."""
    sweep: float = 15.0
    """Between two looks at everything that is open or waits: requests lapse without anybody touching them."""
    lease: float = 6.0
    """How long a tail that died is still believed to live; another takes over then."""
    backoff: tuple[float, float] = (1.0, 30.0)
    """First and longest pause while Slack is away."""
    refused: float = 60.0
    """Before a card of which Slack refused something for good is tried again."""
    flush: float = 4.0
    """At the end, for the last pictures."""


@dataclass(slots=True)
class Minute:
    """Counts what was done in the last `seconds`; times are those of one monotonic clock."""

    most: int
    seconds: float = 60.0
    _done: deque[float] = field(default_factory=deque[float])

    def held(self, now: float) -> int:
        """How many there were."""
        while self._done and self._done[0] <= now - self.seconds:
            self._done.popleft()
        return len(self._done)

    def ready(self, now: float, keep: int) -> float:
        """When one more may be done while `keep` stay free."""
        over = self.held(now) - (self.most - keep - 1)
        return now if over <= 0 else max(now, self._done[over - 1] + self.seconds)

    def count(self, now: float) -> None:
        """One was done."""
        self._done.append(now)

    def remember(self, times: Iterable[float]) -> None:
        """Another did these."""
        self._done = deque(sorted([*self._done, *times]))


@dataclass(slots=True)
class Bucket:
    """Holds `size` at most, and one more every `seconds`; times are those of one monotonic clock."""

    size: int
    seconds: float
    _held: float = 1.0
    """At first one: what another bot posted just before is not known."""
    _at: float | None = None

    def ready(self, now: float, keep: int) -> float:
        """When one can be taken while `keep` stay."""
        lacking = 1 + min(keep, self.size - 1) - self._level(now)
        return now if lacking <= 1e-9 else now + lacking * self.seconds

    def take(self, now: float) -> None:
        """One was taken."""
        self._held, self._at = self._level(now) - 1, now

    def _level(self, now: float) -> float:
        self._at = now if self._at is None else self._at
        return min(float(self.size), self._held + (now - self._at) / self.seconds)
