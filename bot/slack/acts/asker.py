"""Whoever typed or clicked, and the way to tell them something that only they see."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.slack.blocks import Card
from bot.slack.connection.web import CALL_ERRORS, CallFailed, Client, call, proxy_for, retries
from policies.change import Account

logger = logging.getLogger(__name__)

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Asker:
    """One request of one person. Known by team id and user id only; names in a payload are never looked at."""

    account: Account
    channel: str
    response_url: str
    trigger: str
    """What Slack repeats when it delivers the same request again."""
    heads_thread: bool = False
    """Whether what was clicked has a thread: an answer to response_url may go in there, where nobody is looking."""

    @property
    def key(self) -> str:
        """The account as it is stored with an approval."""
        return f"{self.account.team}:{self.account.user}"


def field(body: object, *path: str) -> str:
    """The text at that path of a payload, "" where there is none."""
    for name in path:
        if not isinstance(body, Mapping):
            return ""
        body = cast("Body", body).get(name)
    return body if isinstance(body, str) else ""


def of_command(body: Body) -> Asker:
    """Whoever typed a slash command."""
    account = Account(field(body, "team_id"), field(body, "user_id"))
    return Asker(account, field(body, "channel_id"), field(body, "response_url"), field(body, "trigger_id"))


def of_click(body: Body) -> Asker:
    """Whoever clicked. In a shared channel the clicker's own team counts, not the channel's."""
    team = field(body, "user", "team_id") or field(body, "team", "id")
    account = Account(team, field(body, "user", "id"))
    channel = field(body, "channel", "id") or field(body, "container", "channel_id")
    thread = field(body, "message", "thread_ts")
    heads = bool(thread) and thread == field(body, "message", "ts")
    return Asker(account, channel, field(body, "response_url"), field(body, "trigger_id"), heads)


@dataclass(frozen=True, slots=True)
class Teller:
    """Says things to one person only. Never raises for what Slack does: the answer is lost, the work is done."""

    client: Client

    async def tell(self, asker: Asker, card: Card) -> None:
        """By response_url, which works wherever the command was typed; else as an ephemeral message.

        The other way round for who clicked a card with a thread: they look at the channel.
        """
        ways = (self._whisper, self._respond) if asker.heads_thread else (self._respond, self._whisper)
        for way in ways:
            if await way(asker, card):
                return
        logger.warning("could not answer %s in %s", asker.key, asker.channel)

    async def _whisper(self, asker: Asker, card: Card) -> bool:
        try:
            to = {"channel": asker.channel, "user": asker.account.user}
            await call(self.client, "chat.postEphemeral", {**to, "text": card.text, "blocks": list(card.blocks)})
        except CallFailed as error:
            logger.info("chat.postEphemeral to %s in %s: %s", asker.key, asker.channel, error)
            return False
        return True

    async def _respond(self, asker: Asker, card: Card) -> bool:
        url = asker.response_url
        if not url:
            return False
        hook = AsyncWebhookClient(url, session=self.client.session, retry_handlers=retries())
        hook.proxy = proxy_for(url)
        try:
            answer = await hook.send(
                text=card.text, blocks=list(card.blocks), response_type="ephemeral", replace_original=False
            )
        except CALL_ERRORS as error:
            logger.info("response_url does not answer (%s)", type(error).__name__)
            return False
        return answer.status_code == 200
