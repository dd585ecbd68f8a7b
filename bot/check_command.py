"""`chom-bot check`: proves a set-up before the first deploy; every fault at once, each with what to do."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from actions.engine.words import counted
from bot.checking import Found, check
from bot.config import BrokenConfig, Secrets, Settings, load
from bot.entry import DEFAULT, Config, log_to_stderr
from bot.shell import printed


def check_command(config: Config = DEFAULT) -> None:
    """The command."""
    settings, missing = _read(config)
    log_to_stderr(settings, logging.ERROR)
    found = asyncio.run(check(config, settings, missing))
    for line in _said(found):
        typer.echo(line)
    raise typer.Exit(int(any(one.faults for one in found)))


def _read(path: Path) -> tuple[Settings, tuple[str, ...]]:
    """The settings, and what is said of secrets that are missing; a broken file ends the command."""
    try:
        return load(path, os.environ), ()
    except FileNotFoundError:
        typer.echo(f"There is no {path}; chom-bot init writes one. Or name another with --config.", err=True)
        raise typer.Exit(1) from None
    except BrokenConfig as broken:
        missing = broken.faults
    try:
        return load(path, os.environ, secrets=Secrets.NONE), missing
    except BrokenConfig:
        typer.echo("\n".join(missing), err=True)
        typer.echo("The rest can be looked at when these are mended.", err=True)
        raise typer.Exit(1) from None


def _said(found: Sequence[Found]) -> Iterator[str]:
    for one in found:
        if one.well and not one.faults:
            yield f"ok     {one.what}: {printed.spoken(one.well)}"
        yield from (f"FAULT  {one.what}: {printed.spoken(fault)}" for fault in one.faults)
        yield from (f"note   {one.what}: {printed.spoken(note)}" for note in one.notes)
    faults = sum(len(one.faults) for one in found)
    yield ""
    if faults:
        yield f"{counted(faults, 'fault')}. Nothing was started, and nothing was changed on a server."
    else:
        yield "Nothing is missing. Next: chom-bot serve, and the first deploy."
