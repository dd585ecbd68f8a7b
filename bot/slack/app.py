"""The Slack app put together: one session, Bolt, its two transports, and an orderly beginning and end."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from actions.engine.ports import Clock
from bot.config import SlackSettings
from bot.slack.acts.asker import Teller, of_click, of_command
from bot.slack.acts.buttons import Buttons
from bot.slack.acts.commands import Commands
from bot.slack.acts.deploying import Deploying
from bot.slack.acts.intake import Intake, Memory
from bot.slack.acts.opened import Opened
from bot.slack.acts.rejecting import Rejecting, Reviewing
from bot.slack.acts.windows import Windows
from bot.slack.connection import http
from bot.slack.connection.directory import Ages, Directory
from bot.slack.connection.errands import Errands, log_trouble
from bot.slack.connection.manifest import bot_scopes
from bot.slack.connection.socket import Rhythm, Socket
from bot.slack.connection.web import CALL_ERRORS, Client, Identity, new_client, new_session, sort, who_am_i
from bot.slack.messages import texts
from policies.change import Account, Person

if TYPE_CHECKING:
    from bot.desk.desk import Desk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Waits:
    """In seconds."""

    boot: float = 10.0
    """For Slack to answer at the start; after them the bot serves without it and keeps trying."""
    again: tuple[float, float] = (1.0, 30.0)
    """First and longest pause between two attempts to get through to Slack at the start."""
    drain: float = 8.0
    """For requests under way to end."""
    socket: Rhythm = field(default_factory=Rhythm)
    ages: Ages = field(default_factory=Ages)


class SlackFace:
    """Made inside the running loop. Takes requests between `start` and `stop_intake`."""

    def __init__(
        self, desk: Desk, settings: SlackSettings, store: Memory, clock: Clock, waits: Waits | None = None
    ) -> None:
        self._settings, self._clock, self._waits = settings, clock, waits or Waits()
        self._session: aiohttp.ClientSession = new_session()
        self._client = new_client(settings, self._session, token=settings.bot_token, retrying=False)
        self._teller = Teller(new_client(settings, self._session, token=settings.bot_token, retrying=True))
        self._errands = Errands()
        self._directory = Directory(self._client, desk.roster, settings.team, clock, self._waits.ages)
        nobody = Identity(settings.team, "", "", "")
        self._intake = Intake(desk, settings, store, self._teller, self._errands, self._directory, nobody)
        self._app = self._bolt()
        socket = Socket(self._app, settings, self._client, self._session, self._waits.socket)
        self._socket = socket if settings.mode == "socket" else None
        self._through = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._taking = False

    @property
    def client(self) -> Client:
        """For the tail: every call is made once, and what Slack says to it is raised."""
        return self._client

    async def link(self, change: str) -> str:
        """The address of that change's card, "" where there is none yet."""
        return await self._intake.link(change)

    def known(self, account: Account) -> Person:
        """The person behind an account, for showing them things. Raises Refusal, also Unlisted."""
        return self._intake.known(account)

    @property
    def trouble(self) -> str:
        """Why requests cannot reach the bot now, as a sentence; "" where they can."""
        if not self._taking:
            return "The bot takes no requests from Slack now."
        if not self._intake.identity.user:
            return "Slack has not let the bot in yet."
        return self._socket.trouble if self._socket else ""

    @property
    def connected(self) -> bool:
        """Whether requests can reach the bot now."""
        return not self.trouble

    def routes(self) -> list[web.AbstractRouteDef]:
        """Where Slack's signed requests come in; none in Socket Mode."""
        if self._settings.mode != "http":
            return []
        return http.routes(self._app, self._settings.signing_secret, self._clock, lambda: self._taking)

    async def start(self) -> None:
        """Take requests. Raises SlackUnusable with a sentence where Slack answers that the bot cannot work there.

        Where Slack does not answer within Waits.boot seconds the bot goes on without it, and connects once it does.
        """
        self._taking = True
        self._life = asyncio.create_task(self._live(), name="slack: connection")
        through = asyncio.create_task(self._through.wait())
        await asyncio.wait({self._life, through}, timeout=self._waits.boot, return_when=asyncio.FIRST_COMPLETED)
        through.cancel()
        if self.unusable:
            raise self.unusable
        if not self._through.is_set():
            logger.warning("Slack does not answer yet; deploys go on, cards follow once it does")

    async def settled(self) -> None:
        """Until the bot was refused, or told to stop."""
        if self._life:
            await asyncio.wait({self._life})

    @property
    def unusable(self) -> BaseException | None:
        """Why the bot is not in Slack for good; None while it is, or is tried."""
        life = self._life
        return life.exception() if life and life.done() and not life.cancelled() else None

    async def _live(self) -> None:
        """Get through to Slack, however long that takes, and keep up what it has said and, in Socket Mode, the line."""
        pause, longest = self._waits.again
        while True:
            try:
                self._intake.identity = await who_am_i(self._teller.client, self._settings, bot_scopes())
                if self._socket:
                    await self._socket.open()
                break
            except CALL_ERRORS as error:
                logger.warning("Slack cannot be reached (%s); next try in %.0f s", sort(error).error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, longest)
        logger.info("connected to Slack as %s in %s", self._intake.identity.user, self._intake.identity.team)
        self._through.set()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._directory.keep(), name="slack: directory")
            if self._socket:
                group.create_task(self._socket.keep(), name="slack: socket")

    async def stop_intake(self) -> None:
        """Take nothing more; what has come in is acknowledged and goes on."""
        self._taking = False
        if self._life:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)
        if self._socket:
            await self._socket.close()

    async def close(self) -> None:
        """Let what was acked come to its end, within Waits.drain seconds, and close."""
        await self.stop_intake()
        await self._errands.drain(self._waits.drain)
        await self._session.close()

    # --- Bolt ----------------------------------------------------------------

    def _bolt(self) -> AsyncApp:
        """Bolt without a call of its own before the ack: who the bot is was asked at the start.

        Signatures are checked in http.py, and `process_before_response` spares the ack 10 ms of polling: no listener
        here does more than ack and begin an errand.
        """

        async def authorize() -> AuthorizeResult:  # no method: Bolt would hand it a `self` of its own making
            known = self._intake.identity
            return AuthorizeResult(
                enterprise_id=None,
                team_id=known.team,
                bot_user_id=known.user,
                bot_id=known.bot,
                bot_token=self._settings.bot_token,
            )

        client = new_client(self._settings, self._session, token=None, retrying=True)
        app = AsyncApp(
            name="chom",
            logger=_bolt_logger(),
            client=client,
            signing_secret=self._settings.signing_secret,
            authorize=authorize,
            request_verification_enabled=False,
            process_before_response=True,
        )
        windows = Windows(self._intake, self._client)
        deploying, rejecting, reviewing = Deploying(windows), Rejecting(windows), Reviewing(windows)
        Opened(self._intake).listen(app)
        Commands(self._intake, deploying).listen(app)
        Buttons(self._intake, windows, deploying, rejecting, reviewing).listen(app)
        deploying.listen(app)
        rejecting.listen(app)
        reviewing.listen(app)
        app.error(self._on_error)
        return app

    async def _on_error(self, error: Exception, request: AsyncBoltRequest) -> BoltResponse:
        """The one handler of what no listener foresaw: a log line and a sentence, tied by a reference id."""
        reference = log_trouble("Bolt", error)
        body = request.body
        asker = of_command(body) if "command" in body else of_click(body)
        if asker.account.user and not self._errands.full:
            self._errands.go("saying so", self._teller.tell(asker, texts.trouble(reference)), _nobody_left)
        return BoltResponse(status=200, body="")


def _bolt_logger() -> logging.Logger:
    """Bolt's own lines, but for its remark that a token it was not meant to use is unused."""
    own = logging.getLogger("bot.slack.bolt")
    own.addFilter(_worth_reading)
    return own


def _worth_reading(record: logging.LogRecord) -> bool:
    return "`token` will be unused" not in record.getMessage()


async def _nobody_left(reference: str) -> None:
    logger.error("[%s] nobody could be told", reference)
