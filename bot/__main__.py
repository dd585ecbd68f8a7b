"""The chom-bot command: serve, sandbox, and the same desk for the night when Slack is down."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from actions.engine.registry.grammar import from_shell
from bot import shell as desk_shell
from bot.app import Bot, build, secrets_of, serve
from bot.config import BrokenConfig, Settings, load
from bot.host_commands import host
from bot.redact import RedactingFormatter, redactor
from policies.rules import BrokenRules

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
cli.add_typer(host, name="host")

Config = Annotated[Path, typer.Option(help="The configuration file.", envvar="CHOM_CONFIG")]
DEFAULT = Path("chom.toml")
Words = Annotated[list[str] | None, typer.Argument(help="As in Slack, for example: v1.2 to staging")]


def main() -> None:
    """Run the command line."""
    cli()


def _settings(path: Path) -> Settings:
    try:
        return load(path, os.environ)
    except FileNotFoundError:
        typer.echo(f"There is no {path}. Name it with --config, or set CHOM_CONFIG.", err=True)
    except BrokenConfig as broken:
        typer.echo("\n".join(broken.faults), err=True)
    raise typer.Exit(2)


def _bot(path: Path, *, shell: bool = False) -> Bot:
    """The bot of that configuration; a shell's has a name of its own, since two that live may not share one."""
    settings = _settings(path)
    if shell:
        settings = replace(settings, instance=f"{settings.instance}-shell-{os.getpid()}")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redactor(secrets_of(settings))))
    logging.basicConfig(level=logging.WARNING if shell else logging.INFO, handlers=[handler], force=True)
    for talkative in ("asyncssh", "docket"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        return build(settings, lead="chom-bot " if shell else "/chom ")
    except (OSError, ValueError, BrokenRules) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None


@cli.command("serve")
def serve_command(config: Config = DEFAULT) -> None:
    """Serve Slack and walk the runs, until SIGTERM."""
    bot = _bot(config)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            await serve(bot, stop)
        finally:
            await bot.close()

    raise typer.Exit(desk_shell.with_sentences(run))


@cli.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Where the page is served.")] = 3900,
    dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".sandbox"),
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew.")] = False,
) -> None:
    """Slack, two servers and a shop on this machine, to try everything without risk."""
    from bot.sandbox.main import run  # noqa: PLC0415  nobody who serves pays for the sandbox

    raise typer.Exit(run(port, dir, reset))


def _said(config: Path, words: list[str]) -> None:
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.propose(bot, from_shell(words))))


@cli.command()
def deploy(words: Words = None, config: Config = DEFAULT) -> None:
    """Deploy a version, by the same policy, journal and fence as from Slack."""
    _said(config, ["deploy", *(words or [])])


@cli.command()
def rollback(words: Words = None, config: Config = DEFAULT) -> None:
    """Go back to a kept release."""
    _said(config, ["rollback", *(words or [])])


@cli.command()
def approve(change: str, config: Config = DEFAULT) -> None:
    """Approve a change that waits, as the person your Unix login stands for."""
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.approve(bot, change)))


@cli.command()
def reject(change: str, reason: str = "", config: Config = DEFAULT) -> None:
    """Reject a change that waits."""
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.reject(bot, change, reason)))


@cli.command()
def stop(change: Annotated[str, typer.Argument()] = "", config: Config = DEFAULT) -> None:
    """Have the run turn back at its next step."""
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.stop(bot, change)))


@cli.command()
def status(environment: Annotated[str, typer.Argument()] = "", config: Config = DEFAULT) -> None:
    """What is live where, and what is going on."""
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.status(bot, environment)))


@cli.command()
def history(environment: Annotated[str, typer.Argument()] = "", config: Config = DEFAULT) -> None:
    """What was done lately."""
    bot = _bot(config, shell=True)
    raise typer.Exit(desk_shell.with_sentences(lambda: desk_shell.history(bot, environment)))


if __name__ == "__main__":
    main()
