"""Evidence: asked for when a change is, kept fresh while it waits, read anew at each click and at the start.

What a source cannot say is evidence that does not hold, with the reason; nothing here raises for what is outside.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from actions.engine.ports import Clock
from bot.desk.witness import Witness
from bot.store import Store, StoreDown
from policies.change import Change, Evidence
from policies.gates import TITLES

PATIENCE = 10.0
"""Seconds for which a source is waited for."""
LITTLE_PATIENCE = 2.0
"""The same where an emergency goes past what it says: that is told, and holds up nothing."""
_GITHUB = 'Add [github] with repository = "OWNER/NAME".'
_UNSET = {
    "checks": f"chom.toml names no GitHub repository, so nobody knows of its checks. {_GITHUB}",
    "branch": f"chom.toml names no GitHub repository, so nobody knows its branches. {_GITHUB}",
    "staging": "chom.toml marks no environment as staging, so nothing was tried there. Add staging = true to one.",
}

logger = logging.getLogger(__name__)


class Source(Protocol):
    """Where one kind of evidence comes from."""

    async def read(self, change: Change, now: datetime) -> Evidence:
        """What it says now; evidence that does not hold where it cannot say. `holds` only with an `expires`."""
        ...


def lacking(name: str, said: str, now: datetime, opens: datetime | None = None) -> Evidence:
    """Evidence that does not hold, and why."""
    return Evidence(name, False, said, now, opens=opens)


@dataclass(slots=True)
class Gathering:
    """Reads what changes require, and keeps it in the store."""

    store: Store
    clock: Clock
    witness: Witness
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])

    async def read(self, change: Change) -> tuple[Evidence, ...]:
        """All that it requires or goes past, read now, all sources at once."""
        return tuple(await asyncio.gather(*(self._one(name, change) for name in change.requirement.looked_at)))

    async def refresh(self, change: Change, names: Iterable[str] | None = None) -> None:
        """Read it, or those of it, and keep it. Raises StoreDown.

        What has no source here is left as another bot has read it: a shell without GitHub's token knows no better.
        """
        wanted = change.requirement.looked_at if names is None else tuple(names)
        held = {one.name: one.holds for one in await self.store.evidence(change.id)}
        wanted = [name for name in wanted if name in self.sources or name not in held]
        for one in await asyncio.gather(*(self._one(name, change) for name in wanted)):
            if one.holds is not held.get(one.name, False):
                await self.witness.evidence(change, one)
            await self.store.put_evidence(change.id, one)

    async def _one(self, name: str, change: Change) -> Evidence:
        now, title = self.clock.now(), TITLES.get(name, name)
        source = self.sources.get(name)
        patience = PATIENCE if name in change.requirement.evidence else LITTLE_PATIENCE
        if source is None:
            return lacking(name, _UNSET.get(name, f"{title}: nobody can say."), now)
        try:
            async with asyncio.timeout(patience):
                return await source.read(change, now)
        except TimeoutError:
            return lacking(name, f"{title}: no answer within {patience:g} s, so it is not known.", now)
        except StoreDown:
            raise
        except Exception:
            reference = secrets.token_hex(4)
            logger.exception("%s of %s could not be read (reference %s)", name, change.id, reference)
            return lacking(name, f"{title}: not known, since the bot met a fault (reference {reference}).", now)


@dataclass(slots=True)
class Freshness:
    """Reads the evidence of what waits again and again, so that cards are true and the last gate is seen to open."""

    gathering: Gathering
    every: timedelta
    """How old what was read of staging may be; of everything else three times as old."""

    @property
    def pause(self) -> float:
        """Seconds between two looks."""
        return max(0.2, self.every.total_seconds() / 2)

    async def look(self) -> None:
        """Read once what has become old of all that waits. Raises StoreDown."""
        waiting = await self.gathering.store.waiting()
        outcomes = await asyncio.gather(*(self._one(id_) for id_ in waiting), return_exceptions=True)
        for id_, outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, StoreDown):
                raise outcome
            if isinstance(outcome, BaseException):
                logger.error("the evidence of %s is left as it is", id_, exc_info=outcome)

    async def _one(self, id_: str) -> None:
        store, now = self.gathering.store, self.gathering.clock.now()
        change = await store.change(id_)
        if not change.requirement.looked_at or await store.refused(id_):
            return
        kept = await store.evidence(id_)
        fresh = {o.name for o in kept if now - self.every * (1 if o.name == "staging" else 3) < o.at <= now}
        if old := [name for name in change.requirement.looked_at if name not in fresh]:
            await self.gathering.refresh(change, old)
