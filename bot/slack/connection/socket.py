"""Socket Mode kept up: the next connection is opened before the last is let go, and a dead one is replaced."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from dataclasses import dataclass

import aiohttp
from slack_bolt.async_app import AsyncApp

from bot.config import SlackSettings
from bot.slack.connection.line import Line
from bot.slack.connection.web import CALL_ERRORS, Client, SlackUnusable, Trouble, socket_address, sort

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """All in seconds."""

    ping: float = 5.0
    """Silence after which Slack is asked for a sign of life; half as long again without one, and the line is dead."""
    silence: float = 10.0
    """Silence after which a line that stands all the same is not called up."""
    again: tuple[float, float] = (1.0, 30.0)
    """First and longest pause between two attempts to connect."""
    lived: float = 10.0
    """A line that ends sooner than this is no success: the next attempt waits longer."""
    linger: float = 3.0
    """For what is still on its way over a line that was replaced."""
    ack: float = 3.0
    """Slack waits as long for an acknowledgement."""


class Socket:
    """Opened once, then kept; not opened again after `close`."""

    def __init__(
        self,
        app: AsyncApp,
        settings: SlackSettings,
        client: Client,
        session: aiohttp.ClientSession,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._app, self._settings, self._client, self._session = app, settings, client, session
        self._rhythm = rhythm or Rhythm()
        self._line: Line | None = None
        self._new = asyncio.Condition()
        self._leaving: set[asyncio.Task[None]] = set()
        self._why = ""
        """Why there is no line, as a clause."""

    @property
    def trouble(self) -> str:
        """Why nothing can come in now, as a sentence; "" where it can."""
        line = self._line
        if line is None or not line.is_open:
            silent = f" for {line.silent:.0f} s" if line else ""
            return f"The connection to Slack is down{silent}{f': {self._why}' if self._why else ''}."
        if line.silent > self._rhythm.silence:
            return f"The connection to Slack is open, and nothing has come over it for {line.silent:.0f} s."
        return ""

    async def open(self) -> None:
        """Connect, and let the line before go. Raises SlackUnusable, and what is in web.CALL_ERRORS."""
        address = await socket_address(self._client, self._settings.app_token)
        line = await Line.open(self._app, self._session, address, self._rhythm.ping, self._elsewhere)
        before, self._line, self._why = self._line, line, ""
        async with self._new:
            self._new.notify_all()
        if before is not None:
            self._let_go(before)

    async def keep(self) -> None:
        """Put another line in the place of each that ends, until cancelled. `open` comes first."""
        while True:
            assert self._line is not None
            await self._line.ending.wait()
            self._why = self._line.why
            short = time.monotonic() - self._line.begun < self._rhythm.lived
            logger.info("the connection to Slack ends (%s); the next one is opened", self._why)
            await self._replace(self._rhythm.again[0] if short else 0.0)

    async def close(self) -> None:
        """Acknowledge what has come in, within Rhythm.ack seconds, and close."""
        if self._line is not None:
            await self._line.leave(self._rhythm.ack)
            self._line = None
        for task in self._leaving:
            task.cancel()
        await asyncio.gather(*self._leaving, return_exceptions=True)

    # --- the next line -------------------------------------------------------

    async def _replace(self, pause: float) -> None:
        """Try until there is another line; what stands in the way is logged when it changes."""
        first, longest = self._rhythm.again
        said = ""
        while True:
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))
            try:
                await self.open()
            except SlackUnusable as unusable:
                why, after, level = str(unusable).rstrip("."), 0.0, logging.ERROR
            except CALL_ERRORS as error:
                failure = sort(error)
                why, level = failure.error, logging.WARNING
                after = failure.after if failure.trouble is Trouble.SLOWER else 0.0
            else:
                logger.info("connected to Slack again")
                return
            pause = max(after, min(max(pause * 2, first), longest))
            self._why = why
            logger.log(logging.DEBUG if why == said else level, "Slack cannot be reached: %s; tried on", why)
            said = why

    def _let_go(self, line: Line) -> None:
        task = asyncio.create_task(self._leave(line), name="slack: a line that was replaced")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def _leave(self, line: Line) -> None:
        """What Slack sends over it to its last moment is still taken."""
        taking = True
        try:
            if line.is_open:
                await asyncio.sleep(self._rhythm.linger)
        except asyncio.CancelledError:
            taking = False
            raise
        finally:
            await line.leave(self._rhythm.ack, taking=taking)

    async def _elsewhere(self, text: str) -> bool:
        """Send an acknowledgement that lost its line over the next one, as long as Slack waits for it."""
        try:
            async with asyncio.timeout(self._rhythm.ack), self._new:
                while self._line is None or not await self._line.say(text):
                    await self._new.wait()
        except TimeoutError:
            return False
        return True
