"""Somebody opens the app's Home: acked, and passed on to the tail that publishes Homes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.desk.planning import Refusal
from bot.slack.acts.asker import field
from bot.slack.acts.intake import REMEMBERED, Intake
from policies.change import Account

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """Of the one event that the app subscribes to."""

    intake: Intake

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.event("app_home_opened")(self.take)  # pyright: ignore[reportUnknownMemberType]

    async def take(self, body: dict[str, Any]) -> None:
        """Bolt's listener; Bolt acks an event when it returns, so nothing is waited for here."""
        account = Account(field(body, "team_id"), field(body, "event", "user"))
        if field(body, "event", "tab") != "home" or not account.user:
            return
        if account.team != self.intake.settings.team or self.intake.errands.full:
            logger.warning("a Home opened by %s:%s is not published", account.team, account.user)
            return
        hash_ = field(body, "event", "view", "hash")
        self.intake.errands.go("a Home", self._tell(account, hash_, field(body, "event_id")), _nothing_to_say)

    async def _tell(self, account: Account, hash_: str, event: str) -> None:
        if event and not await self.intake.memory.first_time(f"slack:{event}", REMEMBERED):
            return
        try:
            known = bool(await self.intake.who(account))
        except Refusal:
            known = False
        await self.intake.memory.home_opened(f"{account.team}:{account.user}", hash_, known)


async def _nothing_to_say(reference: str) -> None:
    """The Home stays as it is; the log has said why."""
