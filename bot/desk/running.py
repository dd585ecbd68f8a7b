"""What people do to a run while it goes on, and to a request before it starts: stop it, withdraw it, answer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from actions.engine.fold import State
from actions.engine.journal import Answered, Entry, StopAsked
from actions.engine.ports import Clock, Conflict
from bot.desk import answering, refusals
from bot.desk.looking import Looking
from bot.desk.planning import Refusal
from bot.desk.stopping import why_not
from bot.desk.view import ChangeView
from bot.desk.witness import Witness
from bot.store import Store
from bot.store.decisions import Act
from bot.work import Work
from policies.change import Person


@dataclass(frozen=True, slots=True)
class Running:
    """The part of the desk for it."""

    looking: Looking
    store: Store
    work: Work
    clock: Clock
    witness: Witness

    async def stop(self, change: str, who: Person, account: str) -> ChangeView:
        """As Desk.stop."""
        named = change if change.startswith("chg-") else ""
        async with self.witness.refusing(who.id, account, named, wanted="stop"):
            return await self._stop(change, who, account)

    async def _stop(self, change: str, who: Person, account: str) -> ChangeView:
        named = change.startswith("chg-")
        view = await self.looking.view(change) if named else await self.looking.only_one(change)
        change = view.change.id
        if not who.roles and who.id != view.change.requester:
            raise Refusal(
                f"Only {view.name(view.change.requester)} or somebody with a role, such as a Tech Lead, can stop this.",
                change,
            )
        if not view.run.opened:
            return await self._withdraw(view, who, account, named)

        def entry(run: State) -> Entry:
            if why := why_not(replace(view, run=run)):
                raise Refusal(why, change)
            return StopAsked(self.clock.now(), who.id)

        stopped = await self._append(change, entry)
        await self.store.decide(self.witness.decision(Act.STOPPED, stopped.change, who.id, account))
        return stopped

    async def _withdraw(self, view: ChangeView, who: Person, account: str, named: bool) -> ChangeView:
        """One's own request at once; another's only by its id, so that it is meant. Raises Refusal.

        Who types `stop` or `stop production` thinks of what runs there. Where that has just ended, the request that is
        left may be a colleague's, which nobody would look for behind that word, and it cannot be taken back. A question
        would be one message more that goes stale; to type its id is the same question, in Slack and in a shell.
        """
        refusals.refuse_if_decided(view)
        if not named and who.id != view.change.requester:
            raise refusals.not_named(view)
        decision = self.witness.decision(Act.WITHDRAWN, view.change, who.id, account)
        await self.store.refuse(view.change.id, refusals.withdrawn(view, who, self.clock.now()), decision)
        return await self.looking.view(view.change.id)

    async def answer(self, change: str, step: str, host: str, choice: str, who: Person, account: str) -> ChangeView:
        """As Desk.answer."""
        async with self.witness.refusing(who.id, account, change, wanted=choice):
            return await self._answer(change, step, host, choice, who, account)

    async def _answer(self, change: str, step: str, host: str, choice: str, who: Person, account: str) -> ChangeView:
        view = await self.looking.view(change)
        if no := answering.why_not(view, choice, who):
            raise Refusal(no, change)

        def entry(run: State) -> Entry:
            return answering.entry(replace(view, run=run, now=self.clock.now()), step, host, choice, who)

        try:
            answered = await self._append(change, entry)
        except answering.Closed:
            raise await self.no_question(change, step, host) from None
        await self.store.decide(self.witness.decision(Act.ANSWERED, answered.change, who.id, account, choice))
        return answered

    async def no_question(self, change: str, step: str = "", host: str = "") -> Refusal:
        """For who answers what is not asked any more: who answered it, and what; of any step where none is named."""
        view, entries = await self.looking.view(change), await self.store.read(change)
        given = [e for e in entries if isinstance(e, Answered) and (not step or (e.step, e.host) == (step, host))]
        return refusals.no_question(view, given[-1] if given else None)

    async def _append(self, change: str, entry: Callable[[State], Entry]) -> ChangeView:
        """Append a person's entry, made from the newest state. Raises what `entry` raises."""
        while True:
            run = await self.looking.run(change)
            try:
                await self.store.append(change, run.seq, [entry(run)], None)
            except Conflict:
                continue
            await self.work.start(change)
            return await self.looking.view(change)
