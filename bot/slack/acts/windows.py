"""Opening and changing modals: a trigger id lives three seconds and is spent by the first call that carries it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from bot.desk.planning import Refusal
from bot.slack.acts.asker import Asker, Body, field, of_click
from bot.slack.acts.intake import REMEMBERED, Intake
from bot.slack.acts.modal import Held, Modal, window
from bot.slack.blocks import Card, section
from bot.slack.connection.web import CallFailed, Client, call
from bot.slack.messages import texts
from bot.slack.words import cut

logger = logging.getLogger(__name__)

ACK = 2.0
"""Seconds in which a submitted window is answered with what came of it; Slack gives up after three."""
QUICK = 0.8
"""Seconds in which what a window shows is usually known; then it is opened whole, else it is filled later."""
SETTLED = 0.5
"""Seconds between the answer to a submitted window and the next change of it: the two go different ways to Slack, and
an answer that came after the change would put the older view over it."""
Making = Callable[[], Awaitable[Modal]]
REFUSED = "That is not possible"
LIGHT = Modal("One moment", (section("*One moment…*"),))
BURST = "It cannot be shown now. Close this and try again."
_CLOSED = frozenset({"not_found", "hash_conflict"})


@dataclass(frozen=True, slots=True)
class Windows:
    """`once` makes each call once: a second views.open after a lost answer would be refused."""

    intake: Intake
    once: Client

    def begin(self, what: str, asker: Asker, making: Making) -> None:
        """Show what is made; a Refusal is said to that person instead.

        Where the act is delivered twice, Slack lets its trigger id open one window.
        """
        reached = replace(asker, channel=asker.channel or self.intake.settings.channel)

        async def on_trouble(reference: str) -> None:
            await self.intake.teller.tell(reached, texts.trouble(reference))

        self.intake.errands.go(what, self._show(reached, making), on_trouble)

    async def _show(self, asker: Asker, making: Making) -> None:
        try:
            refused = await self._open(asker.trigger, self._made(making))
        except CallFailed as failed:
            if failed.failure.error == "exchanged_trigger_id":
                return
            logger.warning("no window for %s: %s", asker.key, failed)
            refused = texts.said(texts.TOO_SLOW)
        if refused is not None and await self.intake.memory.first_time(f"slack:{asker.trigger}", REMEMBERED):
            await self.intake.teller.tell(asker, refused)

    async def _made(self, making: Making) -> Modal | Card:
        try:
            return await making()
        except Refusal as refused:
            return texts.said(refused.said, await self.intake.link(refused.change))

    async def _open(self, trigger: str, making: Coroutine[Any, Any, Modal | Card]) -> Card | None:
        """A refusal, where there is no window yet to say it in. Raises CallFailed, and what making raises."""
        task = asyncio.ensure_future(making)
        await asyncio.wait({task}, timeout=QUICK)
        if task.done():
            made = task.result()
            if isinstance(made, Card):
                return made
            await call(self.once, "views.open", {"trigger_id": trigger, "view": made.view()})
            return None
        try:
            opened = await call(self.once, "views.open", {"trigger_id": trigger, "view": LIGHT.view()})
        except CallFailed:
            task.cancel()
            raise
        await self._fill(field(opened.data, "view", "id"), field(opened.data, "view", "hash"), task)
        return None

    async def _fill(self, view: str, hash_: str, task: asyncio.Future[Modal | Card]) -> None:
        try:
            made = await task
        except Exception:
            await self.change(view, window(REFUSED, texts.said(BURST)), hash_)
            raise
        await self.change(view, made if isinstance(made, Modal) else window(REFUSED, made), hash_)

    async def change(self, view: str, modal: Modal, hash_: str = "") -> bool:
        """Put it in the place of what that window shows; with a hash only where nobody changed it since.

        False where the window is closed or shows something newer. Raises CallFailed for anything else.
        """
        arguments = {"view_id": view, "view": modal.view()} | ({"hash": hash_} if hash_ else {})
        try:
            await call(self.intake.teller.client, "views.update", arguments)
        except CallFailed as failed:
            if failed.failure.error in _CLOSED:
                logger.info("window %s is not changed: %s", view, failed.failure.error)
                return False
            raise
        return True

    def asker(self, body: Body, held: Held) -> Asker:
        """Who submitted it, and the way to tell them something when the window is closed."""
        channel = held.channel or self.intake.settings.channel
        return replace(of_click(body), channel=channel, response_url=held.respond)


def at_field(sentence: str) -> str:
    """A sentence as Slack shows it below a field."""
    return cut(texts.said(sentence).text, 400)
