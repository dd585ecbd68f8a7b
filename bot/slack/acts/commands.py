"""/chom and what may stand behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from actions.engine.registry.strategies import HEAD
from bot.desk.explained import named_by
from bot.desk.named import NOTHING_TO_PLAN, environment_of, unquoted
from bot.desk.planning import Refusal
from bot.slack.acts.asker import Asker, field, of_command
from bot.slack.acts.deploying import Deploying
from bot.slack.acts.intake import Intake, Job, Wanted
from bot.slack.blocks import Card
from bot.slack.cards import live
from bot.slack.cards.explained import explained
from bot.slack.cards.stage import Stage, stage_of
from bot.slack.messages import texts
from bot.slack.messages.start import Now, start_card
from policies.change import Person

ON_ITS_CARD = {
    "approve": "In Slack, press Approve on its card.",
    "reject": "In Slack, press Reject on its card.",
    "answer": "In Slack, press one of the answers on its card.",
}
"""What is typed in a shell only: a click is on what the card shows."""


IN_A_SHELL = frozenset({"put", "edit", "list", "drop", "key", "renew", "set", "get", "show"})
NEVER_HERE = (
    "Values never go through Slack. On the bot's machine, an operator types chom-bot config put FILE, or "
    "chom-bot config edit; then `config apply` here asks for it. "
    "If there was a value in what you typed, replace it: Slack has seen it."
)


@dataclass(frozen=True, slots=True)
class Commands:
    """Acks first, before any I/O; the rest is an errand."""

    intake: Intake
    deploying: Deploying

    def listen(self, app: AsyncApp) -> None:
        """Register with Bolt."""
        app.command("/chom")(self.take)  # pyright: ignore[reportUnknownMemberType]

    async def take(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """Bolt's listener."""
        if self.intake.errands.full:
            await ack(texts.BUSY)
            return
        await ack()
        asker, text = of_command(body), field(body, "text").strip()
        if text.lower() == HEAD:
            self.deploying.begin(asker)
        else:
            known = bool(text) and not _is_help(text)
            self.intake.begin("/chom", asker, self._job(text), Wanted(text), known_only=known)

    def _job(self, text: str) -> Job:
        head, _, rest = text.partition(" ")
        rest = rest.strip()

        async def job(asker: Asker, who: Person) -> Card | None:
            match head.lower():
                case "":
                    return await self._start(asker)
                case "help":
                    return texts.helped(self.intake.desk.help(rest))
                case "plan":
                    return await self._plan(rest, who)
                case "status":
                    return texts.status(await self.intake.desk.status(environment_of(rest)))
                case "history":
                    named = environment_of(rest)
                    return texts.history(await self.intake.desk.history(named, requests=True), named)
                case "who":
                    return explained(await named_by(self.intake.desk, environment_of(rest), who))
                case "review":
                    return await self._review(rest, who, asker)
                case "stop":
                    return await self._stop(environment_of(rest), who, asker)
                case "approve" | "reject" | "answer" as act:
                    raise Refusal(ON_ITS_CARD[act], rest.partition(" ")[0])
                case "config" if rest.split(" ")[0].lower() in IN_A_SHELL:
                    raise Refusal(NEVER_HERE)
                case _ if self.intake.desk.shows_only(text):
                    return await self._plan(text, who)
                case _:
                    view = await self.intake.desk.propose(text, who, asker.key)
                    link = await self.intake.link(view.change.id)
                    return texts.asked(view, self.intake.settings.channel, link)

        return job

    async def _start(self, asker: Asker) -> Card:
        """Who cannot ask for anything is told what there is."""
        desk = self.intake.desk
        try:
            who = await self.intake.who(asker.account)
        except Refusal:
            return texts.helped(desk.help())
        going_on, environment = await desk.going_on(), desk.offers.choices().default
        reviews = await desk.owed_reviews()
        links = {view.change.id: await self.intake.link(view.change.id) for view in going_on}
        done = [past.view for past in await desk.history(environment, 5) if stage_of(past.view) is Stage.DONE]
        serves = done[0].change.plan.version if done else ""
        return start_card(Now(going_on, links, environment, reviews, serves), who)

    async def _plan(self, rest: str, who: Person) -> Card:
        if not rest:
            raise Refusal(NOTHING_TO_PLAN)
        return live.preview_card(await self.intake.desk.preview(rest, who))

    async def _review(self, rest: str, who: Person, asker: Asker) -> Card:
        change, _, said = rest.partition(" ")
        view = await self.intake.desk.reviewing.review(change, who, asker.key, unquoted(said))
        return texts.reviewed(view, await self.intake.link(change))

    async def _stop(self, named: str, who: Person, asker: Asker) -> Card:
        view = await self.intake.desk.stop(named, who, asker.key)
        return texts.stopping(view, await self.intake.link(view.change.id))


def _is_help(text: str) -> bool:
    return text.split()[0].lower() == "help"
