"""One call to Slack: only while this bot holds the lease, and as plain words where Slack does not take it as it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from bot.slack.blocks import Card, words
from bot.slack.connection.web import Answer, CallFailed, Client, Trouble, call

logger = logging.getLogger(__name__)


class NotMine(Exception):
    """Another bot tails now: nothing was called."""


class Gone(Exception):
    """The card does not exist any more: nothing was done."""


class Sender:
    """`mine` says whether this bot may still write; known without asking."""

    def __init__(self, client: Client, channel: str, mine: Callable[[], bool]) -> None:
        self.client, self.channel, self._mine = client, channel, mine
        self._never: set[str] = set()
        """Messages of which this bot knows that Slack did not take them."""

    async def post(self, card: Card, more: Mapping[str, Any]) -> Answer:
        """Say it in the channel. Raises NotMine, Gone, CallFailed."""
        quiet = {"channel": self.channel, "unfurl_links": False, "unfurl_media": False}
        return await self._send("chat.postMessage", card, {**quiet, **more})

    async def update(self, place: tuple[str, str], card: Card, more: Mapping[str, Any]) -> None:
        """Change a message. Raises NotMine, Gone, CallFailed."""
        await self._send("chat.update", card, {"channel": place[0], "ts": place[1], **more})

    def may_stand(self, key: str) -> bool:
        """Of a message that somebody was about to post: whether it may be in Slack, for all that this bot knows."""
        return key not in self._never

    @contextmanager
    def posting(self, key: str) -> Generator[None]:
        """Around the call that posts it: where Slack says that it did nothing, that is remembered."""
        self._never.discard(key)
        try:
            yield
        except (NotMine, Gone):
            self._never.add(key)
            raise
        except CallFailed as failed:
            if failed.failure.without_effect:
                self._never.add(key)
            raise

    async def called(self, method: str, told: Mapping[str, Any], *, as_query: bool = False) -> Answer:
        """One call as it is. Raises NotMine, Gone, CallFailed."""
        if not self._mine():
            raise NotMine
        try:
            return await call(self.client, method, told, as_query=as_query)
        except CallFailed as failed:
            if failed.failure.trouble is Trouble.GONE:
                raise Gone from None
            raise

    async def _send(self, method: str, card: Card, told: Mapping[str, Any]) -> Answer:
        try:
            return await self.called(method, {**told, "text": card.text, "blocks": list(card.blocks)})
        except CallFailed as failed:
            if failed.failure.trouble is not Trouble.REFUSED:
                raise
            logger.error("Slack refused a message (%s); it is sent as plain words", failed.failure.error)
            return await self.called(method, {**told, "text": card.text, "blocks": [words(card.text)]})
