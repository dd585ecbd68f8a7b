"""`chom-bot policy test`: a rules table against a table of cases, with no Slack, no Redis and no server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from actions.engine.words import counted
from bot.shell.printed import spoken
from policies.cases import BrokenCases, load_cases
from policies.rules import BrokenRules, load

File = Annotated[Path | None, typer.Argument(help="The cases; the shipped ones where none are named.")]
Rules = Annotated[Path | None, typer.Option(help="The rules; the shipped ones where none are named.")]

policy = typer.Typer(no_args_is_help=True, help="Tries the rules.")


@policy.callback()
def _of_policy() -> None:
    """Tries the rules that say who may change what."""


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
