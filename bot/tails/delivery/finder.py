"""Recognises the bot's own messages in Slack by their metadata, where an answer was lost or a bot died before it came.

It needs channels:history (groups:history in a private channel), which the manifest asks for as optional. Without it
nothing can be found: then what may have been said is said again, because a failure told twice is better than never.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any, cast

from bot.slack.cards.live import EVENT_TYPE
from bot.slack.connection.web import CallFailed
from bot.tails.delivery.notes import Place
from bot.tails.delivery.sender import Sender

logger = logging.getLogger(__name__)

TOLD = "chom_thread"
"""The metadata's event_type on every message in a thread."""
PAGE, PAGES = 200, 5
"""Messages in one answer, and answers that are looked through."""
SKEW = timedelta(minutes=2)
"""By so much may the clocks of Slack and of this machine differ."""
_MAY_NOT = frozenset({"missing_scope", "not_in_channel", "channel_not_found", "not_allowed_token_type"})

Message = Mapping[str, Any]


def told_metadata(change: str, upto: int) -> dict[str, Any]:
    """What a message in a thread carries for programs: the change, and up to which entry of its journal it speaks."""
    return {"event_type": TOLD, "event_payload": {"change": change, "upto": upto}}


def log_metadata(change: str, word: str) -> dict[str, Any]:
    """The same for what a thread says of the log."""
    return {"event_type": TOLD, "event_payload": {"change": change, "log": word}}


def notice_metadata(change: str, key: str) -> dict[str, Any]:
    """The same for what rings for somebody."""
    return {"event_type": TOLD, "event_payload": {"change": change, "notice": key}}


class Finder:
    """Looks in the sender's channel. Each look raises NotMine, Gone, CallFailed; not for a lacking scope."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self.blind = False
        """Whether Slack has said that the app may not look."""

    async def card(self, change: str, since: datetime) -> Place | None:
        """Where the change's card is, which was posted after `since`: the first one, where there are several."""
        asked = {"channel": self._sender.channel, "oldest": f"{(since - SKEW).timestamp():.6f}"}
        found = [m async for m in self._pages("conversations.history", asked) if _is(m, EVENT_TYPE, change)]
        return (self._sender.channel, str(found[-1].get("ts"))) if found else None

    async def told(self, change: str, place: Place) -> int:
        """Up to which entry the thread speaks; 0 where that cannot be seen."""
        found = [m async for m in self._thread(place) if _is(m, TOLD, change)]
        numbers = [_payload(message).get("upto") for message in found]
        return max((number for number in numbers if isinstance(number, int)), default=0)

    async def log_said(self, change: str, place: Place, word: str) -> bool:
        """Whether the thread has said that of the log."""
        return any([_payload(m).get("log") == word async for m in self._thread(place) if _is(m, TOLD, change)])

    async def noticed(self, change: str, place: Place, key: str) -> bool:
        """Whether the thread has that notice."""
        return any([_payload(m).get("notice") == key async for m in self._thread(place) if _is(m, TOLD, change)])

    async def shared(self, place: Place, file: str) -> bool:
        """Whether the thread has that file."""
        files = [cast("list[Message]", m.get("files") or []) async for m in self._thread(place)]
        return any(one.get("id") == file for several in files for one in several)

    def _thread(self, place: Place) -> AsyncIterator[Message]:
        return self._pages("conversations.replies", {"channel": place[0], "ts": place[1]})

    async def _pages(self, method: str, asked: Mapping[str, Any]) -> AsyncIterator[Message]:
        cursor = ""
        for _ in range(PAGES):
            page = {**asked, "limit": PAGE, "include_all_metadata": True} | ({"cursor": cursor} if cursor else {})
            try:
                answer = await self._sender.called(method, page, as_query=True)
            except CallFailed as failed:
                if failed.failure.error not in _MAY_NOT:
                    raise
                self._warn(failed.failure.error)
                return
            for message in cast("list[Message]", answer.data.get("messages") or []):
                yield message
            meta = cast("Message", answer.data.get("response_metadata") or {})
            cursor = str(meta.get("next_cursor") or "")
            if not cursor:
                return

    def _warn(self, error: str) -> None:
        if not self.blind:
            logger.warning(
                "What may have been said already cannot be looked up (%s), and is said again: "
                "grant channels:history, or groups:history for a private channel, to the Slack app",
                error,
            )
        self.blind = True


def _payload(message: Message) -> Message:
    metadata = cast("Message", message.get("metadata") or {})
    return cast("Message", metadata.get("event_payload") or {})


def _is(message: Message, kind: str, change: str) -> bool:
    metadata = cast("Message", message.get("metadata") or {})
    return metadata.get("event_type") == kind and _payload(message).get("change") == change
