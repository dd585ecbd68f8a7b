"""The first steps of every request after its ack: is it new, who is it, and what to say when it is refused."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.config import SlackSettings
from bot.desk.accounts import configured
from bot.desk.planning import Refusal
from bot.slack.acts.asker import Asker, Teller
from bot.slack.blocks import Card
from bot.slack.connection.directory import Directory
from bot.slack.connection.errands import Errands
from bot.slack.connection.web import Identity
from bot.slack.messages import texts
from policies.change import Account, Person

if TYPE_CHECKING:
    from bot.desk.desk import Desk

logger = logging.getLogger(__name__)

REMEMBERED = 3600
"""Seconds for which a request is known again; Slack repeats one within minutes, and a signature lives five."""


class Memory(Protocol):
    """What Slack's handlers need of the store."""

    async def first_time(self, key: str, ttl_s: int) -> bool:
        """True once for each key within `ttl_s` seconds, over all bots."""
        ...

    async def card(self, id_: str) -> tuple[str, str] | None:
        """Channel and ts of a change's card, None where it has none."""
        ...

    async def home_opened(self, reader: str, hash_: str, keep: bool) -> None:
        """Tell the tail that "TEAM:USER" opened their Home, which showed the view of that hash."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants of the bot, as it is written down where they may not."""

    said: str = ""
    change: str = ""
    digest: str = ""


Job = Callable[[Asker, Person], Awaitable[Card | None]]
"""Does what was asked; the answer is for that person only, None where the card says it all."""


@dataclass(slots=True)
class Intake:
    """Shared by commands and buttons."""

    desk: Desk
    settings: SlackSettings
    memory: Memory
    teller: Teller
    errands: Errands
    directory: Directory
    identity: Identity

    def begin(
        self, what: str, asker: Asker, job: Job, wanted: Wanted | None = None, *, known_only: bool = True
    ) -> None:
        """Do the job as an errand of its own, once however often the same request is delivered."""

        async def on_trouble(reference: str) -> None:
            await self.teller.tell(asker, texts.trouble(reference))

        self.errands.go(what, self._do(what, asker, job, wanted or Wanted(what), known_only), on_trouble)

    async def _do(self, what: str, asker: Asker, job: Job, wanted: Wanted, known_only: bool) -> None:
        if asker.trigger and not await self.memory.first_time(f"slack:{asker.trigger}", REMEMBERED):
            logger.info("%s by %s was delivered again and is not done again", what, asker.key)
            return
        try:
            person = await self.admit(asker, wanted) if known_only else self._anybody(asker)
            answer = await job(asker, person)
        except Refusal as refused:
            answer = texts.said(refused.said, await self.link(refused.change))
        if answer is not None:
            await self.teller.tell(asker, answer)

    async def who(self, account: Account) -> Person:
        """The person behind an account that may ask and decide.

        Raises Refusal in words where there is none (Unlisted), and where Slack says that it is a guest's, a bot's or
        a stranger's.
        """
        if refused := await self.directory.refused(account):
            logger.info("%s:%s is refused: %s", account.team, account.user, refused)
            raise Refusal(refused)
        return self.desk.person(account)

    async def admit(self, asker: Asker, wanted: Wanted) -> Person:
        """As `who`; that somebody is nobody here is written down with what they wanted."""
        id_ = configured(self.desk.roster.configured, asker.account)
        async with self.desk.witness.refusing(id_, asker.key, wanted.change, wanted.digest, wanted.said):
            return await self.who(asker.account)

    def known(self, account: Account) -> Person:
        """As `who`, for showing only: goes by what Slack has said so far. Raises Refusal, also Unlisted."""
        if refused := self.directory.known(account):
            raise Refusal(refused)
        return self.desk.person(account)

    def _anybody(self, asker: Asker) -> Person:
        try:
            return self.desk.person(asker.account)
        except Refusal:
            return Person(asker.key, "somebody", frozenset())

    async def link(self, change: str) -> str:
        """The address of that change's card, "" where there is none yet."""
        place = await self.memory.card(change) if change else None
        return self.identity.link(*place) if place else ""
