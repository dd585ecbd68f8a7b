"""`chom-bot serve`: serves until it is told to stop."""

from __future__ import annotations

import asyncio
import signal

import typer

from bot.entry import DEFAULT, Config, serving
from bot.serving.boot_checks import CannotServe
from bot.serving.serve import serve
from bot.serving.web import CannotListen
from bot.shell import with_sentences
from bot.slack.connection.web import SlackUnusable


def serve_command(config: Config = DEFAULT) -> None:
    """The command."""
    bot = serving(config)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            await serve(bot, stop)
        finally:
            await bot.close()

    raise typer.Exit(with_sentences(run, CannotServe, CannotListen, SlackUnusable))
