"""What every part of the stand-in shares: the memory, the limits, the tickets, the faults and the app's scopes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.faults import Faults
from bot.sandbox.slack.limits import Limits
from bot.sandbox.slack.state import Memory
from bot.sandbox.slack.tickets import Tickets


@dataclass(slots=True)
class Workspace:
    """One team with one app in it. `address` is the stand-in's own base, without a slash at the end."""

    memory: Memory
    limits: Limits
    tickets: Tickets
    faults: Faults
    scopes: tuple[str, ...]
    home: bool = True
    """Whether the app's Home tab is switched on."""
    address: str = ""
    groups: dict[str, people.Group] = field(default_factory=lambda: {group.id: group for group in people.GROUPS})
    """User groups by id; a test may change them."""

    def channel(self, name: str) -> str:
        """A conversation's id from what an app may write: id, name, #name, or a user's id. Raises channel_not_found."""
        plain = name.removeprefix("#")
        if plain == people.CHANNEL_NAME:
            return people.CHANNEL
        if name in people.BY_ID:
            return people.BY_ID[name].direct
        if name not in self.memory.channels:
            raise SlackError("channel_not_found")
        return name

    def ws_address(self) -> str:
        """The same base for a WebSocket."""
        return self.address.replace("http", "ws", 1)


def workspace(
    now: Callable[[], float] = time.time, *, limits: bool, scopes: tuple[str, ...], home: bool = True
) -> Workspace:
    """An empty one."""
    return Workspace(Memory(now), Limits(now, limits), Tickets(now), Faults(now), scopes, home)


def name_of(conversation: str) -> str:
    """The name by which a conversation stands in /sandbox/state: "deploys", or "@dev" for a direct one."""
    if conversation == people.CHANNEL:
        return people.CHANNEL_NAME
    return next("@" + person.name for person in people.BY_ID.values() if person.direct == conversation)
