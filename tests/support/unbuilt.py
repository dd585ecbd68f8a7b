"""No artifacts at all, for plans that need none."""

from __future__ import annotations

from collections.abc import Sequence

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, CannotPlan


class NoArtifacts:
    """ports.Artifacts of plans that need none."""

    async def versions(self) -> Sequence[Artifact]:
        return ()

    async def contents(self, sha256: str) -> Contents:
        raise CannotPlan("its artifact is nowhere.")

    async def resolve(self, version: str) -> Artifact:
        raise CannotPlan(f"There is no {version}.")

    async def open(self, artifact: Artifact) -> str:
        raise CannotPlan("There is no artifact.")
