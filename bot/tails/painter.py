"""Sends one change's card and thread to Slack, at the pace Slack allows, and records what Slack took."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from actions.engine.journal import Entry
from bot.slack.blocks import Card, words
from bot.slack.cards import change_card, metadata
from bot.slack.stage import stage_of
from bot.slack.thread import thread
from bot.slack.web import Answer, CallFailed, Client, Trouble, call
from bot.tails.pace import Minute, Pace
from bot.tails.shown import Shown, face_of, revision_of, write_shown
from bot.view import ChangeView

logger = logging.getLogger(__name__)

Place = tuple[str, str]
"""Channel and ts."""


class Again(Exception):
    """Not now: look again at `when` (the loop's clock), and render what is newest then."""

    def __init__(self, when: float) -> None:
        super().__init__(f"not before {when}")
        self.when = when


class Gone(Exception):
    """The card does not exist any more."""


class Records(Protocol):
    """What the painter records."""

    async def set_card(self, id_: str, channel: str, ts: str) -> None: ...
    async def thread_seq(self, id_: str) -> int: ...
    async def set_thread_seq(self, id_: str, n: int, expect: int) -> bool: ...
    async def set_shown(self, id_: str, note: str) -> None: ...


class Painter:
    """`mine` says whether this bot may still write."""

    def __init__(self, client: Client, store: Records, channel: str, pace: Pace, mine: Callable[[], bool]) -> None:
        self._client, self._store, self._channel, self._pace, self._mine = client, store, channel, pace, mine
        self._updates = Minute(pace.updates)
        self._last_update: dict[str, float] = {}
        self._last_post = float("-inf")
        self._unsaved_place: dict[str, Place] = {}
        self._unsaved: dict[str, Shown] = {}
        """What Slack took while the store was away: not to be sent again when it is back."""

    async def card(
        self, view: ChangeView, place: Place | None, shown: Shown, *, newest: bool, urgent: bool
    ) -> tuple[Place, Shown]:
        """Post the card, or update it where it shows something else. Raises Again, Gone, CallFailed."""
        id_, shown = view.change.id, self._newest(view.change.id, shown)
        card = change_card(view, newest=newest)
        face = face_of(card)
        if place is None and (place := self._unsaved_place.get(id_)):
            await self._save_place(id_, place)
        if place is not None and (face == shown.face or not shown.older_than(view)):
            return place, shown
        told = {"text": card.text, "blocks": list(card.blocks), "metadata": metadata(view, revision_of(view))}
        if place is None:
            answer = await self._post(told, card)
            place = (answer.text("channel") or self._channel, answer.text("ts"))
            self._unsaved_place[id_] = place
        else:
            await self._update(id_, place, told, card, urgent)
        seen = replace(shown, seq=view.run.seq, approvals=len(view.approvals), stage=stage_of(view).value, face=face)
        self._unsaved[id_] = seen
        if id_ in self._unsaved_place:
            await self._save_place(id_, place)
        await self._save(id_)
        return place, seen

    def forget(self, id_: str) -> None:
        """Its card is gone."""
        self._unsaved_place.pop(id_, None)

    async def _save_place(self, id_: str, place: Place) -> None:
        await self._store.set_card(id_, *place)
        self._unsaved_place.pop(id_, None)

    async def _save(self, id_: str) -> None:
        await self._store.set_shown(id_, write_shown(self._unsaved[id_]))
        del self._unsaved[id_]

    def _newest(self, id_: str, shown: Shown) -> Shown:
        """What is known to be shown: what the store says, or what this bot could not yet tell it."""
        mine = self._unsaved.get(id_, shown)
        return mine if (mine.thread, mine.revision) >= (shown.thread, shown.revision) else shown

    async def thread(self, view: ChangeView, entries: Sequence[Entry], place: Place, shown: Shown) -> None:
        """Tell what the thread has not told, each entry claimed before it is told. Raises Again, Gone, CallFailed."""
        id_, shown = view.change.id, self._newest(view.change.id, shown)
        if id_ in self._unsaved:
            await self._save(id_)
        if len(entries) <= shown.thread:
            return
        messages = thread(entries, shown.thread, view)
        for said in messages:
            claimed = await self._store.thread_seq(id_)
            self._post_in_time()
            if not await self._store.set_thread_seq(id_, max(said.upto, claimed), claimed):
                raise Again(_now() + self._pace.card)
            told: dict[str, Any] = {"text": said.card.text, "blocks": list(said.card.blocks), "thread_ts": place[1]}
            await self._post(told | ({"reply_broadcast": True} if said.broadcast else {}), said.card)
            shown = self._unsaved[id_] = replace(shown, thread=said.upto)
            await self._save(id_)

    # --- one call ------------------------------------------------------------

    def _post_in_time(self) -> None:
        """Raises Again where a message in the channel would come too soon after the last one."""
        ready = self._last_post + self._pace.post
        if _now() < ready:
            raise Again(ready)

    async def _post(self, told: dict[str, Any], card: Card) -> Answer:
        self._post_in_time()
        self._last_post = _now()
        quiet = {"channel": self._channel, "unfurl_links": False, "unfurl_media": False}
        return await self._send("chat.postMessage", quiet | told, card)

    async def _update(self, id_: str, place: Place, told: dict[str, Any], card: Card, urgent: bool) -> None:
        now = _now()
        gap = self._pace.turn if urgent else self._pace.card
        ready = self._last_update.get(id_, float("-inf")) + gap
        wait = max(ready - now, self._updates.wait(now, 0 if urgent else self._pace.reserve))
        if wait > 0:
            raise Again(now + wait)
        self._last_update[id_] = now
        self._updates.count(now)
        await self._send("chat.update", {"channel": place[0], "ts": place[1], **told}, card)

    async def _send(self, method: str, told: dict[str, Any], card: Card) -> Answer:
        """Call; what Slack does not accept as it is goes out once more as plain words, so that it is said at all."""
        if not self._mine():
            raise Again(_now())
        try:
            return await call(self._client, method, told)
        except CallFailed as failed:
            failure = failed.failure
            if failure.trouble is Trouble.GONE:
                raise Gone from None
            if failure.trouble is not Trouble.REFUSED:
                raise
            logger.error("Slack refused a message (%s); it is sent as plain words", failure.error)
            return await call(self._client, method, {**told, "blocks": [words(card.text)]})


def _now() -> float:
    return asyncio.get_running_loop().time()
