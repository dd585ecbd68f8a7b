"""What releases contain, as far as their artifacts can be had: what a version changes, and what migrations do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.engine.contents import Contents
from actions.engine.contents.compared import facts, of_migrations
from actions.engine.fleet import Artifact, CannotPlan, Fleet, Release
from actions.engine.migrations import Migration
from actions.engine.plan import Arg, Plan
from actions.engine.ports import Artifacts

PATIENCE = 10.0
"""Seconds for which a kept release's artifact is waited for: a rollback is not held up by a bucket that is away."""

logger = logging.getLogger(__name__)


class _NeverBuilt(Exception):
    """The message is a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A version beside what is served."""

    new: Contents
    served: tuple[Contents, ...] = ()
    unknown: str = ""
    """Why they cannot be compared; "" where they can."""
    by_commit: tuple[str, ...] = ()
    """Served versions that were there before the bot, known by the artifact of their commit."""

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
        return {**facts(self.new, self.served, plan.pending), "by_commit": self.by_commit}


@dataclass(frozen=True, slots=True)
class Comparing:
    """Reads, and changes nothing."""

    artifacts: Artifacts
    patience: float = field(default=PATIENCE)

    async def version(self, artifact: Artifact, fleet: Fleet) -> Compared:
        """That version against every release that is served."""
        new, served, looked = Contents(), list[Contents](), artifact.version
        live = dict.fromkeys(host.release(host.current) for host in fleet.hosts if host.current)
        try:
            new = await self.artifacts.contents(artifact.sha256)
            for release in live:
                if release is None:
                    raise _NeverBuilt("a server serves what it does not list among its releases")
                looked = release.version
                served.append(await self.artifacts.contents(release.sha256 or await self._built_of(release)))
        except _NeverBuilt as why:
            return Compared(new, tuple(served), f"what it changes is not known: {why}")
        except CannotPlan as why:
            return Compared(new, tuple(served), f"what it changes is not known ({looked}: {str(why).rstrip('.')})")
        before = {release.version for release in live if release and not release.sha256}
        return Compared(new, tuple(served), by_commit=tuple(sorted(before)))

    async def _built_of(self, release: Release) -> str:
        """The sha256 of the artifact of that commit. Raises _NeverBuilt with what can be done, and CannotPlan."""
        for built in await self.artifacts.versions():
            if built.commit == release.commit:
                return built.sha256
        there = f"{release.version} was there before the bot and has no artifact"
        once = "have it approved so this once, and the next is compared with it"
        if not release.commit.strip("0"):
            raise _NeverBuilt(f"{there}, nor is its commit known; {once}")
        raise _NeverBuilt(f"{there}; pack its commit {release.commit[:10]} and ask again, or {once}")

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
