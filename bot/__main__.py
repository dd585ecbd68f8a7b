"""The chom-bot command: serve, sandbox, and the same desk for the night when Slack is down."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from bot.app import serve
from bot.check_command import check_command
from bot.entry import DEFAULT, Config, serving
from bot.hosts import host
from bot.pack_command import pack_command
from bot.policy_command import policy
from bot.shell import with_sentences
from bot.shell.commands import Advising, add_to
from bot.shell.evidence import evidence
from bot.shell.vocabulary import summary
from bot.starting.command import init_command

cli = typer.Typer(
    cls=Advising, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__
)
add_to(cli)
cli.command("init", help=summary("init"))(init_command)
cli.command("check", help=summary("check"))(check_command)
cli.command("pack", help=summary("pack"))(pack_command)
cli.add_typer(evidence, name="evidence", help=summary("evidence"))
cli.add_typer(host, name="host", help=summary("host"))
cli.add_typer(policy, name="policy", help=summary("policy"))


def main() -> None:
    """Run the command line."""
    cli()


@cli.command("serve", help=summary("serve"))
def serve_command(config: Config = DEFAULT) -> None:
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

    raise typer.Exit(with_sentences(run))


@cli.command(help=summary("sandbox"))
def sandbox(
    port: Annotated[int, typer.Option(help="Where the page is served.")] = 3900,
    dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".sandbox"),
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew.")] = False,
    stage: Annotated[str, typer.Option(help="How long a stage of a canary lasts, where it is not said.")] = "20s",
    visits: Annotated[int, typer.Option(help="How many a second production has.", min=1, max=1000)] = 210,
) -> None:
    from bot.sandbox.main import run  # noqa: PLC0415  nobody who serves pays for the sandbox

    raise typer.Exit(run(port, dir, reset, stage, visits))


if __name__ == "__main__":
    main()
