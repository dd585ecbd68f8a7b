"""Everything this Slack remembers: messages, ephemerals, views, files. In memory, with a revision to wait for."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import Json, SlackError


@dataclass(slots=True)
class StoredFile:
    """A file that was announced, and, once it was uploaded, its bytes."""

    id: str
    name: str
    length: int
    content: bytes | None = None
    title: str = ""
    shared: bool = False


@dataclass(slots=True)
class Memory:
    """`now` gives seconds since 1970; a test's clock may stand behind it."""

    now: Callable[[], float]
    channels: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Conversation id -> messages in the order of posting, replies among them."""
    ephemerals: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Person's short name -> what only that person sees."""
    views: dict[str, Json] = field(default_factory=dict[str, Json])
    """View id -> view with Slack's fields, and whose it is in "user"; open modals and published Homes."""
    files: dict[str, StoredFile] = field(default_factory=dict[str, StoredFile])
    revision: int = 0
    _last_ts: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.channels = {people.CHANNEL: []} | {person.direct: [] for person in people.PEOPLE}
        self.ephemerals = {person.name: [] for person in people.PEOPLE}

    def touch(self) -> None:
        """Something changed: wake everybody who waits."""
        self.revision += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self, seen: int) -> int:
        """Wait until the revision is above `seen`; returns it."""
        while self.revision <= seen:
            await self._changed.wait()
        return self.revision

    def stamp(self) -> str:
        """A ts, unique in this workspace and growing, as Slack's are."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def id(self, prefix: str) -> str:
        """An id such as V0000000007."""
        return f"{prefix}{next(self._numbers):010d}"

    def conversation(self, id: str) -> list[Json]:
        """The messages of a conversation. Raises channel_not_found."""
        found = self.channels.get(id)
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def find(self, channel: str, ts: str) -> Json | None:
        """A message by its ts."""
        return next((message for message in self.channels.get(channel, []) if message["ts"] == ts), None)

    def find_ephemeral(self, person: str, ts: str) -> Json | None:
        """What only this person (short name) sees, by its ts."""
        return next((message for message in self.ephemerals.get(person, []) if message["ts"] == ts), None)

    def post(self, channel: str, message: Json) -> Json:
        """Put a message at the end; a reply is counted at its parent."""
        posted = {"type": "message", "ts": self.stamp(), **message}
        self.conversation(channel).append(posted)
        parent = self.find(channel, str(posted.get("thread_ts", "")))
        if parent is not None and parent is not posted:
            self._count_reply(parent, posted)
        self.touch()
        return posted

    def whisper(self, person: str, channel: str, message: Json) -> Json:
        """Put a message before one person's eyes only."""
        said = {"type": "message", "ts": self.stamp(), "channel": channel, "is_ephemeral": True, **message}
        self.ephemerals[person].append(said)
        self.touch()
        return said

    def remove(self, messages: list[Json], message: Json) -> None:
        """Take a message away."""
        messages.remove(message)
        self.touch()

    def _count_reply(self, parent: Json, reply: Json) -> None:
        repliers = [*parent.get("reply_users", [])]
        if reply["user"] not in repliers:
            repliers.append(reply["user"])
        parent.update(
            thread_ts=parent["ts"],
            reply_count=parent.get("reply_count", 0) + 1,
            reply_users_count=len(repliers),
            reply_users=repliers,
            latest_reply=reply["ts"],
            is_locked=False,
            subscribed=False,
        )


def new_block_id() -> str:
    """What Slack gives to a block that came without an id."""
    return secrets.token_urlsafe(4)[:5]
