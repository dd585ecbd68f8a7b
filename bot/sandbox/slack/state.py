"""Everything this Slack remembers: messages, ephemerals, views, files. In memory, with a revision to wait for."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.slack import people
from bot.sandbox.slack.errors import Json, SlackError

THREAD = ("thread_ts", "reply_count", "reply_users_count", "reply_users", "latest_reply", "is_locked", "subscribed")
"""What a message says of the thread that hangs on it."""
STONE = {"type", "ts", *THREAD}


@dataclass(slots=True)
class StoredFile:
    """A file that was announced, and, once it was uploaded, its bytes."""

    id: str
    name: str
    length: int
    created: int
    """Seconds since 1970."""
    content: bytes | None = None
    title: str = ""
    snippet: str = ""
    """Its syntax, "" for a file that is no snippet."""
    alt: str = ""
    """What a picture shows, for those who do not see it."""
    done: bool = False
    """The upload was completed, so that the file can be seen."""
    shares: dict[str, list[Json]] = field(default_factory=dict[str, list[Json]])
    """Conversation id -> messages that share it."""


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
        self.channels = {people.CHANNEL: []} | {person.direct: [] for person in people.BY_ID.values()}
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
        self._count_replies(channel, str(posted.get("thread_ts", "")))
        self.touch()
        return posted

    def whisper(self, person: str, channel: str, message: Json) -> Json:
        """Put a message before one person's eyes only."""
        said = {"type": "message", "ts": self.stamp(), "channel": channel, "is_ephemeral": True, **message}
        self.ephemerals.setdefault(person, []).append(said)
        self.touch()
        return said

    def remove(self, channel: str, message: Json) -> None:
        """Take a message away; where a thread hangs on it, Slack leaves a stone that says so."""
        if message.get("reply_count"):
            kept = {name: value for name, value in message.items() if name in STONE}
            message.clear()
            message.update(kept, subtype="tombstone", user=people.SLACKBOT, hidden=True)
            message["text"] = "This message was deleted."
        else:
            self.conversation(channel).remove(message)
            self._count_replies(channel, str(message.get("thread_ts", "")))
        self.touch()

    def _count_replies(self, channel: str, ts: str) -> None:
        """What a message says of its thread."""
        parent = self.find(channel, ts)
        if parent is None:
            return
        replies = [m for m in self.channels[channel] if m.get("thread_ts") == ts and m is not parent]
        if not replies:
            for name in THREAD:
                parent.pop(name, None)
            return
        users = list(dict.fromkeys(reply["user"] for reply in replies))
        counts = (ts, len(replies), len(users), users, replies[-1]["ts"], False, False)
        parent.update(zip(THREAD, counts, strict=True))


def new_block_id() -> str:
    """What Slack gives to a block that came without an id."""
    return secrets.token_urlsafe(4)[:5]
