"""Sends one change's card to Slack, and records what Slack took."""

from __future__ import annotations

import logging
from dataclasses import replace

from bot.slack.cards.live import metadata
from bot.slack.cards.stage import stage_of
from bot.tails.cards.look import Look
from bot.tails.delivery.finder import Finder
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender
from bot.tails.delivery.shown import Shown, face_of, revision_of

logger = logging.getLogger(__name__)


class Painter:
    """One card at a time, by one caller; the pace is the caller's affair."""

    def __init__(self, sender: Sender, notes: Notes, finder: Finder) -> None:
        self._sender, self._notes, self._finder = sender, notes, finder

    async def update(self, seen: Look) -> None:
        """Show what is true now. Raises NotMine, Gone, CallFailed, StoreDown."""
        if seen.place is None or not seen.stale:
            return
        await self._sender.update(seen.place, seen.card, _metadata(seen))
        await self._notes.put(seen.id, _painted(seen))

    async def post(self, seen: Look) -> None:
        """Post the card, or find it where it may have been posted. Raises NotMine, CallFailed, StoreDown."""
        if seen.place is not None:
            return
        if not seen.shown.tried:
            await self._notes.put(seen.id, replace(seen.shown, tried=True))
        elif self._sender.may_stand(seen.id) and (found := await self._finder.card(seen.id, seen.view.change.at)):
            logger.info("the card of %s was posted already; it is found at %s", seen.id, found[1])
            await self._notes.put_place(seen.id, found)
            return
        with self._sender.posting(seen.id):
            answer = await self._sender.post(seen.card, _metadata(seen))
        painted = _painted(seen)
        try:
            await self._notes.put_place(seen.id, (answer.text("channel") or self._sender.channel, answer.text("ts")))
        finally:
            await self._notes.put(seen.id, painted)


def _metadata(seen: Look) -> dict[str, object]:
    return {"metadata": metadata(seen.view, revision_of(seen.view))}


def _painted(seen: Look) -> Shown:
    view = seen.view
    return replace(
        seen.shown,
        seq=view.run.seq,
        approvals=len(view.approvals),
        stage=stage_of(view).value,
        face=face_of(seen.card),
        tried=True,
    )
