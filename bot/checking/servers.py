"""The servers, as the bot will meet them: by its own key, through chom-host; and the site, as users meet it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from actions.blue_green import ROOM
from actions.engine.fleet import Artifact, Environment
from actions.engine.ports import HostRefused, Prober, Unreachable
from actions.engine.prober import HttpProber
from actions.engine.ssh import Readiness, SshHosts
from actions.engine.words import joined, megabytes
from bot.app import agent_sha256, logins
from bot.checking.found import Found
from bot.config import Settings


async def servers(settings: Settings, newest: Awaitable[Artifact | None]) -> tuple[Found, ...]:
    """Every server of chom.toml, all at once."""

    async def nothing(artifact: Artifact) -> str:
        raise AssertionError(artifact)

    hosts = SshHosts(logins(settings), agent_sha256(), nothing)
    try:
        return tuple(await asyncio.gather(*(_server(hosts, settings, name, newest) for name in settings.hosts)))
    finally:
        await hosts.close()


async def _server(hosts: SshHosts, settings: Settings, name: str, newest: Awaitable[Artifact | None]) -> Found:
    environment = next((e for e in settings.environments.values() if name in e.hosts), None)
    notes = () if environment else (f"No environment has {name} among its hosts, so nothing is ever deployed there.",)
    try:
        hello = await hosts.hello(name)
        ready = await hosts.readiness(name)
        lacks_pools = settings.hosts[name].canary is not None and (await hosts.survey(name)).pools is None
    except Unreachable as gone:
        return Found(name, faults=(str(gone),), notes=notes)
    except HostRefused as refused:
        return Found(name, faults=(refused.message,), notes=notes)
    faults = [f"{fault.rstrip('.')}." for fault in ready.faults]
    if ready.config:
        notes = (*notes, f"{ready.config}. Until then no change of the environment file can be made there.")
    if lacks_pools:
        faults.append(f"It has none of what [hosts.{name}.canary] says; run `chom-bot host install {name}`.")
    if environment:
        faults += _of_environment(environment, ready)
    need = ROOM * artifact.size if (artifact := await newest) else 0
    if ready.disk_free < need:
        has = f"{megabytes(ready.disk_free)} are free, and {artifact.version if artifact else ''} needs"
        faults.append(f"{has} about {megabytes(need)}; make room.")
    well = f"{hello.host} lets the bot in and lacks nothing; {megabytes(ready.disk_free)} are free"
    return Found(name, well, tuple(faults), notes)


def _of_environment(environment: Environment, ready: Readiness) -> list[str]:
    faults = [f"{ready.backup}."] if ready.backup and environment.backup_days else []
    if unknown := [name for name in environment.reload if name not in ready.services]:
        there = joined(ready.services) or "none"
        faults.append(
            f"{environment.name} reloads {joined(unknown)}, and only {there} may be reloaded there; "
            "run `chom-bot host install`."
        )
    return faults


async def sites(settings: Settings, prober: Prober | None = None) -> tuple[Found, ...]:
    """What every switch is checked by. Before the first deploy a site may answer what it likes, but it must answer."""
    prober = prober or HttpProber()
    return tuple(await asyncio.gather(*(_site(e, prober) for e in settings.environments.values())))


async def _site(environment: Environment, prober: Prober) -> Found:
    faults: list[str] = []
    notes: list[str] = []
    probes = [replace(p, contains="" if "{version}" in p.contains else p.contains) for p in environment.probes]
    for probe, saw in zip(probes, await asyncio.gather(*map(prober.probe, probes)), strict=True):
        if not saw.answered:
            faults.append(
                f"{probe.url}: {saw.why}. It is asked from this machine after every switch, "
                "so every deploy would be turned back; mend the way to it, or the probe."
            )
        elif not saw.ok:
            notes.append(f"{probe.url}: {saw.why}; that is well before the first deploy, and turns a later one back.")
    return Found(f"{environment.name} from outside", "every probe is answered", tuple(faults), tuple(notes))
