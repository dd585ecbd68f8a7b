"""Keeps the Homes of those who opened theirs lately true: published when one is opened and whenever something moves.

One bot does it at a time, under a lease; it hears of openings through the store, whichever bot Slack told. Nothing is
queued: when somebody's turn comes, their Home is made of what is newest then. What is live where is asked of the
servers seldom and beside it all (bot/desk/surveys.py), so that no Home waits for a server.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Protocol

from actions.engine.ports import Clock
from bot.desk.overview import Overseer, Shelf
from bot.desk.surveys import Surveys
from bot.slack.connection.web import Client
from bot.tails.homes.pace import HomePace
from bot.tails.homes.publisher import Publisher, Records
from bot.tails.homes.turns import WHAT, HomeTail, Known, Openings
from bot.tails.lease import Lease, Names
from bot.tails.tenure import Tenure
from policies.change import Account, Person

NAME = "home-tail"


class Kept(Openings, Shelf, Records, Names, Protocol):
    """What all of it needs of the store."""


class Face(Protocol):
    """What it needs of the app in Slack."""

    @property
    def client(self) -> Client: ...
    def known(self, account: Account) -> Person:
        """Raises Refusal, also Unlisted."""
        ...

    async def link(self, change: str) -> str:
        """The address of a change's card, "" where it has none."""
        ...


async def keep_homes(
    stop: asyncio.Event,
    face: Face,
    store: Kept,
    desk: Known,
    surveys: Surveys,
    clock: Clock,
    *,
    instance: str = "",
    pace: HomePace | None = None,
) -> None:
    """Until `stop` is set. `instance` is this bot's name.

    Raises nothing: whatever goes wrong with a Home may delay it, and never reach a deploy.
    """
    pace = pace or HomePace()
    lease = Lease(store, instance or secrets.token_hex(8), pace.lease, NAME)
    overseer = Overseer(store, desk, face.link)

    def work() -> HomeTail:
        publisher = Publisher(face.client, store, pace, lambda: lease.mine)
        return HomeTail(store, desk, face.known, overseer, surveys, publisher, clock, pace)

    try:
        await Tenure(WHAT, lease, pace.lease).run(stop, work)
    finally:
        surveys.close()
