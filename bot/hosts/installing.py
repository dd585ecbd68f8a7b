"""`chom-bot host install, status, remove`: chom-host on the servers, over an administrator's SSH login."""

from __future__ import annotations

import asyncio

import typer

from actions.host.install import CannotInstall, Drift, install, status, take_back
from actions.host.managed import Managed
from actions.host.pools import PASS, SITE
from actions.host.route import is_routed, route, unroute
from bot.entry import DEFAULT, Config
from bot.hosts.targets import BotKey, Hosts, Keys, Target, User, targets

_UNROUTED = (
    f"sends nobody to the canary; in the place of its root and fastcgi_pass it gets “include {SITE};” and "
    f"“fastcgi_pass {PASS};”, and after nginx -t it is reloaded"
)


def status_command(
    hosts: Hosts = None, config: Config = DEFAULT, user: User = "root", key: Keys = None, bot_key: BotKey = None
) -> None:
    """Say where servers differ from what `host install` would write; changes nothing.

    Exits with 1 where one differs, with 2 where one could not be asked; the others are asked all the same.
    """
    worst = 0
    for target in targets(config, hosts or [], user, key or [], bot_key):
        try:
            drifts = asyncio.run(_differing(target))
        except CannotInstall as cannot:
            typer.echo(f"{target.name}: {cannot}", err=True)
            worst = 2
            continue
        worst = max(worst, int(bool(drifts)))
        typer.echo(_said(target.name, drifts))
    raise typer.Exit(worst)


def put_on(target: Target, yes: bool) -> bool:
    """Show, ask, install; whether it was done."""
    drifts = asyncio.run(_differing(target))
    typer.echo(_said(target.name, drifts))
    differ = {drift.path for drift in drifts}
    for entry in target.wanted.entries:
        if entry.path in differ:
            typer.echo(_shown(entry))
    if drifts and not (yes or typer.confirm(f"Write this on {target.name} ({target.login.address})?")):
        typer.echo(f"{target.name}: nothing was written.")
        return False
    report = asyncio.run(install(target.login, target.wanted))
    for note in report.notes:
        typer.echo(f"{target.name}: note: {note}")
    done = f"changed {', '.join(report.changed)}" if report.changed else "no change"
    typer.echo(f"{target.name}: {done}; {len(report.kept)} were right already.")
    if target.places.canary and (routed := asyncio.run(route(target.login, target.places))):
        typer.echo(f"{target.name}: {routed}.")
    return True


async def _differing(target: Target) -> tuple[Drift, ...]:
    """Where the server differs from what would be installed, its nginx among that where it has a canary."""
    found = await status(target.login, target.wanted)
    if target.places.canary and not await is_routed(target.login, target.places):
        return (*found, Drift("nginx's site", _UNROUTED))
    return found


def take_off(target: Target, yes: bool) -> bool:
    """Ask, take back; whether it was done."""
    if not (yes or typer.confirm(f"Take chom-host off {target.name} ({target.login.address})?")):
        typer.echo(f"{target.name}: nothing was changed.")
        return False
    if unrouted := asyncio.run(unroute(target.login)):
        typer.echo(f"{target.name}: {unrouted}.")
    report = asyncio.run(take_back(target.login, target.wanted))
    for what, paths in (("removed", report.removed), ("as before", report.changed), ("left", report.left)):
        typer.echo(f"{target.name}: {what}: {', '.join(paths) or 'nothing'}")
    return True


def _said(name: str, drifts: tuple[Drift, ...]) -> str:
    if not drifts:
        return f"{name}: no drift; everything is as `chom-bot host install` writes it."
    lines = [f"    {drift.path} {drift.what}" for drift in drifts]
    return "\n".join([f"{name}: {len(drifts)} not as `chom-bot host install` writes it:", *lines])


def _shown(entry: Managed) -> str:
    """What will be written, small files whole: who reads this decides who gets into the server."""
    head = f"  {entry.path}  ({entry.owner}:{entry.group}, mode {entry.mode:o}"
    if entry.content is None:
        return f"{head}, directory)"
    if len(entry.content) > 4096:
        return f"{head}, {len(entry.content)} bytes)"
    lines = entry.content.decode().splitlines()
    return "\n".join([f"{head})", *(f"      {line}" for line in lines)])
