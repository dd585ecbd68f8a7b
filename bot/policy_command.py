"""`chom-bot policy`: a rules table against a table of cases, without anything else; and what a version would need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

import typer

from actions.engine.words import counted
from bot.by_table import AS_TYPED, ByTable, Place, listed_in
from bot.vocabulary import spoken
from policies.cases import BrokenCases, load_cases
from policies.rules import SHIPPED, BrokenRules, load

File = Annotated[Path | None, typer.Argument(help="The cases; the shipped ones where none are named.")]
Rules = Annotated[Path | None, typer.Option(help="The rules; the shipped ones where none are named.")]


class _Group(ByTable):
    places: ClassVar = {
        "explain": Place(
            "bot.shell.commands",
            "explain_command",
            "Say who would have to approve a version, on what evidence, and why: v1.2 rolling to production.",
            AS_TYPED,
        )
    }


policy = typer.Typer(cls=_Group, no_args_is_help=True, help="Tries the rules.")
listed_in(policy, _Group.places.items())


@policy.callback()
def _of_policy() -> None:
    """Tries the rules that say who may change what."""


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
