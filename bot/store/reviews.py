"""After-reviews of emergencies in the store: open from the very append that starts the run, closed once."""

from __future__ import annotations

from actions.engine.codec import dump, load
from bot.store.decisions import Decision, argv_of, keys_of
from bot.store.link import FEED_CAP, Part, check, redis_key
from policies.review import Review

OPEN = "reviews"


class Reviews(Part):
    """The part of Store for them."""

    async def open_reviews(self) -> list[str]:
        """Emergencies that were started and not reviewed, the oldest first."""
        return await self.link.ask("ZRANGE", redis_key(OPEN), 0, -1)

    async def review(self, change: str) -> Review | None:
        """The review that closed it, None where there is none."""
        text = await self.link.ask("HGET", redis_key("change", change), "review")
        return None if text is None else load(Review, text)

    async def close_review(self, change: str, review: Review, decision: Decision) -> None:
        """Write it. Raises Conflict where somebody was first, KeyError where there is no such change."""
        keys = [redis_key("change", change), redis_key(OPEN), redis_key("feed"), *keys_of(change)]
        argv = [change, dump(review), FEED_CAP, *argv_of(decision)]
        check(*await self.link.script("review", keys, argv), change)
