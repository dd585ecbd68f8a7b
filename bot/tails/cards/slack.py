"""Follows the store's feed and keeps each change's card and thread in Slack true. Slack may be away for any time.

One bot tails at a time, under a lease that another takes over within seconds. What is told is recorded after Slack
took it, and claimed before: the entries by compare-and-set, so that two bots never both tell them. A bot that dies, or
loses Slack's answer, between the two leaves a doubt, and the next one looks in Slack whether the message stands there
(finder.py). Where the app may not look, it is sent again, and a card sent twice gives itself up when somebody clicks it
(bot/slack/acts/buttons.py). How fast, and who first, is for turns.py to say.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from datetime import timedelta

from actions.engine.telemetry import Metrics
from bot.config import SlackSettings
from bot.slack.connection.web import Client
from bot.tails.cards.card_turns import WHAT, CardTail, Feed
from bot.tails.cards.serving import Serving, Viewer
from bot.tails.cards.turns import Turns
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender
from bot.tails.files.latencies import Latencies
from bot.tails.files.logs import LogFiles, LogPace, Logs
from bot.tails.files.pictures import Pictures
from bot.tails.lease import Lease
from bot.tails.pace import Pace
from bot.tails.tenure import Tenure


class SlackTail:
    """`instance` is this bot's name: a bot that was killed takes its own lease up at once when it is back."""

    def __init__(
        self,
        client: Client,
        store: Feed,
        desk: Viewer,
        settings: SlackSettings,
        hosts: Logs,
        redact: Callable[[str], str],
        *,
        instance: str = "",
        pace: Pace | None = None,
        log_pace: LogPace | None = None,
        metrics: Metrics | None = None,
        remind_after: timedelta = timedelta(minutes=30),
    ) -> None:
        self._store, self._desk, self._pace = store, desk, pace or Pace()
        self._lease = Lease(store, instance or secrets.token_hex(8), self._pace.lease)
        self._sender = Sender(client, settings.channel, lambda: self._lease.mine)
        self._notes = Notes(store)
        self._latencies = Latencies(metrics)
        self._hosts, self._redact, self._log_pace = hosts, redact, log_pace or LogPace()
        self._remind_after = remind_after

    async def run(self, stop: asyncio.Event) -> None:
        """Tail until `stop` is set; then the last pictures, for a few seconds.

        Raises nothing: whatever goes wrong with a picture may delay it, and never reach the deploy.
        """
        await Tenure(WHAT, self._lease, self._pace.lease).run(stop, self._work)

    def _work(self) -> CardTail:
        turns = Turns(self._pace)
        files = LogFiles(self._sender, self._hosts, self._redact, lambda change: tail.touch([change]), self._log_pace)
        pictures = Pictures(self._sender, self._latencies, lambda change: tail.touch([change]), self._log_pace.again)
        serving = Serving(self._sender, self._notes, self._store, self._desk, files, pictures, self._remind_after)
        tail = CardTail(self._store, serving, turns, (files, pictures), self._pace, lambda: self._lease.mine)
        return tail
