"""Where versions come from: is the list there, and is the newest one whole?"""

from __future__ import annotations

import asyncio
from pathlib import Path

from actions.engine.artifacts import BadSource, artifacts
from actions.engine.fleet import Artifact, CannotPlan
from actions.engine.words import counted
from bot.checking.found import Found
from bot.config import Settings

PATIENCE = 600.0
"""Seconds for the newest artifact to be fetched and looked through, as before a deploy."""


async def builds(settings: Settings) -> tuple[Found, Artifact | None]:
    """And the newest artifact. What is fetched stays in the cache, for the first deploy."""
    try:
        source = artifacts(settings.artifacts, Path(settings.state_dir) / "artifacts")
        async with asyncio.timeout(PATIENCE):
            known = await source.versions()
            newest = await source.resolve(known[0].version) if known else None
    except (CannotPlan, BadSource) as fault:
        hint = "" if "://" in settings.artifacts else " `chom-bot pack` writes an archive there, and the list."
        return Found("artifacts", faults=(f"{fault}{hint}",)), None
    except TimeoutError:
        fault = (
            f"{settings.artifacts} does not answer in {PATIENCE:g} s; is it there, and is the way to it fast enough?"
        )
        return Found("artifacts", faults=(fault,)), None
    if newest is None:
        return Found(
            "artifacts", notes=(f"{settings.artifacts} lists no version yet; make one with chom-bot pack.",)
        ), None
    well = f"{counted(len(known), 'version')} in {settings.artifacts}; the newest, {newest.version}, is whole"
    return Found("artifacts", well), newest
