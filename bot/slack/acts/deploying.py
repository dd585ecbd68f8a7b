"""Asking for a deploy by its form: opened, searched, submitted, and answered in the same window."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.offers import Fault, Field, Wanted
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.slack.acts import deploy_form
from bot.slack.acts.asker import Asker
from bot.slack.acts.asker import field as text_at
from bot.slack.acts.intake import REMEMBERED
from bot.slack.acts.intake import Wanted as Asks
from bot.slack.acts.modal import Held, Modal
from bot.slack.acts.windows import ACK, SETTLED, Windows, at_field
from bot.slack.blocks import Card
from bot.slack.connection.errands import log_trouble
from bot.slack.connection.web import CallFailed
from bot.slack.messages import texts

logger = logging.getLogger(__name__)

LINKED = 6.0
"""Seconds for which the new card's address is waited for."""
REMEMBERED_FORMS = 200
"""How many forms' outcomes are kept for who sends one twice."""
PAUSE = 0.4
"""Seconds between two looks for it."""
Outcome = ChangeView | Refusal | None
"""What came of a form; None where it is in another bot's hands."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A submitted form."""

    view: str
    asker: Asker
    wanted: Wanted
    held: Held


@dataclass(slots=True)
class Deploying:
    """A form that is sent twice asks once, and both times the window shows what came of it."""

    windows: Windows
    _outcomes: OrderedDict[str, asyncio.Task[Outcome]] = field(default_factory=OrderedDict[str, asyncio.Task[Outcome]])

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.options(deploy_form.SEARCH)(self.suggest)  # pyright: ignore[reportUnknownMemberType]
        app.view(deploy_form.CALLBACK)(self.submit)  # pyright: ignore[reportUnknownMemberType]

    def begin(self, asker: Asker, environment: str = "") -> None:
        """Show the form."""

        async def making() -> Modal:
            desk = self.windows.intake.desk
            await self.windows.intake.admit(asker, Asks("the form for a deploy"))
            held = Held(asker.channel, asker.response_url)
            return deploy_form.form(desk.offers.choices(), Wanted(environment=environment), held)

        self.windows.begin("a form", asker, making)

    async def suggest(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Bolt's listener: the versions that fit what was typed."""
        try:
            versions = await self.windows.intake.desk.offers.versions()
        except Exception as error:  # noqa: BLE001  logged with its traceback
            log_trouble("the list of versions", error)
            await ack(options=[])
            return
        above, options = deploy_form.suggestions(versions, text_at(body, "value"), datetime.now(UTC))
        if above and options:
            await ack(option_groups=[{"label": deploy_form.heading(above), "options": options}])
        else:
            await ack(options=options)

    async def submit(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Bolt's listener: what is certainly wrong is said at its field; the rest is looked at behind the window."""
        intake = self.windows.intake
        try:
            held = Held.load(text_at(body, "view", "private_metadata"))
            asker, wanted = self.windows.asker(body, held), deploy_form.filled(body["view"])
            faults = (Fault(Field.VERSION, texts.BUSY),) if intake.errands.full else await self._faults(wanted)
        except Exception as error:  # noqa: BLE001  logged with its traceback
            told = texts.trouble(log_trouble("a form", error)).text
            await ack(response_action="errors", errors={Field.VERSION.value: told})
            return
        if faults:
            await ack(response_action="errors", errors={fault.field.value: at_field(fault.said) for fault in faults})
            return
        sent = _Sent(text_at(body, "view", "id"), asker, wanted, held)

        async def on_trouble(reference: str) -> None:
            await self._refill(sent, texts.trouble(reference))

        intake.errands.go("a form", self._answer(sent), on_trouble)
        await ack(response_action="update", view=deploy_form.looking(wanted, intake.settings.channel).view())

    async def _faults(self, wanted: Wanted) -> tuple[Fault, ...]:
        """None where they are not known in time: then the desk says them later."""
        try:
            async with asyncio.timeout(ACK):
                return await self.windows.intake.desk.faults(wanted)
        except TimeoutError:
            return ()

    # --- behind the window ---------------------------------------------------

    async def _answer(self, sent: _Sent) -> None:
        """Ask, and show in the window what came of it; whoever has closed it is told."""
        outcome, _ = await asyncio.gather(self._once(sent), asyncio.sleep(SETTLED))
        match outcome:
            case ChangeView() as asked:
                await self._asked(sent, asked)
            case Refusal() as refused:
                link = await self.windows.intake.link(refused.change)
                await self._refill(sent, texts.not_asked(refused.said, link))
            case None:
                await self._shown(sent, deploy_form.sent_already(self.windows.intake.settings.channel))

    def _once(self, sent: _Sent) -> asyncio.Task[Outcome]:
        """The one task of a form, however often it is sent."""
        token = sent.held.token
        if token not in self._outcomes:
            self._outcomes[token] = asyncio.create_task(self._ask(sent))
            while len(self._outcomes) > REMEMBERED_FORMS:
                self._outcomes.popitem(last=False)
        return self._outcomes[token]

    async def _ask(self, sent: _Sent) -> Outcome:
        intake = self.windows.intake
        if not await intake.memory.first_time(f"form:{sent.held.token}", REMEMBERED):
            return None
        try:
            who = await intake.admit(sent.asker, Asks(sent.wanted.text))
            return await intake.desk.propose(sent.wanted.text, who, sent.asker.key)
        except Refusal as refused:
            return refused

    async def _asked(self, sent: _Sent, view: ChangeView) -> None:
        """At once, and again with the card's address once there is one."""
        intake, change = self.windows.intake, view.change.id
        channel, link = intake.settings.channel, await intake.link(change)
        shown = await self._shown(sent, deploy_form.asked(view, channel, link))
        later = link or await self._link(change)
        if not shown:
            await intake.teller.tell(sent.asker, texts.asked(view, channel, later))
        elif later != link:
            await self._shown(sent, deploy_form.asked(view, channel, later))

    async def _link(self, change: str) -> str:
        """The card's address, "" where there is none within LINKED seconds."""
        for _ in range(int(LINKED / PAUSE)):
            if self.windows.intake.errands.closing:
                break
            await asyncio.sleep(PAUSE)
            if link := await self.windows.intake.link(change):
                return link
        return ""

    async def _refill(self, sent: _Sent, why: Card) -> None:
        """The form as it was filled in, below what is in its way."""
        held = Held(sent.held.channel, sent.held.respond)
        form = deploy_form.form(self.windows.intake.desk.offers.choices(), sent.wanted, held, why)
        if not await self._shown(sent, form):
            await self.windows.intake.teller.tell(sent.asker, why)

    async def _shown(self, sent: _Sent, modal: Modal) -> bool:
        """Whether the person sees it."""
        try:
            return await self.windows.change(sent.view, modal)
        except CallFailed as failed:
            logger.warning("window %s is not changed: %s", sent.view, failed)
            return False
