"""How often Homes may be sent, and the servers looked at for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HomePace:
    """All in seconds, but for the counts."""

    view: float = 3.0
    """Between two views of one person's Home."""
    turn: float = 1.0
    """The same where there is news on it, or it has just been opened."""
    views: int = 90
    """Views of all Homes in a minute, over all bots (Slack: 100)."""
    reserve: int = 20
    """Of these, kept for news and for those just opened."""
    minute: float = 60.0
    """Slack's minute."""
    sweep: float = 15.0
    """Between two looks at everything: requests lapse, cards come and roles change without a word."""
    look: float = 60.0
    """Between two looks at the servers of an environment while somebody is likely to read what is live there."""
    look_going: float = 15.0
    """The same where something runs, or for who has just opened their Home."""
    look_idle: float = 900.0
    """The same where a Home was opened a while ago."""
    lease: float = 6.0
    """How long a bot that died is still believed to keep the Homes; another takes over then."""
    backoff: tuple[float, float] = (1.0, 30.0)
    """First and longest pause while Slack is away."""
