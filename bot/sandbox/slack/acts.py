"""What people do in this Slack (type, command, click, submit) and what they then see, the app's failures included."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import Any

from bot.sandbox.slack import fields, payloads, people
from bot.sandbox.slack.answers import show_answer, to_view
from bot.sandbox.slack.blocks import elements_of
from bot.sandbox.slack.carrier import Answer, Carrier, Kind, Outcome
from bot.sandbox.slack.errors import Impossible, Json, SlackError
from bot.sandbox.slack.methods_views import close_views, public
from bot.sandbox.slack.people import SlackPerson
from bot.sandbox.slack.suggest import asks, flat, groups
from bot.sandbox.slack.tickets import Origin
from bot.sandbox.slack.workspace import Workspace

logger = logging.getLogger(__name__)
TROUBLE = "We had some trouble connecting. Try again?"


@dataclass(frozen=True, slots=True)
class Acts:
    """Each act returns the outcome of its delivery, or raises Impossible with a sentence."""

    ws: Workspace
    carrier: Carrier

    async def _deliver(self, kind: Kind, payload: Json) -> Answer:
        return await self.carrier.deliver(kind, payload, self.ws.faults.copies)

    def who(self, user: object) -> SlackPerson:
        """A person who can act now. Raises Impossible."""
        if self.ws.faults.down:
            raise Impossible(f"Slack is down for another {self.ws.faults.down:.0f} s; nobody can do anything in it.")
        return people.person(user)

    def _here(self, user: object, channel: object) -> tuple[SlackPerson, str]:
        who = self.who(user)
        try:
            return who, self.ws.channel(str(channel or people.CHANNEL_NAME))
        except SlackError as unknown:
            raise Impossible(f"There is no channel {channel!r}; there is {people.CHANNEL_NAME}.") from unknown

    def say(self, user: object, channel: object, text: str, thread_ts: str = "") -> Outcome:
        """A person's ordinary message."""
        who, where = self._here(user, channel)
        if not text.strip():
            raise Impossible("“text” is empty; there is nothing to say.")
        if thread_ts and self.ws.memory.find(where, thread_ts) is None:
            raise Impossible(f"There is no message {thread_ts} here to reply to.")
        said = {"user": who.id, "text": text, "team": who.team}
        self.ws.memory.post(where, said | ({"thread_ts": thread_ts} if thread_ts else {}))
        return Outcome.ACKED

    async def command(self, user: object, channel: object, text: str) -> Outcome:
        """`/chom text`; the leading /chom may be left out."""
        who, where = self._here(user, channel)
        if who.standing is people.Standing.STRANGER:
            raise Impossible(f"{who.display} is in another workspace, where this app has no commands.")
        first, _, rest = text.strip().partition(" ")
        typed = rest.strip() if first == people.COMMAND else text.strip()
        answer = await self._deliver(Kind.COMMAND, payloads.command(self.ws, who, where, typed))
        if answer.outcome is not Outcome.ACKED:
            self._warn(who, where, f'{people.COMMAND} failed with the error "{answer.outcome}"')
        elif answer.payload:
            try:
                show_answer(self.ws, Origin(who.name, where), answer.payload)
            except SlackError as refused:
                logger.warning("Slack refuses the answer to a command: %s", json.dumps(refused.body()))
                self._warn(who, where, f'{people.COMMAND} failed with the error "invalid_command_response"')
                return Outcome.INVALID
        return answer.outcome

    async def click(self, user: object, channel: object, ts: str, action_id: str, value: Any) -> Outcome:
        """A click on an element of a message; one that is gone can be clicked when its value is told."""
        who, where = self._here(user, channel)
        message = self.ws.memory.find_ephemeral(who.name, ts) or self.ws.memory.find(where, ts)
        if message is None:
            raise Impossible(f"{who.display} sees no message {ts} in {people.CHANNEL_NAME}.")
        found = fields.find(message.get("blocks", []), action_id, value)
        stamp = self.ws.memory.stamp()
        if found is not None:
            action = fields.action(*found, value, stamp)
        elif isinstance(value, str) and value:
            action = fields.stale(action_id, value, stamp)
        else:
            raise Impossible(
                f"Message {ts} has no button {action_id!r} (any more); give its “value” to click an old one."
            )
        answer = await self._deliver(Kind.INTERACTIVE, payloads.message_action(self.ws, who, where, message, action))
        if answer.outcome is not Outcome.ACKED:
            self._warn(
                who, where, f'The button did not work: the app failed with the error "{answer.outcome}"', message
            )
        return answer.outcome

    async def click_view(self, user: object, view_id: str, action_id: str, value: Any, values: Json) -> Outcome:
        """A click on an element of a modal or of the Home."""
        who, view = self._own_view(user, view_id)
        found = fields.find(view["blocks"], action_id, value)
        if found is None:
            raise Impossible(f"The view {view_id} has no element {action_id!r}.")
        action = fields.action(*found, value, self.ws.memory.stamp())
        state = fields.state(view, values)
        answer = await self._deliver(Kind.INTERACTIVE, payloads.view_action(self.ws, who, view, state, action))
        if answer.outcome is not Outcome.ACKED:
            self._fault(view, {"": TROUBLE})
        return answer.outcome

    async def submit(self, user: object, view_id: str, values: Json) -> Outcome:
        """The submit button of a modal. Raises Impossible where Slack's client would not send it."""
        who, view = self._own_view(user, view_id)
        if view["type"] != "modal":
            raise Impossible("A Home has nothing to submit.")
        state = fields.state(view, await self._looked_up(who, view, values))
        faults = fields.missing(view, state)
        if faults:
            self._fault(view, faults)
            raise Impossible("Not sent: " + " ".join(f"{block}: {sentence}" for block, sentence in faults.items()))
        answer = await self._deliver(Kind.INTERACTIVE, payloads.view_submission(self.ws, who, view, state))
        if answer.outcome is Outcome.ACKED and to_view(self.ws, view, answer.payload):
            return Outcome.ACKED
        self._fault(view, {"": TROUBLE})
        return Outcome.INVALID if answer.outcome is Outcome.ACKED else answer.outcome

    async def _looked_up(self, who: SlackPerson, view: Json, values: Json) -> Json:
        """The values, with the app's own options in the place of what was only typed into an external select."""
        found = dict(values)
        for block in view["blocks"]:
            for element in elements_of(block):
                typed = fields.given(values, block["block_id"], element["action_id"])
                if element["type"] == "external_select" and isinstance(typed, str):
                    offered = flat(await self.suggest(who.id, view["id"], element["action_id"], typed))
                    option = fields.option(element | {"options": offered}, typed)
                    found[block["block_id"]] = {element["action_id"]: option}
        return found

    async def dismiss(self, user: object, view_id: str) -> Outcome:
        """Close a modal without submitting it; those that want to know are told."""
        who, view = self._own_view(user, view_id)
        stack = [v for v in self.ws.memory.views.values() if v["root_view_id"] == view["root_view_id"]]
        whole = view["previous_view_id"] is None or view["clear_on_close"]
        closed = stack if whole else [view]
        if whole:
            close_views(self.ws, view["root_view_id"])
        else:
            del self.ws.memory.views[view_id]
            self.ws.memory.touch()
        outcome = Outcome.ACKED
        for one in closed[::-1]:
            if one["notify_on_close"]:
                told = payloads.view_closed(who, one, cleared=view["clear_on_close"] or len(closed) > 1)
                outcome = (await self._deliver(Kind.INTERACTIVE, told)).outcome
        return outcome

    async def suggest(self, user: object, view_id: str, action_id: str, query: str) -> list[Json]:
        """The groups of options that an external select in a view offers for what was typed."""
        who, view = self._own_view(user, view_id)
        place: Json = {"container": {"type": "view", "view_id": view_id}, "view": public(view)}
        return await self._offered(who, f"The view {view_id}", view["blocks"], place, action_id, query)

    async def suggest_here(self, user: object, channel: object, ts: str, action_id: str, query: str) -> list[Json]:
        """The same for an external select in a message."""
        who, where = self._here(user, channel)
        message = self.ws.memory.find(where, ts)
        if message is None:
            raise Impossible(f"{who.display} sees no message {ts} in {people.CHANNEL_NAME}.")
        place = payloads.message_place(where, message)
        return await self._offered(who, f"Message {ts}", message.get("blocks", []), place, action_id, query)

    async def _offered(
        self, who: SlackPerson, what: str, blocks: list[Json], place: Json, action_id: str, query: str
    ) -> list[Json]:
        found = fields.find(blocks, action_id)
        if found is None or "external" not in found[1]["type"]:
            raise Impossible(f"{what} has no select {action_id!r} that asks the app.")
        block, element = found
        if not asks(element, query):
            return []
        asked = payloads.suggestion(who, place, element, block["block_id"], query)
        answer = await self._deliver(Kind.INTERACTIVE, asked)
        if answer.outcome is not Outcome.ACKED:
            raise Impossible(f"The app offered no options: {answer.outcome}.")
        return groups(answer.payload)

    def _own_view(self, user: object, view_id: str) -> tuple[SlackPerson, Json]:
        who, _ = self._here(user, "")
        view = self.ws.memory.views.get(view_id)
        if view is None or view["user"] != who.name:
            raise Impossible(f"{who.display} has no view {view_id!r} open.")
        return who, view

    def _fault(self, view: Json, errors: dict[str, str]) -> None:
        view["errors"] = errors
        self.ws.memory.touch()

    def _warn(self, who: SlackPerson, where: str, text: str, message: Json | None = None) -> None:
        said: Json = {"user": people.SLACKBOT, "text": text}
        if message is not None:
            said["warning"] = {"message_ts": message["ts"]}
            if "thread_ts" in message and not message.get("is_ephemeral"):
                said["thread_ts"] = message["thread_ts"]
        self.ws.memory.whisper(who.name, where, said)
