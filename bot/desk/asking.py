"""From what was typed to a change; and, before it starts, whether it is still the same one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from actions.engine.fleet import Request
from actions.engine.plan import Plan
from bot.desk import refusals
from bot.desk.looking import Looking
from bot.desk.naming import new_id
from bot.desk.planning import NoPlan, Planning, Refusal, what_moved
from bot.store import Store
from bot.store.decisions import Decision
from bot.store.link import AskedAlready
from policies.change import Change, Person, Refused, Requirement
from policies.rules import Rules


@dataclass(frozen=True, slots=True)
class Asking:
    """The part of the desk for it."""

    planning: Planning
    looking: Looking
    store: Store
    rules: Rules

    async def change(self, text: str, who: Person, at: datetime) -> Change:
        """What was asked for as a change that is stored nowhere yet. Raises Refusal."""
        request, plan = await self.planning.plan(text, at)
        requirement = self._required(request, plan)
        if why := refusals.not_raised(requirement, request) or refusals.no_emergency(requirement, request):
            raise Refusal(why)
        place, rules, pressing = request.environment, self.rules.sha256, request.emergency
        return Change(new_id(), who.id, place, request.text, request.reason, at, plan, requirement, rules, pressing)

    def _required(self, request: Request, plan: Plan) -> Requirement:
        return self.rules.classify(plan, request.environment, request.category, emergency=bool(request.emergency))

    async def put(self, change: Change, again_of: str, decision: Decision) -> None:
        """Store it, unless somebody asks for the same, or asks again for the same. Raises Refusal then."""
        asks = self.planning.match(change.text).same
        while True:
            try:
                await self.store.put_change(change, asks=asks, again_of=again_of, decision=decision)
            except AskedAlready as known:
                other = await self.looking.view(known.change)
                if known.again:
                    raise refusals.asked_again(other) from None
                if not isinstance(other.verdict, Refused):
                    raise refusals.asked_already(other) from None
                await self.store.settle(other.change.id)
            else:
                await self.planning.expect(change.plan)
                return

    async def moved(self, change: Change) -> str:
        """What is no longer as it was approved, as a sentence; "" where nothing is."""
        if change.rules != self.rules.sha256:
            return "The rules changed since this was asked, so its approvals no longer hold. Nothing was started."
        moved = await self._plan_moved(change)
        return f"{moved} Nothing was started." if moved else ""

    async def _plan_moved(self, change: Change) -> str:
        """Also where the plan is the same, and what is known of it by now makes the rules ask for something else."""
        try:
            request, plan = await self.planning.plan(change.text, change.at)
        except NoPlan as never:
            return never.said
        now, then = self._required(request, plan), change.requirement
        if moved := what_moved(change.plan, plan):
            return moved
        if (now.category, now.needs, now.type) != (then.category, then.needs, then.type):
            return f"Other people have to approve it than when this was asked: {now.because}"
        return ""
