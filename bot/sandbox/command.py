"""`chom-bot sandbox`: everything on this machine, to try it without risk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.sandbox.main import run


def sandbox_command(
    port: Annotated[int, typer.Option(help="Where the page is served.")] = 3900,
    dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path(".sandbox"),
    reset: Annotated[bool, typer.Option("--reset", help="Begin anew.")] = False,
    stage: Annotated[str, typer.Option(help="How long a stage of a canary lasts, where it is not said.")] = "20s",
    visits: Annotated[int, typer.Option(help="How many a second production has.", min=1, max=1000)] = 210,
) -> None:
    """The command."""
    raise typer.Exit(run(port, dir, reset, stage, visits))
