"""What every command begins with: chom.toml, the secrets that it needs, and the bot that they make."""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from actions.engine.registry import Registry
from bot.app import Bot, build, secrets_of
from bot.config import BrokenConfig, Secrets, Settings, load
from bot.redact import RedactingFormatter, redactor
from bot.vocabulary import registry
from policies.rules import BrokenRules

Config = Annotated[Path, typer.Option(help="The configuration file.", envvar="CHOM_CONFIG")]
DEFAULT = Path("chom.toml")


def settings_of(path: Path, secrets: Secrets = Secrets.ALL) -> Settings:
    """The checked configuration; what is wrong with it is said, and ends the command with status 2."""
    try:
        return load(path, os.environ, secrets=secrets)
    except FileNotFoundError:
        typer.echo(f"There is no {path}. Name it with --config, or set CHOM_CONFIG.", err=True)
    except BrokenConfig as broken:
        typer.echo("\n".join(broken.faults), err=True)
    raise typer.Exit(2)


def serving(path: Path) -> Bot:
    """The bot that serves Slack."""
    return _built(settings_of(path), logging.INFO)


def in_a_shell(path: Path) -> Bot:
    """The same desk for one command; with a name of its own, since two bots that live may not share one."""
    settings = settings_of(path, Secrets.REDIS)
    named = replace(settings, instance=f"{settings.instance}-shell-{os.getpid()}")
    return _built(named, logging.WARNING, registry())


def log_to_stderr(settings: Settings, level: int) -> None:
    """Without any secret that is known."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter(redactor(secrets_of(settings))))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for talkative in ("asyncssh", "docket"):
        logging.getLogger(talkative).setLevel(logging.WARNING)


def _built(settings: Settings, level: int, known: Registry | None = None) -> Bot:
    log_to_stderr(settings, level)
    try:
        return build(settings, registry=known)
    except (OSError, ValueError, BrokenRules) as fault:
        typer.echo(str(fault), err=True)
        raise typer.Exit(2) from None
