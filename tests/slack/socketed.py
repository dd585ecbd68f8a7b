"""Sockets without a face, in a Slack that shows its lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.slack.connection.socket import Rhythm, Socket
from bot.slack.connection.web import new_client, new_session
from tests.slack.support import BRISK, Slack


def lines(slack: Slack) -> list[Any]:
    """The connections that Slack holds, oldest first."""
    return list(slack.stand_in.sockets.open)


@asynccontextmanager
async def kept(slack: Slack, app: AsyncApp, rhythm: Rhythm = BRISK.socket) -> AsyncIterator[Socket]:
    """A socket without a face, kept up."""
    session, settings = new_session(), slack.settings()
    client = new_client(settings, session, token=settings.bot_token, retrying=False)
    socket = Socket(app, settings, client, session, rhythm)
    await socket.open()
    keeping = asyncio.create_task(socket.keep())
    try:
        yield socket
    finally:
        keeping.cancel()
        await socket.close()
        await session.close()


def app_that(listener: Any) -> AsyncApp:
    """A Bolt app with one command."""

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T0CHOM", bot_token="xoxb-sandbox")

    app = AsyncApp(authorize=authorize, request_verification_enabled=False)
    app.command("/chom")(listener)
    return app


async def nothing(ack: Any) -> None:
    await ack()


async def typed(slack: Slack) -> str:
    return str(await slack.stand_in.acts.command("dev", "deploys", "status"))
