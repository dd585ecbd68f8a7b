"""A bot's tail in a process of its own, so that it can be killed with -9."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from actions.engine.ports import JobLog
from bot.config import SlackSettings
from bot.slack.connection.web import new_client, new_session
from bot.store import Store
from bot.tails.cards.slack import SlackTail
from bot.tails.files.logs import LogPace
from tests.slack.room import looking
from tests.slack.support import QUICK, RealClock


@dataclass(frozen=True)
class Loud:
    """Servers that have something to say of every job."""

    async def log(self, host: str, job: str, most: int) -> JobLog | None:
        return JobLog((f"what {job} wrote on {host}",))


def tail(redis_url: str, settings: SlackSettings) -> None:
    """Until it is killed. No sweep covers up what was missed."""
    asyncio.run(_tail(redis_url, settings))


async def _tail(redis_url: str, settings: SlackSettings) -> None:
    store, session = Store(redis_url), new_session()
    client = new_client(settings, session, token=settings.bot_token, retrying=False)
    pace, log_pace = replace(QUICK, sweep=60.0), LogPace(again=0.1, patience=0.0)
    room = looking(store, RealClock())
    await SlackTail(client, store, room, settings, Loud(), str, instance="a", pace=pace, log_pace=log_pace).run(
        asyncio.Event()
    )
