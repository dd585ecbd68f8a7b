"""Reading what is: a change with its run, what each environment serves, what was done lately."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from actions.engine.fold import State
from actions.engine.journal import Outcome
from actions.engine.ports import Clock
from actions.engine.registry.advice import no_environment
from bot.desk.estimate import PAST_RUNS, Usual, usual
from bot.desk.planning import Planning, Refusal
from bot.desk.roster import Roster
from bot.desk.view import ChangeView, EnvironmentStatus, PastRun
from bot.store import Store
from policies.change import Allowed, Calendar, Change, ChangeType, Refused
from policies.judge import judge

logger = logging.getLogger(__name__)

LOOK_BACK = 40
"""So many of the newest changes of an environment are looked through for runs of the same action."""
HELD = timedelta(minutes=1)
"""For so long what runs usually take is not read again."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Changes nothing."""

    planning: Planning
    store: Store
    roster: Roster
    clock: Clock
    _usual: dict[tuple[str, str], tuple[datetime, Usual]] = field(
        default_factory=dict[tuple[str, str], tuple[datetime, Usual]]
    )
    """(environment, action) -> when it was read, and what it was."""

    async def run(self, change: str) -> State:
        """The change's run as its journal tells it; seq 0 where nothing was started."""
        return await self.store.state(change)

    async def view(self, change: str) -> ChangeView:
        """The change as it stands now. Raises Refusal where there is none."""
        try:
            found = await self.store.change(change)
        except KeyError:
            raise Refusal(f"There is no change {change[:40]}. `history` lists the last ones.") from None
        approvals, _ = await self.store.approvals(change)
        now, people = self.clock.now(), self.roster.people()
        evidence = await self.store.evidence(change) if found.requirement.looked_at else ()
        verdict = await self.store.refused(change) or judge(found, approvals, evidence, people, Calendar(), now)
        run = await self.run(change)
        over = run.ended is not None or (not run.seq and isinstance(verdict, Refused))
        past = Usual() if over else await self.usual(found)
        watched = await self.store.watch(found.environment) if run.ended and not run.observed else None
        mine = watched if watched and watched.change == change and watched.needs else None
        emergency = found.requirement.type is ChangeType.EMERGENCY
        reviewed = await self.store.review(change) if emergency and run.ended else None
        seen = ChangeView(found, approvals, verdict, run, people, now, past, evidence, reviewed, mine)
        if isinstance(verdict, Refused) and not run.seq:
            return replace(seen, again=await self.store.asked_again(change))
        return await self._turn(seen) if isinstance(verdict, Allowed) and not run.seq else seen

    async def _turn(self, view: ChangeView) -> ChangeView:
        """What a change that could start waits for."""
        change = view.change
        held = await self.store.held(change.id) == len(view.approvals)
        other = await self.store.open_run_of(change.environment)
        title = (await self.store.change(other)).plan.title if other and other != change.id else ""
        return replace(view, behind=title, held=held)

    async def usual(self, change: Change) -> Usual:
        """What runs of the same action in the same environment usually take."""
        key, now = (change.environment, change.plan.action), self.clock.now()
        held = self._usual.get(key)
        if held is None or not now - HELD < held[0] <= now:
            held = self._usual[key] = (now, usual(await self._past(*key)))
        return held[1]

    async def _past(self, environment: str, action: str) -> list[State]:
        """The newest runs of that action there that ended well, as many as count."""
        found: list[State] = []
        for id_ in await self.store.recent(environment, LOOK_BACK):
            if len(found) == PAST_RUNS:
                break
            try:
                run = await self.run(id_)
                ended_well = run.ended is not None and run.ended.outcome is Outcome.DONE
                if ended_well and (await self.store.change(id_)).plan.action == action:
                    found.append(run)
            except ValueError as other:
                logger.info("%s was written by another version and says nothing of how long runs take: %s", id_, other)
        return found

    async def only_one(self, environment: str = "", wanted: str = "stop") -> ChangeView:
        """What runs, or else what waits, there or anywhere. Raises Refusal where there is none, or several.

        `wanted` is the command that it is looked for.
        """
        self._known(environment)
        seen = [view for view in await self.going_on() if environment in {"", view.change.environment}]
        going = [view for view in seen if view.run.opened] or seen
        where = f" in {environment}" if environment else ""
        if not going:
            raise Refusal(f"Nothing is running{where} and nothing waits, so there is nothing to {wanted}.")
        if len(going) > 1:
            titles = "; ".join(f"{view.title} ({view.change.id})" for view in going)
            raise Refusal(f"Several are going on{where}: {titles}. Say which: `{wanted} {going[0].change.id}`.")
        return going[0]

    async def going_on(self) -> tuple[ChangeView, ...]:
        """What runs, and then what waits, in every environment; no server is asked."""
        runs = [await self.view(id_) for id_ in await self.store.open_runs()]
        waiting = [await self.view(id_) for id_ in await self.store.waiting()]
        return (*runs, *(view for view in waiting if not view.run.opened and not isinstance(view.verdict, Refused)))

    async def status(self, environment: str = "") -> tuple[EnvironmentStatus, ...]:
        """Every environment, or one. Raises Refusal for an unknown one."""
        self._known(environment)
        wanted = (environment,) if environment else tuple(self.planning.environments)
        return tuple(await asyncio.gather(*(self._status(name) for name in wanted)))

    async def history(self, environment: str = "", limit: int = 10, *, requests: bool = False) -> tuple[PastRun, ...]:
        """As Desk.history."""
        self._known(environment)
        past: list[PastRun] = []
        for id_ in await self.store.recent(environment, limit * 3):
            view = await self.view(id_)
            if len(past) == limit:
                break
            if view.run.opened:
                past.append(PastRun(view, view.run.opened.at, view.run.ended.at if view.run.ended else None))
            elif requests and isinstance(view.verdict, Refused):
                past.append(PastRun(view, view.change.at, None))
        return tuple(past)

    def _known(self, environment: str) -> None:
        names = tuple(self.planning.environments)
        if environment and environment not in names:
            raise Refusal(no_environment(environment, names))

    async def _status(self, name: str) -> EnvironmentStatus:
        run = await self.store.open_run_of(name)
        waiting = [await self.view(id_) for id_ in await self.store.waiting(name)]
        pending = tuple(view for view in waiting if not isinstance(view.verdict, Refused))
        walked = bool(run) and await self.store.leased(run) is not None
        open_run = await self.view(run) if run else None
        idle = open_run is not None and not open_run.run.ended and not walked
        fleet, trouble = await self.planning.seen(name)
        reviews = tuple(view for view in await self.owed_reviews() if view.change.environment == name)
        return EnvironmentStatus(name, fleet if fleet.hosts else None, trouble, open_run, pending, reviews, idle)

    async def owed_reviews(self) -> tuple[ChangeView, ...]:
        """Emergencies that have ended and were not reviewed, the oldest first."""
        found = [await self.view(id_) for id_ in await self.store.open_reviews()]
        return tuple(view for view in found if view.owes_review)
