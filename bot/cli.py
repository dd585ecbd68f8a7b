"""The chom-bot command: serve, sandbox, and the same desk for the night when Slack is down."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from actions.engine.registry import BadCommand
from actions.engine.registry.grammar import from_shell
from bot import __version__
from bot.by_table import AS_TYPED, ByTable, Place, listed_in
from bot.vocabulary import registry, told

_SHELL = "bot.shell.commands"
_TYPED = ("plan", "status", "history", "stop", "follow", "help", "approve", "reject", "answer", "who", "review")
_OWN = {
    "init": ("bot.starting.command", "init_command"),
    "check": ("bot.check_command", "check_command"),
    "pack": ("bot.pack_command", "pack_command"),
    "serve": ("bot.serving.command", "serve_command"),
    "sandbox": ("bot.sandbox.command", "sandbox_command"),
    "evidence": ("bot.shell.evidence", "evidence"),
    "host": ("bot.hosts", "host"),
    "policy": ("bot.policy_command", "policy"),
}
_HEADS = dict.fromkeys(action.parsed.head for action in registry().actions)
PLACES = {
    **{head: Place(_SHELL, "asking_for", told(head), AS_TYPED, head) for head in _HEADS},
    **{name: Place(_SHELL, f"{name}_command", told(name), AS_TYPED) for name in _TYPED},
    "help": Place("bot.help_command", "help_command", told("help"), AS_TYPED),
    **{name: Place(module, attribute, told(name)) for name, (module, attribute) in _OWN.items()},
}
"""In the order of the help."""


class Advising(ByTable):
    """What is no command gets the sentence that Slack would give."""

    places = PLACES

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.places:
            try:
                registry().match(from_shell(args), (), "")
            except BadCommand as wrong:
                typer.echo(str(wrong), err=True)
            raise typer.Exit(2)
        return super().resolve_command(ctx, args)


cli = typer.Typer(cls=Advising, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
listed_in(cli, PLACES.items())


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"chom-bot {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Says which version it is.")]


@cli.callback(help=__doc__)
def _of_chom_bot(version: Version = False) -> None:
    """Takes what stands before a command."""
