"""A window in which somebody writes a sentence that decides something: opened, sent once, answered at its field."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from actions.engine.registry.grammar import LONGEST_VALUE
from bot.desk.planning import Refusal
from bot.slack.acts.asker import Asker, field
from bot.slack.acts.intake import Wanted
from bot.slack.acts.modal import Held, Modal, entered
from bot.slack.acts.windows import ACK, SETTLED, Windows, at_field
from bot.slack.cards.pressed import Click
from bot.slack.connection.errands import log_trouble
from bot.slack.messages import texts
from policies.change import Person


@dataclass(frozen=True, slots=True)
class Writing(ABC):
    """Sent twice, it acts once: that is for `act` to see to."""

    windows: Windows
    callback: str
    name: str
    """The field with the sentence."""
    what: str
    """For the log: "a rejection"."""
    label: str
    """What the sentence is called at its field: "reason"."""

    @abstractmethod
    async def form(self, click: Click, who: Person, account: str, held: Held) -> Modal:
        """The window. Raises Refusal where this person may not do it."""

    @abstractmethod
    async def act(self, held: Held, who: Person, account: str, said: str) -> None:
        """Do it. Raises Refusal."""

    @abstractmethod
    def slow(self, said: str | None = None) -> Modal:
        """Where the answer does not come in time; `said` is what came then: why not, "" for done."""

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.view(self.callback)(self.submit)  # pyright: ignore[reportUnknownMemberType]

    def begin(self, asker: Asker, click: Click) -> None:
        """Show the window, where this person may do it with what they saw."""

        async def making() -> Modal:
            who = await self.windows.intake.admit(asker, Wanted(self.what, click.change, click.digest))
            held = Held(asker.channel, asker.response_url, click.change, click.digest)
            return await self.form(click, who, asker.key, held)

        self.windows.begin(self.what, asker, making)

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Bolt's listener. The window closes once it is done; the card tells everybody."""
        errands = self.windows.intake.errands
        if errands.full:
            await ack(response_action="errors", errors={self.name: texts.BUSY})
            return
        work = asyncio.ensure_future(self._do(body))
        await asyncio.wait({work}, timeout=ACK)
        if not work.done():
            errands.go(self.what, self._late(work, field(body, "view", "id")), _nobody)
            await ack(response_action="update", view=self.slow().view())
        elif said := work.result():
            await ack(response_action="errors", errors={self.name: at_field(said)})
        else:
            await ack()

    async def _do(self, body: dict[str, Any]) -> str:
        """Why it is not done, "" where it is."""
        try:
            held = Held.load(field(body, "view", "private_metadata"))
            asker = self.windows.asker(body, held)
            who = await self.windows.intake.admit(asker, Wanted(self.what, held.change, held.digest))
            said = entered(body["view"], self.name)
            if len(said) > LONGEST_VALUE:
                return f"The {self.label} is {len(said):,} characters long; it has at most {LONGEST_VALUE}."
            await self.act(held, who, asker.key, said)
        except Refusal as refused:
            return refused.said
        except Exception as error:  # noqa: BLE001  logged with its traceback
            return texts.trouble(log_trouble(self.what, error)).text
        return ""

    async def _late(self, work: asyncio.Future[str], view: str) -> None:
        said, _ = await asyncio.gather(work, asyncio.sleep(SETTLED))
        await self.windows.change(view, self.slow(said))


async def _nobody(reference: str) -> None:
    """The window says already that the card tells what became of it."""
