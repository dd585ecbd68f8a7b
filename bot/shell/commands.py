"""chom-bot's commands: what the registry knows is typed as in Slack, and what is no command gets the same advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from actions.engine.registry.grammar import from_shell
from actions.engine.registry.strategies import HEAD
from bot import shell
from bot.by_table import Words
from bot.configs import command as configs
from bot.entry import DEFAULT, Config, in_a_shell

Version = Annotated[list[str], typer.Argument(help="As after deploy, for example: v1.2 rolling to production")]
Asker = Annotated[
    str, typer.Option("--as", help="Who is supposed to ask for it, by the id in chom.toml; you where nobody is named.")
]
Change = Annotated[str, typer.Argument(help="As it is called on its card: chg-…")]


def asking_for(head: str) -> Any:
    """The command whose actions begin with that word."""

    def command(words: Words = None, config: Config = DEFAULT) -> None:
        if head == "config" and words and words[0] in configs.OWN:
            raise typer.Exit(configs.run(words, lambda: in_a_shell(config)))
        bot = in_a_shell(config)
        raise typer.Exit(shell.run(bot, lambda it: shell.propose(it, from_shell([head, *(words or [])]))))

    return command


def plan_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Show what a command would do."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.plan(bot, from_shell(words or []))))


def status_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Show what is live where."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.status(bot, _named(words))))


def history_command(words: Words = None, config: Config = DEFAULT) -> None:
    """List the last changes."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.history(bot, _named(words))))


def stop_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Stop a run or withdraw a request."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.stop(bot, _named(words))))


def follow_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Watch a run to its end."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.go_on(bot, _named(words))))


def approve_command(change: Change = "", config: Config = DEFAULT) -> None:
    """Approve what waits."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.approve(bot, change)))


def reject_command(change: Change = "", why: Words = None, config: Config = DEFAULT) -> None:
    """Reject what waits."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.reject(bot, change, _named(why))))


def answer_command(change: Change, choice: Words = None, config: Config = DEFAULT) -> None:
    """Answer what a run asks."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.answer(bot, change, _named(choice))))


def who_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Say who could approve."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.who(bot, _named(words))))


def review_command(change: Change = "", sentence: Words = None, config: Config = DEFAULT) -> None:
    """Close a review."""
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.review(bot, change, _named(sentence))))


def _named(words: Sequence[str] | None) -> str:
    return " ".join(words or [])


def explain_command(words: Version, config: Config = DEFAULT, asker: Asker = "") -> None:
    """Say who would have to approve a version, on what evidence, and why: v1.2 rolling to production."""
    text = from_shell([HEAD, *words])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.explain(bot, text, asker)))
