"""What people say of a request before it starts: approve it, or reject it with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from actions.engine.ports import Clock, Conflict
from bot.desk import refusals
from bot.desk.looking import Looking
from bot.desk.planning import Refusal
from bot.desk.roster import Roster
from bot.desk.view import ChangeView
from bot.desk.witness import Witness
from bot.store import Store
from bot.store.decisions import Act
from policies.change import Approval, Person, Word
from policies.sentences import together


@dataclass(frozen=True, slots=True)
class Deciding:
    """The part of the desk for it; nothing is started here."""

    looking: Looking
    store: Store
    clock: Clock
    witness: Witness
    roster: Roster

    async def decidable(self, change: str, digest: str, who: Person) -> ChangeView:
        """The change, where that person may approve or reject what they were shown of it now. Raises Refusal."""
        view = await self.looking.view(change)
        refusals.refuse_if_decided(view)
        if digest != view.change.digest:
            raise Refusal("That button is of another plan than the one that waits now. Use those of its card.", change)
        if why_not := refusals.why_not_decide(view, who):
            asked = who.id == view.change.requester
            away = f"To withdraw it: `stop {change}`." if asked else ""
            raise Refusal(together([why_not, self.roster.remark(who.id), view.verdict.said, away]), change)
        return view

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str) -> ChangeView:
        """As Desk.reject."""
        reason = refusals.written(reason)
        async with self.witness.refusing(who.id, account, change, digest, "reject"):
            try:
                view = await self.decide(change, digest, who, account, Word.REJECT, reason)
            except Refusal:
                view = await self.looking.view(change)
                if not refusals.has_rejected(view, who, digest):
                    raise
        if view.change.requirement.needs:
            await self.store.settle(change)
            return view
        decision = self.witness.decision(Act.REJECTED, view.change, who.id, account, reason)
        await self.store.refuse(change, refusals.rejected(who, reason), decision)
        return await self.looking.view(change)

    async def decide(
        self, change: str, digest: str, who: Person, account: str, word: Word, reason: str = ""
    ) -> ChangeView:
        """Write that person's word, once. Raises Refusal."""
        while True:
            view = await self.decidable(change, digest, who)
            if word is Word.APPROVE and not view.change.requirement.needs:
                return view
            approvals, rev = await self.store.approvals(change)
            held = view.change.requirement.expires
            live = [a for a in approvals if a.at + held > view.now and view.people[who.id].speaks_as(a.account)]
            if any((a.person, a.word, a.digest) == (who.id, word, digest) for a in live):
                return await self.looking.view(change)
            approval = Approval(who.id, word, digest, self.clock.now(), reason, account)
            act = Act.APPROVED if word is Word.APPROVE else Act.REJECTED
            decision = self.witness.decision(act, view.change, who.id, account, reason)
            try:
                await self.store.add_approval(change, approval, rev, decision)
            except Conflict:
                continue
            return await self.looking.view(change)
