"""Everything that a first deploy needs, looked at all at once; nothing is started, and nothing is said anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from actions.engine.fleet import Artifact
from bot.checking.builds import builds
from bot.checking.configs import configs
from bot.checking.found import Found
from bot.checking.here import address, file, machine, people, secrets
from bot.checking.proofs import asked_for, drills, github, prometheus
from bot.checking.redis import redis
from bot.checking.servers import servers, sites
from bot.config import Settings
from bot.slack.connection.proving import prove

__all__ = ["Found", "check"]


async def check(path: Path, settings: Settings, missing: Collection[str] = ()) -> tuple[Found, ...]:
    """What was found, part by part. `missing` are sentences about secrets; what they would open is not looked at."""
    told = secrets(path, missing)
    here = (file(path, settings), *([told] if told.faults else []))
    fetching = asyncio.create_task(builds(settings))

    async def newest() -> Artifact | None:
        return (await asyncio.shield(fetching))[1]

    known = asyncio.create_task(newest())
    about = await asyncio.gather(
        _redis(settings, missing),
        _slack(settings, missing),
        servers(settings, known),
        sites(settings),
        _proofs(settings, missing),
    )
    proofs = (asked_for(settings), *about[4])
    return (
        *(*here, machine(settings), address(settings), people(settings), *about[0], *about[1]),
        *((await fetching)[0], *about[2], *about[3], *proofs),
    )


async def _proofs(settings: Settings, missing: Collection[str]) -> tuple[Found, ...]:
    ours = settings.github if settings.github and not _lacks(missing, "CHOM_GITHUB_TOKEN") else None
    looks = [*([github(ours)] if ours else []), *([prometheus(settings)] if settings.prometheus else [])]
    return tuple(await asyncio.gather(*looks))


async def _redis(settings: Settings, missing: Collection[str]) -> tuple[Found, ...]:
    """Redis, and what is said by what lies in it."""
    if _lacks(missing, "CHOM_REDIS_URL"):
        return (await configs(settings, ask=False),)
    return tuple(await asyncio.gather(redis(settings), configs(settings), drills(settings)))


async def _slack(settings: Settings, missing: Collection[str]) -> tuple[Found, ...]:
    if _lacks(missing, "SLACK_"):
        return ()
    proof = await prove(settings)
    return (Found("Slack", proof.well, tuple(proof.faults), tuple(proof.notes)),)


def _lacks(missing: Collection[str], secret: str) -> bool:
    return any(fault.startswith(secret) for fault in missing)
