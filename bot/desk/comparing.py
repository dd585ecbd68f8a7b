"""What releases contain, as far as their artifacts can be had: what a version changes, and what migrations do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.engine.contents import Contents
from actions.engine.contents.compared import facts, of_migrations
from actions.engine.fleet import Artifact, CannotPlan, Fleet
from actions.engine.migrations import Migration
from actions.engine.plan import Arg, Plan
from actions.engine.ports import Artifacts
from actions.engine.steps import replaced

PATIENCE = 10.0
"""Seconds for which a kept release's artifact is waited for: a rollback is not held up by a bucket that is away."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """A version beside what is served."""

    new: Contents
    served: tuple[Contents, ...] = ()
    unknown: str = ""
    """Why they cannot be compared; "" where they can."""

    @property
    def migrations(self) -> Mapping[str, Migration]:
        """What each migration does; where two files have one name, the version's own."""
        kept: dict[str, Migration] = {}
        for one in (*self.served, self.new):
            kept |= one.migrations
        return kept

    def facts(self, plan: Plan) -> dict[str, Arg]:
        """What it changes, as far as that is known."""
        if self.unknown:
            return {"unknown": self.unknown, **of_migrations(self.new, plan.pending)}
        return facts(self.new, self.served, plan.pending)


@dataclass(frozen=True, slots=True)
class Comparing:
    """Reads, and changes nothing."""

    artifacts: Artifacts
    patience: float = field(default=PATIENCE)

    async def version(self, artifact: Artifact, fleet: Fleet) -> Compared:
        """That version against every release that is served."""
        new, served = Contents(), list[Contents]()
        try:
            new = await self.artifacts.contents(artifact.sha256)
            for release in {host.release(host.current) for host in fleet.hosts if host.current}:
                if not (release and release.sha256):
                    raise CannotPlan("it was not brought there by the bot.")
                served.append(await self.artifacts.contents(release.sha256))
        except CannotPlan as why:
            live = replaced(fleet.hosts) or "what is live"
            said = f"what {live} contains, so what changes is not known: {why}"
            return Compared(new, tuple(served), said.rstrip("."))
        return Compared(new, tuple(served))

    async def migrations(self, artifacts: Sequence[str]) -> Mapping[str, Migration]:
        """What each migration in these artifacts (sha256) does, the first counting most; of what can be had in time."""
        kept: dict[str, Migration] = {}
        for sha256 in reversed(artifacts):
            try:
                async with asyncio.timeout(self.patience):
                    kept |= (await self.artifacts.contents(sha256)).migrations
            except CannotPlan as why:
                logger.warning("what the migrations in %s… do is not known: %s", sha256[:12], why)
            except TimeoutError:
                logger.warning(
                    "%s… did not come within %g s, so its migrations are not known", sha256[:12], self.patience
                )
        return kept
