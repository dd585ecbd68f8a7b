"""What stands behind a change in the store: evidence as it was read, drills that were recorded, watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.engine.codec import dump, load
from actions.engine.journal import Observed
from actions.engine.ports import Conflict
from actions.engine.watched import Watched
from bot.store.link import FEED_CAP, Part, check, redis_key
from policies.change import Evidence


@dataclass(frozen=True, slots=True)
class Drill:
    """A disaster-recovery drill that somebody recorded by hand."""

    id: str
    at: datetime
    by: str
    """A person's id."""
    account: str
    passed: bool
    said: str
    """What they wrote of it."""


class Proofs(Part):
    """The part of Store for evidence."""

    async def evidence(self, change: str) -> tuple[Evidence, ...]:
        """What is known for this change, as it was read last."""
        kept: dict[str, str] = await self.link.ask("HGETALL", redis_key("evidence", change))
        return tuple(load(Evidence, text) for name, text in sorted(kept.items()) if ":" not in name)

    async def put_evidence(self, change: str, one: Evidence) -> None:
        """Keep it, unless something newer of its name is known. KeyError where there is no such change."""
        said = f"{one.holds} {one.said}"
        keys = [redis_key("evidence", change), redis_key("change", change), redis_key("feed")]
        argv = [change, one.name, dump(one), one.at.timestamp(), said, FEED_CAP]
        check(*await self.link.script("put_evidence", keys, argv), change)

    async def drills(self) -> tuple[Drill, ...]:
        """All that were recorded, oldest first."""
        texts: list[str] = await self.link.ask("HVALS", redis_key("drills"))
        return tuple(sorted((load(Drill, text) for text in texts), key=lambda drill: (drill.at, drill.id)))

    async def add_drill(self, drill: Drill) -> None:
        """Record it; the same one again is the same record."""
        await self.link.ask("HSETNX", redis_key("drills"), drill.id, dump(drill))

    async def watch(self, environment: str) -> Watched | None:
        """How the environment has been since something went live there."""
        text = await self.link.ask("GET", redis_key("watch", environment))
        return None if text is None else load(Watched, text)

    async def put_watch(self, before: Watched | None, now: Watched, *, touch: bool) -> bool:
        """Write it in the place of `before`; False where another bot has looked meanwhile."""
        argv = [dump(before) if before else "", dump(now), now.change if touch else "", FEED_CAP]
        keys = [redis_key("watch", now.environment), redis_key("feed")]
        word, _ = await self.link.script("put_watch", keys, argv)
        return word == "OK"

    async def observe(self, run: str, seq: int, observed: Observed) -> bool:
        """Write it as number seq+1 of a journal that has ended; False where somebody was first."""
        argv = [run, seq, dump(observed), FEED_CAP]
        try:
            check(*await self.link.script("observe", [redis_key("journal", run), redis_key("feed")], argv), run)
        except Conflict:
            return False
        return True
