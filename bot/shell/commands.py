"""chom-bot's commands: what the registry knows is typed as in Slack, and what is no command gets the same advice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from actions.engine.registry import BadCommand
from actions.engine.registry.grammar import from_shell
from bot import shell
from bot.configs import command as configs
from bot.entry import DEFAULT, Config, in_a_shell
from bot.shell.vocabulary import registry, summary

AS_TYPED = {"ignore_unknown_options": True, "allow_interspersed_args": True}
"""What begins with a dash reaches the grammar too, and gets its sentence."""

Words = Annotated[
    list[str] | None, typer.Argument(help="As in Slack, for example: v1.2 to staging", show_default=False)
]

Change = Annotated[str, typer.Argument(help="As it is called on its card: chg-…")]


class Advising(TyperGroup):
    """What is no command gets the sentence that Slack would give."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            try:
                registry().match(from_shell(args), (), "")
            except BadCommand as wrong:
                typer.echo(str(wrong), err=True)
            raise typer.Exit(2)
        return super().resolve_command(ctx, args)


def add_to(cli: typer.Typer) -> None:
    """Every action there is, and what the bot answers itself."""
    known = registry()
    for head in dict.fromkeys(action.parsed.head for action in known.actions):
        told = " ".join(action.summary for action in known.actions if action.parsed.head == head)
        cli.command(head, help=told, context_settings=AS_TYPED)(_asking_for(head))
    for name, command in _COMMANDS.items():
        cli.command(name, help=summary(name), context_settings=AS_TYPED)(command)


def _asking_for(head: str) -> Any:
    def command(words: Words = None, config: Config = DEFAULT) -> None:
        if head == "config" and words and words[0] in configs.OWN:
            raise typer.Exit(configs.run(words, lambda: in_a_shell(config)))
        bot = in_a_shell(config)
        raise typer.Exit(shell.run(bot, lambda it: shell.propose(it, from_shell([head, *(words or [])]))))

    return command


def _help(words: Words = None) -> None:
    typer.echo(registry().help(from_shell(words or [])))


def _plan(words: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.plan(bot, from_shell(words or []))))


def _status(words: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.status(bot, _named(words))))


def _history(words: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.history(bot, _named(words))))


def _stop(words: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.stop(bot, _named(words))))


def _approve(change: Change = "", config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.approve(bot, change)))


def _reject(change: Change = "", why: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.reject(bot, change, _named(why))))


def _answer(change: Change, choice: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.answer(bot, change, _named(choice))))


def _who(words: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.who(bot, _named(words))))


def _review(change: Change = "", sentence: Words = None, config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.review(bot, change, _named(sentence))))


def _named(words: Sequence[str] | None) -> str:
    return " ".join(words or [])


_COMMANDS = {
    "plan": _plan,
    "status": _status,
    "history": _history,
    "stop": _stop,
    "help": _help,
    "approve": _approve,
    "reject": _reject,
    "answer": _answer,
    "who": _who,
    "review": _review,
}
