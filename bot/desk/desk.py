"""The use cases: propose, approve, reject, stop, answer, status, history. No Slack in it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from actions.engine.fold import State
from actions.engine.journal import Opened
from actions.engine.ports import Clock, Conflict, Occupied
from bot.desk import refusals
from bot.desk.accounts import person_of, unix_person_of
from bot.desk.asking import Asking
from bot.desk.deciding import Deciding
from bot.desk.looking import Looking
from bot.desk.naming import own_second
from bot.desk.offers import Fault, Field, Offers, Wanted
from bot.desk.planning import Planning, Refusal
from bot.desk.reviewing import Reviewing
from bot.desk.roster import Roster
from bot.desk.running import Running
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.desk.witness import Witness
from bot.evidence import Gathering, Source
from bot.redact import redactor
from bot.store import Store
from bot.store.decisions import Act
from bot.work import Work
from policies.change import (
    Account,
    Allowed,
    Calendar,
    Change,
    People,
    Person,
    Refused,
    Why,
    Word,
)
from policies.judge import judge, wrong_strategy
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
    redact: Callable[[str], str] = field(default_factory=lambda: redactor(()))
    witness: Witness = field(init=False)
    asking: Asking = field(init=False)
    """What a change is made of, and whether it still is."""
    deciding: Deciding = field(init=False)
    running: Running = field(init=False)
    """What people do to a run."""
    reviewing: Reviewing = field(init=False)
    """What comes after an emergency."""
    evidence: Gathering = field(init=False)
    offers: Offers = field(init=False)
    """What can be asked for."""
    _starting: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def __post_init__(self) -> None:
        self.offers = Offers(self.planning, self.clock)
        self.witness = Witness(self.store, self.clock, self.rules.sha256, self.redact)
        self.asking = Asking(self.planning, self.looking, self.store, self.rules)
        self.running = Running(self.looking, self.store, self.work, self.clock, self.witness)
        self.deciding = Deciding(self.looking, self.store, self.clock, self.witness, self.roster)
        self.reviewing = Reviewing(self.looking, self.store, self.clock, self.witness)
        self.evidence = Gathering(self.store, self.clock, self.witness, self.sources)

    @property
    def people(self) -> People:
        """Who counts as what at this moment."""
        return self.roster.people()

    # --- who -----------------------------------------------------------------

    def person(self, account: Account) -> Person:
        """The person behind a Slack account. Raises Unlisted in words where there is none."""
        return person_of(self.people, account)

    def unix_person(self, login: str) -> Person:
        """The person behind a Unix login. Raises Refusal."""
        return unix_person_of(self.people, login)

    def help(self, topic: str = "") -> str:
        """Help as plain text: of everything, or of one command."""
        return self.planning.registry.help(topic)

    # --- asking
    def shows_only(self, text: str) -> bool:
        """Whether this is only shown to whoever asks (`preview`), and never proposed. Raises Refusal."""
        return self.planning.match(text).action.shows_only

    async def propose(self, text: str, who: Person, account: str = "", again_of: str = "") -> ChangeView:
        """Parse, survey, plan, store, judge; started at once where nobody has to approve. Raises Refusal.

        `again_of` is the change in whose place this one is asked for, by whoever is first.
        """
        async with self.witness.refusing(who.id, account, again_of, wanted=text):
            return await self._propose(text, who, account, again_of)

    async def _propose(self, text: str, who: Person, account: str, again_of: str) -> ChangeView:
        environment = self.planning.match(text).environment
        if self.shows_only(text):
            raise Refusal("This only shows what would change, and cannot be asked for.")
        if run := await self.store.open_run_of(environment):
            raise refusals.busy(await self.view(run))
        change = await self.asking.change(text, who, await own_second(self.store, self.clock, environment))
        if never := wrong_strategy(change):
            raise Refusal(f"{never.said} Nothing was asked for.")
        await self.asking.put(change, again_of, self.witness.decision(Act.ASKED, change, who.id, account, change.text))
        await self.evidence.refresh(change)
        await self.work.at(change.at + change.requirement.expires, change.id)
        view = await self.view(change.id)
        return await self.start(view, who.id) if isinstance(view.verdict, Allowed) else view

    async def again(self, change: str, who: Person, account: str) -> ChangeView:
        """Ask for what is over as if this person had typed it anew; only the first one does. Raises Refusal."""
        async with self.witness.refusing(who.id, account, change, wanted="ask again"):
            view = await self.view(change)
            if view.run.seq or not isinstance(view.verdict, Refused):
                raise refusals.not_over(view)
        return await self.propose(view.change.text, who, account, change)

    async def at_once(self, text: str, who: Person, account: str) -> ChangeView:
        """As propose; where this person alone may let it through, asking is approving it, and it starts."""
        view = await self.propose(text, who, account)
        asked = view.change.requirement
        if view.run.opened or not asked.own or refusals.why_not_decide(view, who):
            return view
        return await self.approve(view.change.id, view.change.digest, who, account)

    async def preview(self, text: str, who: Person) -> ChangeView:
        """As propose, but nothing is stored and nothing can start. Raises Refusal."""
        now = self.clock.now()
        change = await self.asking.change(text, who, now.replace(microsecond=0))
        people, shown = self.people, await self.evidence.read(change)
        verdict = judge(change, (), shown, people, Calendar(), now)
        usual = await self.looking.usual(change)
        return ChangeView(change, (), verdict, State(), people, now, usual, shown, previewed=True)

    async def faults(self, wanted: Wanted, patience: float = 0.5) -> tuple[Fault, ...]:
        """Why this would be refused, as far as that can be said without looking at the servers; asks for nothing."""
        found = await self.offers.faults(wanted, patience)
        if any(fault.field is Field.ENVIRONMENT for fault in found):
            return found
        run = await self.store.open_run_of(wanted.environment)
        return (*found, Fault(Field.ENVIRONMENT, refusals.busy(await self.view(run)).said)) if run else found

    async def lapse(self, change: str) -> None:
        """Its time is up: where it has lapsed that is written, so that no clock brings it back; else looked at later.

        KeyError where there is no such change.
        """
        view = await self.view(change)
        if isinstance(view.verdict, Refused):
            await self.store.refuse(change, view.verdict)
        elif not view.run.seq:
            held = view.change.requirement.expires
            newest = max((a.at for a in view.approvals if a.at + held > view.now), default=view.now)
            await self.work.at(newest + held, change)

    # --- deciding ------------------------------------------------------------

    async def approve(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        """Count the approval once, judge, and start when allowed; what needs none only starts. Raises Refusal."""
        async with self.witness.refusing(who.id, account, change, digest, "approve"):
            await self.deciding.decide(change, digest, who, account, Word.APPROVE)
            view = await self._fresh(change)
            return await self.start(view, who.id) if isinstance(view.verdict, Allowed) else view

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str = "") -> ChangeView:
        """End the request; once is enough. Raises Refusal."""
        return await self.deciding.reject(change, digest, who, account, reason)

    async def decidable(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        """The change, where that person may approve or reject what they were shown of it now. Raises Refusal."""
        async with self.witness.refusing(who.id, account, change, digest, "decide"):
            return await self.deciding.decidable(change, digest, who)

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
                await self.store.open_run(change, opened, self.witness.started(now, by))
            except Occupied as other:
                raise refusals.later(await self.view(other.run)) from None
            except Conflict:
                return await self.view(change.id)
        self._starting.pop(change.id, None)
        await self.work.start(change.id)
        return await self.view(change.id)

    async def _fresh(self, change: str) -> ChangeView:
        """The change, judged on evidence that was read just now."""
        asked = (await self.view(change)).change
        await self.evidence.refresh(asked, asked.requirement.evidence)
        return await self.view(change)

    async def void_if_moved(self, change: Change) -> None:
        """Where it would do something else now than was approved, it never starts. Raises Refusal then, or in doubt."""
        if moved := await self.asking.moved(change):
            decision = self.witness.decision(Act.VOID, change, change.requester, said=moved)
            await self.store.refuse(change.id, Refused(moved, Why.VOID), decision)
            raise Refusal(moved, change.id)

    # --- while it runs -------------------------------------------------------

    async def stop(self, change: str, who: Person, account: str = "") -> ChangeView:
        """Ask the run to turn back at its next step boundary, or withdraw what waits. Raises Refusal.

        `change` is an id, or an environment or "" for the only one that runs or else waits there or anywhere.
        """
        return await self.running.stop(change, who, account)

    async def answer(
        self, change: str, step: str, host: str, choice: str, who: Person, account: str = ""
    ) -> ChangeView:
        """Answer the run's open question. Raises Refusal."""
        return await self.running.answer(change, step, host, choice, who, account)

    # --- looking -------------------------------------------------------------

    async def view(self, change: str) -> ChangeView:
        """The change as it stands now. Raises Refusal where there is none."""
        return await self.looking.view(change)

    async def going_on(self) -> tuple[ChangeView, ...]:
        """What runs, and then what waits, in every environment; no server is asked."""
        return await self.looking.going_on()

    async def owed_reviews(self) -> tuple[ChangeView, ...]:
        """Emergencies that have ended and were not reviewed, the oldest first."""
        return await self.looking.owed_reviews()

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        """Every environment, or one. Raises Refusal for an unknown one."""
        return await self.looking.status(environment)

    async def history(self, environment: str = "", limit: int = 10, *, requests: bool = False) -> tuple[PastRun, ...]:
        """Runs that were started, newest first; with `requests` what came to nothing too.

        Raises Refusal for an unknown environment.
        """
        return await self.looking.history(environment, limit, requests=requests)
