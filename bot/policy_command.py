"""`chom-bot policy`: a rules table against a table of cases, without anything else; and what a version would need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actions.engine.registry.grammar import from_shell
from actions.engine.registry.strategies import HEAD
from actions.engine.words import counted
from bot import shell
from bot.entry import DEFAULT, Config, in_a_shell
from bot.shell.commands import AS_TYPED
from bot.shell.printed import spoken
from policies.cases import BrokenCases, load_cases
from policies.rules import SHIPPED, BrokenRules, load

Words = Annotated[list[str], typer.Argument(help="As after deploy, for example: v1.2 rolling to production")]
Asker = Annotated[
    str, typer.Option("--as", help="Who is supposed to ask for it, by the id in chom.toml; you where nobody is named.")
]
File = Annotated[Path | None, typer.Argument(help="The cases; the shipped ones where none are named.")]
Rules = Annotated[Path | None, typer.Option(help="The rules; the shipped ones where none are named.")]

policy = typer.Typer(no_args_is_help=True, help="Tries the rules.")


@policy.callback()
def _of_policy() -> None:
    """Tries the rules that say who may change what."""


@policy.command("explain", context_settings=AS_TYPED)
def explain_command(words: Words, config: Config = DEFAULT, asker: Asker = "") -> None:
    """Say who would have to approve a version, on what evidence, and why: v1.2 [strategy] [to environment]."""
    text = from_shell([HEAD, *words])
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: shell.explain(bot, text, asker)))


@policy.command("rules")
def rules_command() -> None:
    """Print the rules that are shipped, for a table of your own: chom-bot policy rules > rules.toml."""
    typer.echo(SHIPPED.read_text(encoding="utf-8"), nl=False)


@policy.command("test")
def test_command(file: File = None, rules: Rules = None) -> None:
    """Run every case; what goes otherwise is told with its line and why, and ends with status 1."""
    try:
        cases, table = load_cases(file), load(rules)
    except FileNotFoundError as missing:
        typer.echo(f"There is no {missing.filename}.", err=True)
        raise typer.Exit(2) from None
    except (BrokenCases, BrokenRules) as broken:
        typer.echo("\n".join(broken.faults), err=True)
        raise typer.Exit(2) from None
    failures = cases.run(table)
    for failure in failures:
        typer.echo(f"line {failure.line}: {spoken(failure.name)}")
        typer.echo(f"    wanted {failure.wanted}")
        typer.echo(f"    got    {spoken(failure.got)}")
        for line in failure.tree:
            typer.echo(f"      {line}")
    typer.echo(f"{counted(len(cases), 'case')}, {counted(len(failures), 'failure')}.")
    raise typer.Exit(int(bool(failures)))
