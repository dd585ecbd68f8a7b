"""chom-bot's commands: what the registry knows is typed as in Slack, and what is no command gets the same advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from actions.engine.registry.advice import nearest
from actions.engine.registry.grammar import from_shell
from actions.engine.registry.strategies import HEAD
from actions.engine.words import joined, quote
from bot import shell
from bot.by_table import Words
from bot.configs import command as configs
from bot.entry import DEFAULT, Config, in_a_shell
from bot.vocabulary import LEAD, registry

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
    named = _named("status", words)
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.status(bot, named)))


def history_command(words: Words = None, config: Config = DEFAULT) -> None:
    """List the last changes."""
    named = _named("history", words)
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.history(bot, named)))


def stop_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Stop a run or withdraw a request."""
    named = _named("stop", words)
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.stop(bot, named)))


def follow_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Watch a run to its end."""
    named = _named("follow", words)
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.go_on(bot, named)))


def approve_command(change: Change = "", config: Config = DEFAULT) -> None:
    """Approve what waits."""
    named = _named("approve", [change])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.approve(bot, named)))


def reject_command(change: Change = "", why: Words = None, config: Config = DEFAULT) -> None:
    """Reject what waits."""
    named = _named("reject", [change])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.reject(bot, named, _text(why))))


def answer_command(change: Change, choice: Words = None, config: Config = DEFAULT) -> None:
    """Answer what a run asks."""
    named = _named("answer", [change])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.answer(bot, named, _text(choice))))


def who_command(words: Words = None, config: Config = DEFAULT) -> None:
    """Say who could approve."""
    named = _named("who", words)
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.who(bot, named)))


def review_command(change: Change = "", sentence: Words = None, config: Config = DEFAULT) -> None:
    """Close a review."""
    named = _named("review", [change])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.review(bot, named, _text(sentence))))


def _text(words: Sequence[str] | None) -> str:
    return " ".join(words or [])


def _named(command: str, words: Sequence[str] | None) -> str:
    """The environment, change or version that was named; what begins with a dash is none, and ends it with status 2."""
    if dashed := next((word for word in words or [] if word.startswith("-")), ""):
        option, has = dashed.partition("=")[0], ("--config", "--help")
        hint = f" Did you mean {meant}?" if (meant := nearest(option, has)) else ""
        usage = next(word.usage for word in registry().reserved if word.head == command)
        typer.echo(
            f"{command} has no option {quote(option)}; it has {joined(has)}.{hint} Write: {LEAD}{usage}", err=True
        )
        raise typer.Exit(2)
    return _text(words)


def explain_command(words: Version, config: Config = DEFAULT, asker: Asker = "") -> None:
    """Say who would have to approve a version, on what evidence, and why: v1.2 rolling to production."""
    text = from_shell([HEAD, *words])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.explain(bot, text, asker)))
