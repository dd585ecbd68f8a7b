"""`chom-bot help`: what can be typed; who asks for it waits for no bot."""

from __future__ import annotations

import typer

from actions.engine.registry.grammar import from_shell
from bot.by_table import Words
from bot.vocabulary import registry


def help_command(words: Words = None) -> None:
    """Say what can be typed."""
    typer.echo(registry().help(from_shell(words or [])))
