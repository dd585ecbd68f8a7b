"""The file of a failed run's log: fetched from its servers and sent to Slack beside everything else, then shared.

Nothing waits for it. A server that does not answer is asked again, for ten minutes from the turn on; what it wrote is
missing then. The file's id is noted before it is shared: whoever finds it noted and does not know more looks whether
the thread has it, and shares that same file, never a second one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from actions.engine.journal import Entry, Way
from actions.engine.ports import HostRefused, JobLog, Unreachable, job_id
from bot.desk.view import ChangeView
from bot.slack.messages.log_file import MOST, Piece, Unread, file_name, fitted, log_lines, pieces_of, struck
from bot.tails.delivery.sender import NotMine, Sender
from bot.tails.files.sharing import NotTaken, uploaded

logger = logging.getLogger(__name__)

BREATH = 100
"""Lines that are gone through before others have their turn."""
AT_ONCE = 2
"""Logs that are fetched at once; each may be in memory twice."""


class Logs(Protocol):
    """What is asked of the servers."""

    async def log(self, host: str, job: str, most: int) -> JobLog | None:
        """As ports.Hosts.log. Raises Unreachable, HostRefused."""
        ...


@dataclass(frozen=True, slots=True)
class LogPace:
    """In seconds."""

    again: float = 15.0
    """Between two tries of a server that does not answer, or of a Slack that does not take the file."""
    patience: float = 600.0
    """From the turn on, for servers that do not answer."""


@dataclass(frozen=True, slots=True)
class Follows:
    """These servers do not answer now."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Slack has the file; nobody sees it yet."""

    file: str
    missing: tuple[str, ...] = ()
    """Servers that did not answer."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There will be no file; "" where there is nothing to say of it."""

    why: str


Offer = Follows | Share | GiveUp


class LogFiles:
    """`ready` is called with a change whenever there is another offer for it."""

    def __init__(
        self, sender: Sender, hosts: Logs, redact: Callable[[str], str], ready: Callable[[str], None], pace: LogPace
    ) -> None:
        self._sender, self._hosts, self._redact, self._ready, self._pace = sender, hosts, redact, ready, pace
        self._places = asyncio.Semaphore(AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._offers: dict[str, Offer] = {}

    def offer(self, view: ChangeView, entries: Sequence[Entry]) -> Offer | None:
        """What can be done of its log now; None while it is fetched."""
        id_ = view.change.id
        if id_ not in self._tasks:
            self._tasks[id_] = asyncio.create_task(self._bring(view, entries))
        return self._offers.get(id_)

    def settled(self, id_: str) -> None:
        """It is there, or given up."""
        self._offers.pop(id_, None)

    def begin_again(self, id_: str) -> None:
        """The file that was offered is not there any more."""
        self._offers.pop(id_, None)
        self._tasks.pop(id_, None)

    async def close(self) -> None:
        """Stop; what is under way begins anew elsewhere."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _say(self, id_: str, offer: Offer) -> None:
        self._offers[id_] = offer
        self._ready(id_)

    async def _bring(self, view: ChangeView, entries: Sequence[Entry]) -> None:
        id_ = view.change.id
        try:
            self._say(id_, await self._file(view, entries))
        except NotMine:
            return
        except Exception:
            logger.exception("the log of %s cannot be brought to Slack", id_)
            self._say(id_, GiveUp("the bot failed over it; its own log has the details"))

    async def _file(self, view: ChangeView, entries: Sequence[Entry]) -> Offer:
        """Fetch and send, with all the patience there is. Raises NotMine."""
        wanted = pieces_of(entries)
        if not wanted:
            return GiveUp("")
        pieces, missing = await self._fetched(view, wanted)
        if not any(isinstance(piece, JobLog) for piece in pieces.values()):
            reasons = [piece.why for piece in pieces.values() if isinstance(piece, Unread)]
            return GiveUp(reasons[0] if reasons else "")
        async with self._places:
            lines = list[str]()
            for line in struck(log_lines(view, entries, pieces), self._redact):
                lines.append(line)
                if len(lines) % BREATH == 0:
                    await asyncio.sleep(0)
            content = fitted(lines)
        return await self._sent(file_name(view), content, missing)

    async def _fetched(
        self, view: ChangeView, wanted: Sequence[Piece]
    ) -> tuple[dict[Piece, JobLog | Unread | None], tuple[str, ...]]:
        """The pieces that there are, and the servers that did not answer to the end."""
        assert view.run.turned is not None
        left = timedelta(seconds=self._pace.patience) - (view.now - view.run.turned.at)
        until = asyncio.get_running_loop().time() + left.total_seconds()
        pieces = dict[Piece, JobLog | Unread | None]()
        while True:
            away = dict[str, str]()
            for step, host in wanted:
                if (step, host) in pieces or host in away:
                    continue
                try:
                    async with self._places:
                        pieces[step, host] = await self._piece(view.change.id, step, host)
                except Unreachable as gone:
                    away[host] = str(gone)
            if not away or asyncio.get_running_loop().time() >= until:
                unread = {(step, host): Unread(away[host]) for step, host in wanted if (step, host) not in pieces}
                return pieces | unread, tuple(away)
            if view.change.id not in self._offers:
                self._say(view.change.id, Follows(tuple(away)))
            await asyncio.sleep(self._pace.again)

    async def _piece(self, change: str, step: str, host: str) -> JobLog | Unread | None:
        try:
            return await self._hosts.log(host, job_id(change, step, Way.FORWARD), MOST)
        except HostRefused as refused:
            return Unread(str(refused))
        except KeyError:
            return Unread(f"{host} is no longer in chom.toml")

    async def _sent(self, name: str, content: bytes, missing: tuple[str, ...]) -> Offer:
        try:
            return Share(await uploaded(self._sender, name, content, self._pace.again), missing)
        except NotTaken as refused:
            return GiveUp(str(refused))
