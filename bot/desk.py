"""The use cases: propose, approve, reject, stop, answer, status, history. No Slack in it."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from actions.engine.fold import State
from actions.engine.journal import Answered, Entry, Opened, StopAsked
from actions.engine.ports import Clock, Conflict, Occupied
from bot.looking import Looking
from bot.planning import Planning, Refusal, what_moved
from bot.store import Store
from bot.view import ChangeView, EnvironmentStatus, PastRun
from bot.work import Work
from policies.change import (
    Account,
    Allowed,
    Approval,
    Calendar,
    Change,
    People,
    Person,
    Refused,
    Role,
    Why,
    Word,
)
from policies.judge import judge, may_decide
from policies.rules import Rules

__all__ = ["ChangeView", "Desk", "EnvironmentStatus", "PastRun", "Refusal"]

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(slots=True)
class Desk:
    """Made once in app.build; Slack's handlers and the command line call nothing else."""

    planning: Planning
    looking: Looking
    store: Store
    work: Work
    rules: Rules
    people: People
    clock: Clock
    _starting: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    # --- who -----------------------------------------------------------------

    def person(self, account: Account) -> Person:
        """The person behind a Slack account. Raises Refusal in words where there is none."""
        for person in self.people.values():
            if account in person.accounts:
                return person
        raise Refusal(
            "I don't know you: chom.toml lists nobody with your Slack account "
            f"({account.team}:{account.user}). Ask an operator to add it under [people]."
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
        await self._refuse_if_busy(self.planning.match(text).environment)
        change = await self._change(text, who)
        await self.store.put_change(change)
        await self.work.at(change.at + change.requirement.expires, change.id)
        view = await self.view(change.id)
        return await self._start(view, who) if isinstance(view.verdict, Allowed) else view

    async def preview(self, text: str, who: Person) -> ChangeView:
        """As propose, but nothing is stored and nothing can start. Raises Refusal."""
        change = await self._change(text, who)
        now = self.clock.now()
        verdict = judge(change, (), (), self.people, Calendar(), now)
        return ChangeView(change, (), verdict, State(), self.people, now)

    async def _change(self, text: str, who: Person) -> Change:
        at = self.clock.now().replace(microsecond=0)
        request, plan = await self.planning.plan(text, at)
        requirement = self.rules.classify(plan, request.environment)
        id_ = "chg-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
        return Change(
            id_, who.id, request.environment, request.text, request.reason, at, plan, requirement, self.rules.sha256
        )

    async def _refuse_if_busy(self, environment: str) -> None:
        if run := await self.store.open_run_of(environment):
            raise self._busy(await self.view(run))

    def _busy(self, other: ChangeView) -> Refusal:
        since = other.run.opened.at.strftime("%H:%M") if other.run.opened else "just now"
        return Refusal(
            f"{other.name(other.change.requester)} has {other.change.environment} since {since} UTC: "
            f"{other.change.plan.title}. Wait for its end, or stop it with `stop`; then ask again.",
            other.change.id,
        )

    # --- deciding ------------------------------------------------------------

    async def approve(self, change: str, digest: str, who: Person, account: str) -> ChangeView:
        """Count the approval once, judge, and start when allowed. Raises Refusal."""
        view = await self._decide(change, digest, who, account, Word.APPROVE, "")
        return await self._start(view, who) if isinstance(view.verdict, Allowed) else view

    async def reject(self, change: str, digest: str, who: Person, account: str, reason: str = "") -> ChangeView:
        """End the request. Raises Refusal."""
        view = await self._decide(change, digest, who, account, Word.REJECT, reason)
        await self.store.settle(change)
        return view

    async def _decide(self, change: str, digest: str, who: Person, account: str, word: Word, reason: str) -> ChangeView:
        while True:
            view = await self.view(change)
            self._refuse_if_decided(view)
            if digest != view.change.digest:
                raise Refusal("That button belongs to another plan than the one that waits now.", change)
            if why_not := may_decide(view.change, who, self.people):
                raise Refusal(why_not, change)
            approvals, rev = await self.store.approvals(change)
            live = [a for a in approvals if a.at + view.change.requirement.expires > view.now]
            if any((a.person, a.word, a.digest) == (who.id, word, digest) for a in live):
                return view
            approval = Approval(who.id, word, digest, self.clock.now(), reason, account)
            try:
                await self.store.add_approval(change, approval, rev)
            except Conflict:
                continue
            return await self.view(change)

    def _refuse_if_decided(self, view: ChangeView) -> None:
        """Raises Refusal with what is true now, where the change no longer waits."""
        title, run = view.change.plan.title, view.run
        if run.ended:
            raise Refusal(f"{title} has ended: {run.ended.summary}", view.change.id)
        if run.opened:
            raise Refusal(f"{title} was approved already and is under way.", view.change.id)
        if isinstance(view.verdict, Refused):
            raise Refusal(view.verdict.said, view.change.id)

    async def _start(self, view: ChangeView, by: Person) -> ChangeView:
        """Open the run if the world is still the one that was approved. Raises Refusal."""
        change = view.change
        async with self._starting[change.id]:
            if (await self.looking.run(change.id)).opened:
                return await self.view(change.id)
            if moved := await self._moved(change):
                await self.store.refuse(change.id, Refused(moved, Why.VOID))
                raise Refusal(moved, change.id)
            try:
                opened = Opened(self.clock.now(), change.id, change.digest, by.id)
                await self.store.open_run(change, opened)
            except Occupied as other:
                raise self._busy(await self.view(other.run)) from None
            except Conflict:
                return await self.view(change.id)
        self._starting.pop(change.id, None)
        await self.work.start(change.id)
        return await self.view(change.id)

    async def _moved(self, change: Change) -> str:
        """What is no longer as it was approved, as a sentence; "" where nothing is."""
        again = f"Nothing was started. Ask again: `{change.text}`."
        if change.rules != self.rules.sha256:
            return f"The rules changed since this was asked, so its approvals no longer hold. {again}"
        _, plan = await self.planning.plan(change.text, change.at)
        moved = what_moved(change.plan, plan)
        return f"{moved} {again}" if moved else ""

    # --- while it runs -------------------------------------------------------

    async def stop(self, change: str, who: Person) -> ChangeView:
        """Ask the run to turn back at its next step boundary. `change` may be "" for the only open run."""
        change = change or await self.looking.only_open_run()
        view = await self.view(change)
        if not who.roles and who.id != view.change.requester:
            raise Refusal(f"Only {view.name(view.change.requester)} or someone with a role can stop this.", change)
        if not view.run.opened:
            return await self._withdraw(view, who)

        def entry(run: State) -> Entry | None:
            if run.ended:
                raise Refusal(f"It has ended already: {run.ended.summary}", change)
            return None if run.turned or run.stop else StopAsked(self.clock.now(), who.id)

        return await self._append(change, entry)

    async def _withdraw(self, view: ChangeView, who: Person) -> ChangeView:
        self._refuse_if_decided(view)
        said = f"{who.name} withdrew the request before it started."
        await self.store.refuse(view.change.id, Refused(said, Why.REJECTED))
        return await self.view(view.change.id)

    async def answer(self, change: str, step: str, host: str, choice: str, who: Person) -> ChangeView:
        """Answer the run's open question. Raises Refusal."""
        if not who.roles & {Role.TECH_LEAD, Role.DEVOPS, Role.CTO, Role.ON_CALL}:
            raise Refusal("A Tech Lead, DevOps, the CTO or whoever is on call has to answer this.", change)

        def entry(run: State) -> Entry | None:
            asked = run.question
            if asked is None or (asked.step, asked.host) != (step, host):
                raise Refusal("That question is no longer open.", change)
            if choice not in asked.choices:
                raise Refusal(f'The answers are: {", ".join(asked.choices)}. "{choice}" is none of them.', change)
            return Answered(self.clock.now(), step, host, choice, who.id)

        return await self._append(change, entry)

    async def _append(self, change: str, entry: Callable[[State], Entry | None]) -> ChangeView:
        """Append a person's entry, made from the newest state; None where there is nothing left to say."""
        while True:
            run = await self.looking.run(change)
            made = entry(run)
            if made is None:
                return await self.view(change)
            try:
                await self.store.append(change, run.seq, [made], None)
            except Conflict:
                continue
            await self.work.start(change)
            return await self.view(change)

    # --- looking -------------------------------------------------------------

    async def view(self, change: str) -> ChangeView:
        """The change as it stands now. Raises Refusal where there is none."""
        return await self.looking.view(change)

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        """Every environment, or one. Raises Refusal for an unknown one."""
        return await self.looking.status(environment)

    async def history(self, environment: str = "", limit: int = 10) -> tuple[PastRun, ...]:
        """Runs that were started, newest first. Raises Refusal for an unknown environment."""
        return await self.looking.history(environment, limit)
