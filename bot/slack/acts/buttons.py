"""The buttons: what a click carries is checked, handed to the desk or to a form, and answered where no card can."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any, assert_never

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.slack.acts.asker import Asker, field, of_click
from bot.slack.acts.deploying import Deploying
from bot.slack.acts.intake import Intake, Job, Wanted
from bot.slack.acts.modal import Modal, window
from bot.slack.acts.rejecting import Rejecting, Reviewing
from bot.slack.acts.windows import Windows
from bot.slack.blocks import OPEN_CARD, Card
from bot.slack.cards.details import PLAN, details
from bot.slack.cards.live import EVENT_TYPE
from bot.slack.cards.pressed import Answer, Beginning, Click, Press, Wish, read_click
from bot.slack.cards.stage import Stage, stage_of
from bot.slack.connection.web import CallFailed, call
from bot.slack.messages import texts
from policies.change import Person

logger = logging.getLogger(__name__)

_OLD = "That button is of another version of the bot. Ask again with `deploy`, or see `status`."


@dataclass(frozen=True, slots=True)
class Buttons:
    """Acks first, before any I/O; the rest is an errand."""

    intake: Intake
    windows: Windows
    deploying: Deploying
    rejecting: Rejecting
    reviewing: Reviewing

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.action(re.compile("^chom_"))(self.take)  # pyright: ignore[reportUnknownMemberType]

    async def take(self, ack: AsyncAck, body: dict[str, Any], action: dict[str, Any]) -> None:
        """Bolt's listener."""
        await ack()
        asker, action_id, value = of_click(body), field(action, "action_id"), field(action, "value")
        if action_id == OPEN_CARD:
            return
        if self.intake.errands.full:
            logger.warning("a click of %s is dropped: too much at once", asker.key)
            return
        click, place = read_click(action_id, value), _Place.of(body)
        match click:
            case Beginning(Wish.DEPLOY, environment):
                self.deploying.begin(asker, environment)
            case Click(press=Press.REJECT | Press.REVIEW | Press.SHOW_PLAN):
                if click.press is Press.REJECT:
                    self.rejecting.begin(asker, click)
                elif click.press is Press.REVIEW:
                    self.reviewing.begin(asker, click)
                else:
                    self._show_plan(asker, click)
                self.intake.errands.go("an old copy", self._retire_copy(click.change, place), _logged)
            case _:
                self.intake.begin(action_id, asker, self._job(click, place, action_id), _wanted(click, action_id))

    def _job(self, click: Click | Answer | Beginning | None, place: _Place, action: str) -> Job:
        async def job(asker: Asker, who: Person) -> Card | None:
            if click is None:
                async with self.intake.desk.witness.refusing(who.id, asker.key, wanted=action):
                    raise Refusal(_OLD)
            try:
                return await self._do(click, asker, who)
            finally:
                if isinstance(click, Click):
                    await self._retire_copy(click.change, place)

        return job

    async def _do(self, click: Click | Answer | Beginning, asker: Asker, who: Person) -> Card | None:
        match click:
            case Answer():
                await self.intake.desk.answer(click.change, click.step, click.host, click.choice, who, asker.key)
                return None
            case Beginning():
                return await self._begin(click, asker, who)
            case Click():
                return await self._press(click, asker, who)
            case _:
                assert_never(click)

    async def _begin(self, click: Beginning, asker: Asker, who: Person) -> Card:
        match click.wish:
            case Wish.ROLL_BACK:
                return await self._asked(
                    await self.intake.desk.propose(f"rollback on {click.environment}", who, asker.key)
                )
            case Wish.STATUS:
                return texts.status(await self.intake.desk.status())
            case Wish.DEPLOY:
                raise AssertionError("opens a form")
            case _:
                assert_never(click.wish)

    async def _asked(self, asked: ChangeView) -> Card:
        return texts.asked(asked, self.intake.settings.channel, await self.intake.link(asked.change.id))

    async def _press(self, click: Click, asker: Asker, who: Person) -> Card | None:
        desk = self.intake.desk
        match click.press:
            case Press.APPROVE:
                return _still_waiting(await desk.approve(click.change, click.digest, who, asker.key))
            case Press.REJECT | Press.REVIEW | Press.SHOW_PLAN:
                raise AssertionError("opens a window")
            case Press.STOP:
                await desk.stop(click.change, who, asker.key)
                return None
            case Press.ROLL_BACK:
                return await self._roll_back(click, asker, who)
            case Press.ASK_AGAIN:
                return await self._asked(await desk.again(click.change, who, asker.key))
            case _:
                assert_never(click.press)

    def _show_plan(self, asker: Asker, click: Click) -> None:
        """In a window: a phone has room for it, and an answer beside the card could land in the card's thread."""

        async def making() -> Modal:
            await self.intake.admit(asker, _wanted(click, "view plan"))
            return window(PLAN, details(await self.intake.desk.view(click.change)))

        self.windows.begin("a plan", asker, making)

    async def _roll_back(self, click: Click, asker: Asker, who: Person) -> Card:
        """If what the card shows is still what is live: whoever may let it through alone has it start at once."""
        async with self.intake.desk.witness.refusing(who.id, asker.key, click.change, click.digest, "roll back"):
            environment = await self._serves_it(click)
        return await self._asked(await self.intake.desk.at_once(f"rollback on {environment}", who, asker.key))

    async def _serves_it(self, click: Click) -> str:
        """The environment. Raises Refusal where it serves something else by now."""
        desk = self.intake.desk
        view = await desk.view(click.change)
        environment = view.change.environment
        newest = next((past.view for past in await desk.history(environment, 5) if _moved_something(past.view)), None)
        if newest is None or newest.change.id != click.change:
            now = f"{newest.title} came after it" if newest else "it is not the newest run"
            raise Refusal(
                f"This card is not of what {environment} serves now: {now}. "
                f"To roll back what is live, type `rollback on {environment}`.",
                newest.change.id if newest else "",
            )
        return environment

    async def _retire_copy(self, change: str, place: _Place) -> None:
        """A card posted twice (its post was answered too late, or the bot died in between) stops looking alive."""
        known = await self.intake.memory.card(change)
        if not place.is_card or known is None or known == (place.channel, place.ts):
            return
        logger.warning(
            "change %s has a second card at %s %s; it is replaced by a link", change, place.channel, place.ts
        )
        link = self.intake.identity.link(*known)
        copy = texts.old_copy(link)
        try:
            message = {"channel": place.channel, "ts": place.ts, "text": copy.text, "blocks": list(copy.blocks)}
            await call(self.intake.teller.client, "chat.update", message)
        except CallFailed as error:
            logger.warning("the second card could not be replaced: %s", error)


@dataclass(frozen=True, slots=True)
class _Place:
    """The message that was clicked."""

    channel: str
    ts: str
    is_card: bool

    @classmethod
    def of(cls, body: dict[str, Any]) -> _Place:
        channel = field(body, "channel", "id") or field(body, "container", "channel_id")
        ts = field(body, "message", "ts") or field(body, "container", "message_ts")
        return cls(channel, ts, field(body, "message", "metadata", "event_type") == EVENT_TYPE)


def _wanted(click: Click | Answer | Beginning | None, action: str) -> Wanted:
    match click:
        case Click(_, change, digest):
            return Wanted(action, change, digest)
        case Answer(change, choice=choice):
            return Wanted(choice, change)
        case _:
            return Wanted(action)


def _moved_something(view: ChangeView) -> bool:
    """Whether the run changed, or may yet change, what the environment serves."""
    return stage_of(view) is not Stage.TURNED_BACK


def _still_waiting(view: ChangeView) -> Card | None:
    """After an approval that was not the last one, or that cannot start yet."""
    match stage_of(view):
        case Stage.WAITING | Stage.BLOCKED:
            return texts.approval_counted(view)
        case _:
            return None


async def _logged(reference: str) -> None:
    """Whoever clicked has a window before them, which says what they need."""
