"""The use cases: propose, approve, reject, stop, answer, status, history. No Slack in it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from actions.engine.fold import State
from actions.engine.journal import Answered, Entry, Opened, StopAsked
from actions.engine.ports import Clock, Conflict, Occupied
from bot.desk import refusals
from bot.desk.looking import Looking
from bot.desk.naming import new_id, own_second
from bot.desk.offers import Fault, Field, Offers, Wanted
from bot.desk.planning import Planning, Refusal, Unlisted
from bot.desk.roster import Roster
from bot.desk.stopping import why_not
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.evidence import Gathering, Source
from bot.store import Store
from bot.work import Work
from policies.change import Account, Allowed, Approval, Calendar, Change, People, Person, Refused, Why, Word
from policies.judge import judge, may_answer
from policies.rules import Rules

__all__ = ["ChangeView", "Desk", "EnvironmentStatus", "PastRun", "Refusal"]


@dataclass(slots=True)
class Desk:
    """Made once in app.build; Slack's handlers and the command line call nothing else."""

    planning: Planning
    looking: Looking
    store: Store
    work: Work
    rules: Rules
    roster: Roster
    clock: Clock
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Kind of evidence -> where it comes from."""
    evidence: Gathering = field(init=False)
    offers: Offers = field(init=False)
    """What can be asked for."""
    _starting: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def __post_init__(self) -> None:
        self.offers = Offers(self.planning)
        self.evidence = Gathering(self.store, self.clock, self.sources)

    @property
    def people(self) -> People:
        """Who counts as what at this moment."""
        return self.roster.people()

    # --- who -----------------------------------------------------------------

    def person(self, account: Account) -> Person:
        """The person behind a Slack account. Raises Unlisted in words where there is none."""
        for person in self.people.values():
            if account in person.accounts:
                return person
        raise Unlisted(
            f"chom.toml lists nobody with your Slack account ({account.team}:{account.user}). "
            "Ask an operator to add it under [people]."
        )

    def unix_person(self, login: str) -> Person:
        """The person behind a Unix login. Raises Refusal."""
        for person in self.people.values():
            if login in person.unix:
                return person
        raise Refusal(f'Nobody in chom.toml has the Unix login "{login}". Add it as unix = ["{login}"] to a person.')

    def help(self, topic: str = "") -> str:
        """Help as plain text: of everything, or of one command."""
        return self.planning.registry.help(topic)

    # --- asking --------------------------------------------------------------

    async def propose(self, text: str, who: Person) -> ChangeView:
        """Parse, survey, plan, store, judge; started at once where nobody has to approve. Raises Refusal."""
        environment = self.planning.match(text).environment
        if run := await self.store.open_run_of(environment):
            raise refusals.busy(await self.view(run))
        change = await self._change(text, who, await own_second(self.store, self.clock, environment))
        await self.store.put_change(change)
        await self.evidence.refresh(change)
        await self.work.at(change.at + change.requirement.expires, change.id)
        view = await self.view(change.id)
        return await self.start(view, who.id) if isinstance(view.verdict, Allowed) else view

    async def preview(self, text: str, who: Person) -> ChangeView:
        """As propose, but nothing is stored and nothing can start. Raises Refusal."""
        now = self.clock.now()
        change = await self._change(text, who, now.replace(microsecond=0))
        people, shown = self.people, await self.evidence.read(change)
        verdict = judge(change, (), shown, people, Calendar(), now)
        return ChangeView(change, (), verdict, State(), people, now, await self.looking.usual(change), shown)

    async def faults(self, wanted: Wanted, patience: float = 0.5) -> tuple[Fault, ...]:
        """Why this would be refused, as far as that can be said without looking at the servers; asks for nothing."""
        found = await self.offers.faults(wanted, patience)
        if any(fault.field is Field.ENVIRONMENT for fault in found):
            return found
        run = await self.store.open_run_of(wanted.environment)
        return (*found, Fault(Field.ENVIRONMENT, refusals.busy(await self.view(run)).said)) if run else found

    async def _change(self, text: str, who: Person, at: datetime) -> Change:
        request, plan = await self.planning.plan(text, at)
        requirement = self.rules.classify(plan, request.environment, request.category)
        if why := refusals.not_raised(requirement, request):
            raise Refusal(why)
        place, rules = request.environment, self.rules.sha256
        return Change(new_id(), who.id, place, request.text, request.reason, at, plan, requirement, rules)

    # --- deciding ------------------------------------------------------------

    async def approve(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        """Count the approval once, judge, and start when allowed; what needs none only starts. Raises Refusal."""
        await self._decide(change, digest, who, account, Word.APPROVE, "")
        view = await self._fresh(change)
        return await self.start(view, who.id) if isinstance(view.verdict, Allowed) else view

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str = "") -> ChangeView:
        """End the request; once is enough. Raises Refusal."""
        reason = refusals.written(reason)
        try:
            view = await self._decide(change, digest, who, account, Word.REJECT, reason)
        except Refusal:
            view = await self.view(change)
            if not refusals.has_rejected(view, who, digest):
                raise
        if view.change.requirement.needs:
            await self.store.settle(change)
            return view
        await self.store.refuse(change, refusals.rejected(who, reason))
        return await self.view(change)

    async def decidable(self, change: str, digest: str, who: Person) -> ChangeView:
        """The change, where that person may approve or reject what they were shown of it now. Raises Refusal."""
        view = await self.view(change)
        refusals.refuse_if_decided(view)
        if digest != view.change.digest:
            raise Refusal("That button is of another plan than the one that waits now. Use those of its card.", change)
        if why_not := refusals.why_not_decide(view, who):
            raise Refusal(f"{why_not} {self.roster.remark(who.id)}".rstrip(), change)
        return view

    async def _decide(self, change: str, digest: str, who: Person, account: str, word: Word, reason: str) -> ChangeView:
        while True:
            view = await self.decidable(change, digest, who)
            if word is Word.APPROVE and not view.change.requirement.needs:
                return view
            approvals, rev = await self.store.approvals(change)
            held = view.change.requirement.expires
            live = [a for a in approvals if a.at + held > view.now and view.people[who.id].speaks_as(a.account)]
            if any((a.person, a.word, a.digest) == (who.id, word, digest) for a in live):
                return await self.view(change)
            approval = Approval(who.id, word, digest, self.clock.now(), reason, account)
            try:
                await self.store.add_approval(change, approval, rev)
            except Conflict:
                continue
            return await self.view(change)

    async def start(self, view: ChangeView, by: str) -> ChangeView:
        """Open the run if the world is still the one that was approved; `by` is who had the last word.

        Raises Refusal; then somebody was told, and nothing starts it by itself (late.py) before the next click.
        """
        change = view.change.id
        await self.store.set_held(change, None)
        try:
            return await self._open(view, by)
        except Refusal:
            await self.store.set_held(change, len(view.approvals))
            raise

    async def _open(self, view: ChangeView, by: str) -> ChangeView:
        change = view.change
        async with self._starting[change.id]:
            if (await self.looking.run(change.id)).opened:
                return await self.view(change.id)
            if run := await self.store.open_run_of(change.environment):
                raise refusals.later(await self.view(run))
            await self.void_if_moved(change)
            now = await self._fresh(change.id)
            if not isinstance(now.verdict, Allowed):
                return now
            try:
                opened = Opened(self.clock.now(), change.id, change.digest, by)
                await self.store.open_run(change, opened)
            except Occupied as other:
                raise refusals.later(await self.view(other.run)) from None
            except Conflict:
                return await self.view(change.id)
        self._starting.pop(change.id, None)
        await self.work.start(change.id)
        return await self.view(change.id)

    async def _fresh(self, change: str) -> ChangeView:
        """The change, judged on evidence that was read just now."""
        await self.evidence.refresh((await self.view(change)).change)
        return await self.view(change)

    async def void_if_moved(self, change: Change) -> None:
        """Where it would do something else now than was approved, it never starts. Raises Refusal then, or in doubt."""
        if moved := await self._moved(change):
            await self.store.refuse(change.id, Refused(moved, Why.VOID))
            raise Refusal(moved, change.id)

    async def _moved(self, change: Change) -> str:
        """What is no longer as it was approved, as a sentence; "" where nothing is."""
        if change.rules != self.rules.sha256:
            return "The rules changed since this was asked, so its approvals no longer hold. Nothing was started."
        moved = await self.planning.moved(change.text, change.at, change.plan)
        return f"{moved} Nothing was started." if moved else ""

    # --- while it runs -------------------------------------------------------

    async def stop(self, change: str, who: Person) -> ChangeView:
        """Ask the run to turn back at its next step boundary. `change` may be "" for the only open run."""
        named, change = bool(change), change or await self.looking.only_open_run()
        view = await self.view(change)
        if not who.roles and who.id != view.change.requester:
            raise Refusal(
                f"Only {view.name(view.change.requester)} or somebody with a role, such as a Tech Lead, can stop this.",
                change,
            )
        if not view.run.opened:
            return await self._withdraw(view, who, named)

        def entry(run: State) -> Entry:
            if why := why_not(replace(view, run=run)):
                raise Refusal(why, change)
            return StopAsked(self.clock.now(), who.id)

        return await self._append(change, entry)

    async def _withdraw(self, view: ChangeView, who: Person, named: bool) -> ChangeView:
        """Nobody withdraws what another person asked for without having named it. Raises Refusal."""
        refusals.refuse_if_decided(view)
        if not named and who.id != view.change.requester:
            raise refusals.not_named(view)
        await self.store.refuse(view.change.id, refusals.withdrawn(view, who, self.clock.now()))
        return await self.view(view.change.id)

    async def answer(self, change: str, step: str, host: str, choice: str, who: Person) -> ChangeView:
        """Answer the run's open question. Raises Refusal."""
        if not may_answer(who):
            raise Refusal("A Tech Lead, DevOps, the CTO or whoever is on call has to answer this.", change)

        def entry(run: State) -> Entry:
            asked = run.question
            if asked is None or (asked.step, asked.host) != (step, host):
                raise Refusal("That question is no longer open. Its card says how it went on.", change)
            if choice not in asked.choices:
                raise Refusal(f'The answers are: {", ".join(asked.choices)}. "{choice}" is none of them.', change)
            return Answered(self.clock.now(), step, host, choice, who.id)

        return await self._append(change, entry)

    async def _append(self, change: str, entry: Callable[[State], Entry]) -> ChangeView:
        """Append a person's entry, made from the newest state. Raises what `entry` raises."""
        while True:
            run = await self.looking.run(change)
            try:
                await self.store.append(change, run.seq, [entry(run)], None)
            except Conflict:
                continue
            await self.work.start(change)
            return await self.view(change)

    # --- looking -------------------------------------------------------------

    async def view(self, change: str) -> ChangeView:
        """The change as it stands now. Raises Refusal where there is none."""
        return await self.looking.view(change)

    async def going_on(self) -> tuple[ChangeView, ...]:
        """What runs, and then what waits, in every environment; no server is asked."""
        return await self.looking.going_on()

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        """Every environment, or one. Raises Refusal for an unknown one."""
        return await self.looking.status(environment)

    async def history(self, environment: str = "", limit: int = 10) -> tuple[PastRun, ...]:
        """Runs that were started, newest first. Raises Refusal for an unknown environment."""
        return await self.looking.history(environment, limit)
