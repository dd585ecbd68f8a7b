"""A strict Slack, a real store, and tails that come and go between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from actions.engine.journal import Entry, Opened
from actions.engine.ports import Clock, HostRefused, JobLog, Unreachable
from actions.engine.telemetry import Metrics
from bot.desk.looking import Looking
from bot.desk.planning import Planning
from bot.desk.roster import Roster
from bot.redact import redactor
from bot.sandbox.slack.calls import Args
from bot.sandbox.slack.methods_chat import post_message
from bot.slack.blocks import Card
from bot.slack.connection.web import new_client, new_session
from bot.store import Store
from bot.tails.cards.slack import SlackTail
from bot.tails.files.logs import LogPace
from bot.tails.pace import Pace
from policies.change import Approval, Change, Word
from tests.slack.changes import PEOPLE
from tests.slack.support import QUICK, Slack, seen_text

SECRET = "hunter2hunter2"
"""A value that the bot knows and never shows."""


@dataclass
class Servers:
    """What jobs have written, and who does not answer."""

    logs: dict[tuple[str, str], JobLog] = field(default_factory=dict)
    """(host, step) -> log."""
    away: set[str] = field(default_factory=set)
    refuse: set[str] = field(default_factory=set)
    asked: int = 0

    async def log(self, host: str, job: str, most: int) -> JobLog | None:
        self.asked += 1
        if host in self.away:
            raise Unreachable(host, "ssh, 3 times")
        if host in self.refuse:
            raise HostRefused(host, "wrong agent", f"{host} runs another chom-host")
        assert job.split("/")[0].startswith("chg-") and job.endswith("/forward") and most == 1 << 20
        return self.logs.get((host, job.split("/")[1]))


@dataclass
class Room:
    """A Slack, a store, and tails that come and go."""

    slack: Slack
    store: Store
    looking: Looking
    change: Change
    servers: Servers = field(default_factory=lambda: Servers())
    log_pace: LogPace = field(default_factory=lambda: LogPace(again=0.1, patience=0.0))
    """Without patience a server that does not answer is tried once."""
    metrics: Metrics | None = None

    def tail(self, name: str, pace: Pace = QUICK) -> Any:
        return tailing(self, name, pace)

    async def propose(self) -> None:
        await self.store.put_change(self.change)

    async def approve(self) -> None:
        said = Approval("lead", Word.APPROVE, self.change.digest, self.change.at, "", "T0CHOM:U0LEAD")
        await self.store.add_approval(self.change.id, said, 0)

    async def walk(self, entries: Sequence[Entry], pause: float = 0.0) -> None:
        """Open the run and write its journal, as a walker does."""
        await self.propose()
        await self.approve()
        assert isinstance(entries[0], Opened)
        await self.store.open_run(self.change, replace(entries[0], digest=self.change.digest))
        for entry in entries[1:]:
            await self.store.append(self.change.id, await self.store.length(self.change.id), [entry], None)
            await asyncio.sleep(pause)

    def post(self, card: Card, **more: Any) -> None:
        """As a bot did that is no more."""
        told = {"channel": "C0DEPLOYS", "text": card.text, "blocks": list(card.blocks), **more}
        post_message(self.slack.stand_in.workspace, Args(told))

    def cards(self) -> list[dict[str, Any]]:
        return [m for m in self.slack.messages() if m.get("metadata", {}).get("event_type") == "chom_card"]

    def revision(self) -> str:
        """What the only card shows: entries and approvals."""
        (card,) = self.cards()
        return str(card["metadata"]["event_payload"]["revision"])

    def thread(self) -> list[dict[str, Any]]:
        return [m for m in self.slack.messages() if m.get("thread_ts") and m["thread_ts"] != m["ts"]]

    def says(self, words: str) -> bool:
        """Whether the only card says this."""
        cards = self.cards()
        return len(cards) == 1 and words in seen_text(cards[0])

    def told(self) -> str:
        return "\n".join(seen_text(message | {"text": ""}) for message in self.thread())


@asynccontextmanager
async def tailing(room: Room, name: str, pace: Pace) -> AsyncIterator[SlackTail]:
    """One bot's tail."""
    settings, session, stop = room.slack.settings(), new_session(), asyncio.Event()
    client = new_client(settings, session, token=settings.bot_token, retrying=False)
    tail = SlackTail(
        client,
        room.store,
        room.looking,
        settings,
        room.servers,
        redactor([SECRET]),
        instance=name,
        pace=pace,
        log_pace=room.log_pace,
        metrics=room.metrics,
    )
    running = asyncio.create_task(tail.run(stop))
    try:
        yield tail
    finally:
        stop.set()
        await asyncio.wait_for(running, 10)
        await session.close()


def looking(store: Store, clock: Clock) -> Looking:
    """The desk's own eyes."""
    return Looking(Planning(None, {}, "", None, None, None), store, Roster(PEOPLE), clock)
