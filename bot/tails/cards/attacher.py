"""Says in the thread of a failed run where its log is: that it follows, the file itself, or that there will be none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from actions.engine.journal import Entry
from bot.slack.blocks import Card
from bot.slack.connection.web import CallFailed
from bot.slack.messages.log_file import comment, file_name, follows, given_up
from bot.tails.cards.look import Look
from bot.tails.delivery.finder import Finder, log_metadata
from bot.tails.delivery.notes import Notes
from bot.tails.delivery.sender import Sender
from bot.tails.delivery.shown import Log
from bot.tails.files.logs import Follows, GiveUp, LogFiles, Offer, Share
from bot.tails.files.sharing import Sharing, Upload


class Attacher:
    """One thread at a time, by one caller; the pace is the caller's affair."""

    def __init__(self, sender: Sender, notes: Notes, finder: Finder, files: LogFiles) -> None:
        self._sender, self._notes, self._finder, self._files = sender, notes, finder, files
        self._sharing = Sharing(sender, finder)

    def has_something(self, seen: Look, entries: Sequence[Entry]) -> bool:
        """Whether there is something to say now; what there is to fetch is begun."""
        if not seen.owes_log:
            return False
        offer = self._files.offer(seen.view, entries)
        if seen.shown.log in {Log.SHARING, Log.GIVING_UP}:
            return True
        return offer is not None and (seen.shown.log is Log.OWED or not isinstance(offer, Follows))

    async def attach(self, seen: Look, entries: Sequence[Entry]) -> None:
        """Say it, or see that it was said. Raises NotMine, Gone, CallFailed, StoreDown."""
        if not self.has_something(seen, entries):
            return
        offer = self._files.offer(seen.view, entries)
        if seen.shown.log is Log.SHARING:
            known = offer if isinstance(offer, Share) and offer.file == seen.shown.file else Share(seen.shown.file)
            await self._share(seen, known)
        elif offer is not None:
            await self._do(seen, offer)

    async def _do(self, seen: Look, offer: Offer) -> None:
        match offer:
            case Share():
                await self._share(seen, offer)
            case GiveUp():
                await self._give_up(seen, offer.why)
            case Follows():
                await self._follow(seen, offer.hosts)
            case _:
                assert_never(offer)

    async def _follow(self, seen: Look, hosts: Sequence[str]) -> None:
        """Once at most: where it is lost, nobody misses it when the file comes."""
        await self._note(seen, Log.FOLLOWS)
        try:
            await self._say(seen, follows(hosts), Log.FOLLOWS)
        except CallFailed as failed:
            if failed.failure.without_effect:
                await self._note(seen, Log.OWED)
            raise

    async def _give_up(self, seen: Look, why: str) -> None:
        if why and not await self._was_said(seen):
            await self._note(seen, Log.GIVING_UP)
            await self._say(seen, given_up(seen.view, why), Log.GIVING_UP)
        await self._settle(seen)

    async def _was_said(self, seen: Look) -> bool:
        assert seen.place is not None
        doubt = seen.shown.log is Log.GIVING_UP and self._sender.may_stand(_key(seen, Log.GIVING_UP))
        return doubt and await self._finder.log_said(seen.id, seen.place, Log.GIVING_UP)

    async def _share(self, seen: Look, share: Share) -> None:
        """Where Slack knows no such file any more it is brought once more."""
        assert seen.place is not None
        again = seen.shown.log is Log.SHARING
        if not again:
            await self._note(seen, Log.SHARING, share.file)
        upload = Upload(share.file, file_name(seen.view), comment(share.missing))
        if await self._sharing.share(seen.place, _key(seen, Log.SHARING), upload, again=again):
            await self._settle(seen)
            return
        await self._note(seen, Log.FOLLOWS)
        self._files.begin_again(seen.id)

    async def _say(self, seen: Look, card: Card, word: Log) -> None:
        assert seen.place is not None
        more = {"thread_ts": seen.place[1], "metadata": log_metadata(seen.id, word)}
        with self._sender.posting(_key(seen, word)):
            await self._sender.post(card, more)

    async def _settle(self, seen: Look) -> None:
        await self._note(seen, Log.SETTLED)
        self._files.settled(seen.id)

    async def _note(self, seen: Look, log: Log, file: str = "") -> None:
        await self._notes.put(seen.id, replace(seen.shown, log=log, file=file))


def _key(seen: Look, word: Log) -> str:
    return f"{seen.id} {word}"
