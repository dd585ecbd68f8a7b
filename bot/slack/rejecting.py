"""Rejecting a request: the window, and what comes of it, said at its field or by the card."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from actions.engine.registry.grammar import LONGEST_VALUE
from bot.desk.planning import Refusal
from bot.slack import reject_form, texts
from bot.slack.asker import Asker, field
from bot.slack.errands import log_trouble
from bot.slack.modal import Held, Modal
from bot.slack.pressed import Click
from bot.slack.windows import ACK, SETTLED, Windows, at_field


@dataclass(frozen=True, slots=True)
class Rejecting:
    """Sent twice, it rejects once."""

    windows: Windows

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.view(reject_form.CALLBACK)(self.submit)  # pyright: ignore[reportUnknownMemberType]

    def begin(self, asker: Asker, click: Click) -> None:
        """Show the window, where this person may reject what they saw."""

        async def making() -> Modal:
            desk = self.windows.intake.desk
            view = await desk.decidable(click.change, click.digest, await self.windows.intake.who(asker.account))
            return reject_form.form(view, Held(asker.channel, asker.response_url, click.change, click.digest))

        self.windows.begin("a rejection", asker, making)

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Bolt's listener. The window closes once the request is rejected; the card tells everybody."""
        errands = self.windows.intake.errands
        if errands.full:
            await ack(response_action="errors", errors={reject_form.REASON: texts.BUSY})
            return
        work = asyncio.ensure_future(self._reject(body))
        await asyncio.wait({work}, timeout=ACK)
        if not work.done():
            errands.go("a rejection", self._late(work, field(body, "view", "id")), _nobody)
            await ack(response_action="update", view=reject_form.slow().view())
        elif said := work.result():
            await ack(response_action="errors", errors={reject_form.REASON: at_field(said)})
        else:
            await ack()

    async def _reject(self, body: dict[str, Any]) -> str:
        """Why it is not rejected, "" where it is."""
        desk = self.windows.intake.desk
        try:
            held = Held.load(field(body, "view", "private_metadata"))
            asker = self.windows.asker(body, held)
            who, reason = await self.windows.intake.who(asker.account), reject_form.reason_in(body["view"])
            if len(reason) > LONGEST_VALUE:
                return f"The reason is {len(reason):,} characters long; it has at most {LONGEST_VALUE}."
            await desk.reject(held.change, held.digest, who, asker.key, reason)
        except Refusal as refused:
            return refused.said
        except Exception as error:  # noqa: BLE001  logged with its traceback
            return texts.trouble(log_trouble("a rejection", error)).text
        return ""

    async def _late(self, work: asyncio.Future[str], view: str) -> None:
        said, _ = await asyncio.gather(work, asyncio.sleep(SETTLED))
        await self.windows.change(view, reject_form.slow(said))


async def _nobody(reference: str) -> None:
    """The window says already that the card tells what became of it."""
