"""The two kinds of short-lived permission that Slack hands an app: trigger ids and response addresses."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack.errors import SlackError

TRIGGER_SECONDS = 3.0
HOOK_SECONDS = 1800.0
HOOK_USES = 5


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a person acted; what is said through a response address goes there."""

    person: str
    """Short name."""
    channel: str
    ts: str = ""
    """The message that was acted on, "" for a command."""
    ephemeral: bool = False
    thread_ts: str = ""


@dataclass(slots=True)
class _Trigger:
    person: str
    until: float
    view: str
    used: bool = False


@dataclass(slots=True)
class _Hook:
    origin: Origin
    until: float
    uses: int = 0


@dataclass(slots=True)
class Tickets:
    """`now` is in seconds."""

    now: Callable[[], float]
    _triggers: dict[str, _Trigger] = field(default_factory=dict[str, _Trigger])
    _hooks: dict[str, _Hook] = field(default_factory=dict[str, _Hook])

    def trigger(self, person: str, view: str = "") -> str:
        """A trigger id for what this person just did (in a view, if so): one use within three seconds."""
        id = f"{secrets.randbelow(10**12):012d}.{secrets.randbelow(10**12):012d}.{secrets.token_hex(16)}"
        self._triggers[id] = _Trigger(person, self.now() + TRIGGER_SECONDS, view)
        return id

    def spend_trigger(self, id: str) -> tuple[str, str]:
        """(person's short name, the view it came from or ""). Raises Slack's error for a spent, old or unknown one."""
        found = self._triggers.get(id)
        if found is None:
            raise SlackError("invalid_trigger_id")
        if found.used:
            raise SlackError("exchanged_trigger_id")
        if self.now() > found.until:
            raise SlackError("expired_trigger_id")
        found.used = True
        return found.person, found.view

    def hook(self, origin: Origin) -> str:
        """The secret part of a response address."""
        token = secrets.token_urlsafe(18)
        self._hooks[token] = _Hook(origin, self.now() + HOOK_SECONDS)
        return token

    def spend_hook(self, token: str) -> Origin:
        """Where an answer goes. Raises Slack's error after five uses or thirty minutes."""
        found = self._hooks.get(token)
        if found is None:
            raise SlackError("invalid_url")
        if self.now() > found.until:
            raise SlackError("expired_url")
        if found.uses >= HOOK_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found.origin
