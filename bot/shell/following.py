"""A run as it goes, line by line, until its end; walked by this process where no bot that lives does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import typer

from actions.engine.journal import Asked, Measured, Outcome
from bot.app import Bot
from bot.desk.view import ChangeView
from bot.gathered import gathered
from bot.shell import printed
from policies.change import Refused

POLL = 0.5
"""Seconds between two looks at the journal."""
NOBODY_CAME = 3.0
"""Seconds after which this process walks the run, since nobody does: no bot took it, or the one that did is dead."""
LEFT = (
    "Stopped looking. What was started goes on where a bot serves, and else stands still: "
    "`chom-bot status` says which, and `chom-bot follow` goes on with it here."
)
"""What whoever leaves has to know, since it may be this process that walked the run."""


async def follow(bot: Bot, view: ChangeView, first: Sequence[str] = ()) -> int:
    """Print `first`, and each milestone until the end; 0 where it ended well, 1 where it did not or never starts."""
    seen, waited, worker = 0, 0.0, None
    stop = asyncio.Event()
    try:
        _echo(first)
        while True:
            entries = await bot.store.read(view.change.id)
            view = await bot.desk.view(view.change.id)
            for group in gathered(entries[seen:]):
                if said := group.said(view):
                    typer.echo(f"{group.entries[-1].at:%H:%M:%S} UTC  {printed.spoken(said)}")
                    if isinstance(group.first, Asked | Measured):
                        _echo(printed.answers(view))
            seen = len(entries)
            if view.run.ended and view.run.seq == seen:
                return 0 if view.run.ended.outcome is Outcome.DONE else 1
            if not view.run.opened and isinstance(view.verdict, Refused):
                _echo(printed.said(view))
                return 1
            idle = view.run.opened and not await bot.work.is_walked(view.change.id)
            waited = waited + POLL if idle else 0.0
            if waited > NOBODY_CAME and worker is None:
                worker = asyncio.create_task(bot.work.serve(stop))
            await asyncio.sleep(POLL)
    except OSError:  # nobody reads on, or the disk that this goes to is full
        typer.echo(LEFT, err=True)
        raise
    finally:
        stop.set()
        if worker:
            await worker


def _echo(lines: Sequence[str]) -> None:
    for line in lines:
        typer.echo(line)
