"""Slack's rate limits: one a second and channel for posting, so many a minute and method for the rest."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from bot.sandbox.slack.errors import RateLimited


class Tier(IntEnum):
    """Calls a minute that a method takes from one app in one workspace."""

    TWO = 20
    THREE = 50
    FOUR = 100
    SPECIAL = 600


POSTS_BURST = 4
"""Posts that one channel takes at once before it is held to one a second."""
MINUTE = 60.0


@dataclass(slots=True)
class Limits:
    """Counts calls; `on` switches all of it. `now` is in seconds."""

    now: Callable[[], float]
    on: bool = True
    _calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict[str, deque[float]](deque))
    _debt: dict[str, float] = field(default_factory=dict[str, float])
    """Channel -> the moment at which its burst is whole again."""

    def spend(self, method: str, tier: Tier) -> None:
        """One call of a method. Raises RateLimited."""
        if not self.on:
            return
        now, calls = self.now(), self._calls[method]
        while calls and calls[0] <= now - MINUTE:
            calls.popleft()
        if len(calls) >= tier:
            raise RateLimited(max(1, math.ceil(calls[0] + MINUTE - now)))
        calls.append(now)

    def post(self, channel: str) -> None:
        """One chat.postMessage into a channel. Raises RateLimited."""
        if not self.on:
            return
        now = self.now()
        whole = max(self._debt.get(channel, now), now) + 1.0
        if whole - now > POSTS_BURST:
            raise RateLimited(max(1, math.ceil(whole - now - POSTS_BURST)))
        self._debt[channel] = whole
