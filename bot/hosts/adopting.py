"""`chom-bot host adopt`: a server that serves CHOM already is taken over while it serves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from actions.engine.artifacts import artifacts as artifact_source
from actions.engine.fleet import CannotPlan
from actions.host.adopt import Layout, Site, look, take
from actions.host.install import CannotInstall, install
from bot.config import Settings
from bot.hosts.targets import Target


def adopt(target: Target, yes: bool) -> bool:
    """Look, say, ask, install, take over; whether it was done. Raises CannotInstall."""
    return asyncio.run(_adopt(target, yes))


async def _adopt(target: Target, yes: bool) -> bool:
    """Look, say, ask, install, take over; whether it was done. Raises CannotInstall."""
    site = _one(target, await look(target.login))
    for line in site.said():
        typer.echo(f"{target.name}: {line}")
    versions = await _versions(target.settings)
    for one in site.releases:
        if one.revision in versions:
            typer.echo(f"{target.name}: releases/{one.name} is {versions[one.revision]}, by its commit.")
    if not (yes or typer.confirm(f"Take this over on {target.name} ({target.login.address}), and install chom-host?")):
        typer.echo(f"{target.name}: nothing was changed.")
        return False
    for note in (await install(target.login, target.wanted, adopting=True)).notes:
        typer.echo(f"{target.name}: note: {note}")
    wanted = target.wanted
    for line in await take(
        target.login, site, versions, user=wanted.user, group=wanted.group, state=target.places.state
    ):
        typer.echo(f"{target.name}: {line}.")
    typer.echo(f"{target.name}: taken over. Try it: chom-bot plan deploy VERSION")
    return True


def _one(target: Target, sites: tuple[Site, ...]) -> Site:
    """The site that chom.toml means. Raises CannotInstall with what was found, and what to write where it differs."""
    places = target.places
    configured = Layout(places.www, places.link, places.current)
    known = {site.layout: site for site in sites if site.layout}
    if configured in known:
        site = known[configured]
        if site.served not in {one.name for one in site.releases}:
            raise CannotInstall(f"releases/{site.served} is what nginx serves, and there is no artisan in it.")
        if ".env" not in site.shared:
            raise CannotInstall(f"{places.www}/shared/.env does not exist; put it there, and link it into the release.")
        return site
    found = [line for site in sites for line in site.said()] or ["nginx passes nothing to PHP here."]
    lines = [
        f"[hosts.{target.name}] of chom.toml means {places.www}/{places.current}, and nginx serves something else:"
    ]
    lines += [f"  {line}" for line in found]
    lines += [f"  layout = {_toml(layout)}" for layout in known]
    raise CannotInstall("\n".join([*lines, *(["Put that line under it, and run this again."] if known else [])]))


def _toml(layout: Layout) -> str:
    return f'{{ www = "{layout.www}", link = "{layout.link}", current = "{layout.current}" }}'


async def _versions(settings: Settings) -> dict[str, str]:
    """The version of each commit that the source of the artifacts knows; {} where it cannot be asked."""
    try:
        known = await artifact_source(settings.artifacts, Path(settings.state_dir) / "artifacts").versions()
    except CannotPlan as cannot:
        typer.echo(f"The versions are not known, so adopted releases get names of their own: {cannot}")
        return {}
    return {artifact.commit: artifact.version for artifact in known}
