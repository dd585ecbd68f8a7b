"""The after-review of an emergency: a second person closes it with a sentence, once."""

from __future__ import annotations

from dataclasses import dataclass

from actions.engine.ports import Clock, Conflict
from actions.engine.words import instant
from bot.desk import refusals
from bot.desk.looking import Looking
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.desk.witness import Witness
from bot.store import Store
from bot.store.decisions import Act
from policies.change import Person
from policies.review import WORDS, Review, is_sentence, why_not_review


@dataclass(frozen=True, slots=True)
class Reviewing:
    """The part of the desk for it."""

    looking: Looking
    store: Store
    clock: Clock
    witness: Witness

    async def reviewable(self, change: str, who: Person, account: str) -> ChangeView:
        """The change, where that person may review it now. Raises Refusal."""
        async with self.witness.refusing(who.id, account, change, wanted="review"):
            return await self._reviewable(change, who)

    async def _reviewable(self, change: str, who: Person) -> ChangeView:
        view = await self.looking.view(change)
        title = view.title
        if view.reviewed:
            by, at = view.name(view.reviewed.by), instant(view.reviewed.at)
            raise Refusal(f"{by} has reviewed it already ({at}): “{view.reviewed.said}”", change)
        if not view.pressing:
            raise Refusal(f"{title} was no emergency, so there is nothing to review.", change)
        if not view.run.opened:
            raise Refusal(f"{title} was not started, so there is nothing to review.", change)
        if not view.run.ended:
            raise Refusal(f"{title} is still running; review it once it has ended.", change)
        if why_not := why_not_review(view.change, view.approvals, who, view.people):
            raise Refusal(why_not, change)
        return view

    async def review(self, change: str, who: Person, account: str, said: str) -> ChangeView:
        """Close it with a sentence; the same one again is as once. Raises Refusal."""
        said = refusals.written(said)
        if not change:
            raise await self._which()
        async with self.witness.refusing(who.id, account, change, wanted="review"):
            view = await self.looking.view(change)
            if view.reviewed and (view.reviewed.by, view.reviewed.said) == (who.id, said):
                return view
            view = await self._reviewable(change, who)
            if not is_sentence(said):
                raise Refusal(
                    f"Say in a sentence of at least {WORDS} words what came of it, for example: "
                    f'`review {change} "The index was missing; a test finds that now."`',
                    change,
                )
            decision = self.witness.decision(Act.REVIEWED, view.change, who.id, account, said)
            try:
                await self.store.close_review(change, Review(who.id, account, self.clock.now(), said), decision)
            except Conflict:
                await self._reviewable(change, who)
                raise
        return await self.looking.view(change)

    async def _which(self) -> Refusal:
        """For who names none: those that are open."""
        waits = [await self.looking.view(id_) for id_ in await self.store.open_reviews()]
        if not waits:
            return Refusal("No emergency waits for a review.")
        titles = "; ".join(f"{view.title} ({view.change.id})" for view in waits)
        example = f'`review {waits[0].change.id} "what came of it"`'
        return Refusal(f"Say which of what waits for a review: {titles}. For example: {example}.")
