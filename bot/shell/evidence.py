"""`chom-bot evidence`: what can only be recorded by hand, and what is known of what waits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from actions.engine.words import in_utc, instant
from bot import shell
from bot.app import Bot
from bot.desk.desk import Refusal
from bot.entry import DEFAULT, Config, in_a_shell
from bot.evidence import drill
from bot.shell import printed
from bot.store.proofs import Drill
from policies.gates import TITLES

evidence = typer.Typer(no_args_is_help=True, help="Records a DR drill by hand, and lists evidence.")

Name = Annotated[str, typer.Argument(help="What is recorded; only a drill can be.")]
Passed = Annotated[str, typer.Option(help="It passed: what was tried, in a sentence.")]
Failed = Annotated[str, typer.Option(help="It failed: what was tried and how it failed.")]


@evidence.command(help="Records a drill that passed or failed, as the person your Unix login stands for.")
def add(name: Name, passed: Passed = "", failed: Failed = "", config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), lambda bot: _add(bot, name, passed, failed)))


@evidence.command("list", help="Lists the drills that were recorded, and the evidence of what waits.")
def list_(config: Config = DEFAULT) -> None:
    raise typer.Exit(shell.run(in_a_shell(config), _list))


async def _add(bot: Bot, name: str, passed: str, failed: str) -> int:
    if name != drill.NAME:
        known = f"The bot reads {TITLES[name]} itself" if name in TITLES else f'There is no evidence "{name[:40]}"'
        raise Refusal(f'{known}; only a drill is recorded by hand: `evidence add drill --passed "what was tried"`.')
    if bool(passed) == bool(failed):
        raise Refusal('Say how it ended: either --passed "what was tried" or --failed "what was tried".')
    await bot.store.check_durable(bot.settings.redis_without_aof)
    login = shell.login()
    who, now = await shell.admitted(bot, "record a drill"), bot.world.clock.now()
    made = await bot.drills.add(who, f"unix:{login}", bool(passed), passed or failed, now, bot.desk.witness)
    typer.echo(printed.spoken(f"Recorded: {_told(bot, made)}"))
    return 0


async def _list(bot: Bot) -> int:
    drills = await bot.store.drills()
    for one in drills:
        typer.echo(printed.spoken(_told(bot, one)))
    if not drills:
        typer.echo("No drill was recorded.")
    for id_ in await bot.store.waiting():
        view = await bot.desk.view(id_)
        if view.gates:
            typer.echo(printed.spoken(f"{view.title} ({id_})"))
        for gate in view.gates:
            read = f" ({_when(gate.evidence.at)})" if gate.evidence else ""
            typer.echo(f"  {gate.mark} {gate.title}: {printed.spoken(gate.said)}{read}")
    return 0


def _told(bot: Bot, one: Drill) -> str:
    how = "passed" if one.passed else "failed"
    return f"DR drill {how} {instant(one.at)}, {bot.drills.by_hand(one)}."


def _when(at: datetime) -> str:
    return in_utc(f"read {instant(at)}")
