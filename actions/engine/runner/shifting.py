"""Users are shifted to the canary, stage by stage; what it shows is journalled at every tick, and judged by analysis/.

The weight is a lease on each server: while this goes on it is refreshed, and where nobody does, everybody is back on
stable within two minutes. A walker that took over goes on with the counts and the times in the journal; for how long
users were on stable it asks the servers, and writes that down before its first lease, with which they forget it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar, assert_never

from actions.engine.analysis import Extend, Finding, Hold, Promote, RollBack, Scrape, Wait, Watched
from actions.engine.analysis import decide as judge
from actions.engine.journal import Done, Failed, Measured, Started, Way, Weighed, Wish
from actions.engine.plan import Shift
from actions.engine.ports import HostRefused, Unreachable
from actions.engine.runner.decide import TurnBack, decide
from actions.engine.runner.halting import each
from actions.engine.runner.hands import Hands
from actions.engine.shifts import Shifted
from actions.engine.telemetry import Blind
from actions.engine.words import counted

T = TypeVar("T")

LOOK = 0.25
"""Seconds between two looks into the journal for what a person wants: who ends it is heard within a second."""
REFRESH = timedelta(seconds=20)
"""A lease lasts one to two minutes; it is refreshed so often that one lost call does not matter."""
ANSWER = 3.0
"""Seconds that a server has to answer; another one's lease does not wait longer for it."""


class Shifting:
    """One walker's shift of users."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._leased = dict[str, tuple[int, datetime]]()
        """Host -> (weight, when it was asked last), by this walker."""
        self._notes = dict[str, str]()
        """Host -> what there is to know of its lease; "" for the counters."""
        self._lapses = dict[str, str]()
        """That everybody was on stable, server by server: said until the end, since the counts are read with it."""
        self._gaps, self._unwritten = list[tuple[float, float]](), False
        """From when to when, in Unix time (s); whether one of them is in no entry yet."""
        self._asked, self._told = False, set[str]()
        """Whether the servers were asked for theirs; those that told of one and have no new lease yet."""
        self._noted = set[str]()
        """Those that people have heard of, until it is well there again."""

    async def shift(self, step: Shift) -> None:
        """Until users are all there, or go back. Raises Conflict where somebody wrote meanwhile, Fenced, HandOver."""
        hands = self._hands
        if step.name not in hands.state.shifts:
            return await self._begin(step)
        looked: datetime | None = None
        while not self._turns_back():
            now = hands.now()
            await self._or_back(self._ask(step))
            if not self._unwritten:
                await self._or_back(self._refresh(step, hands.state.shifts[step.name].weight))
            wish = hands.state.shifts[step.name].wish
            waits = looked is not None and (now - looked).total_seconds() < step.every
            if wish or self._unwritten or not waits:
                looked = now
                if await self._tick(step):
                    return None
            await hands.halt.unless(hands.world.clock.sleep(LOOK))
            await hands.pen.read()
        return await self._to_stable(step)

    def _turns_back(self) -> bool:
        return isinstance(decide(self._hands.plan, self._hands.state, self._hands.now()), TurnBack)

    async def _or_back(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What the work gives; None where the run turns back: who ends it waits for nobody that does not answer."""
        doing = asyncio.create_task(work)
        try:
            while not doing.done() and not self._turns_back():
                await asyncio.wait({doing}, timeout=LOOK)
                if not doing.done():
                    await self._hands.pen.read()
            return doing.result() if doing.done() else None
        finally:
            if not doing.done():
                doing.cancel()
                await asyncio.wait({doing})

    async def _begin(self, step: Shift) -> None:
        now, weight, self._asked = self._hands.now(), step.weights[0], True
        watched = Watched(step.hosts, len(step.weights), now.timestamp())
        started = Started(now, step.name, "", Way.FORWARD)
        await self._hands.pen.decided(
            started, Weighed(now, step.name, weight, "The first users are sent there.", watched)
        )

    # --- what it shows -------------------------------------------------------

    async def _tick(self, step: Shift) -> bool:
        """Read the counters, judge, and write what follows; whether the shift is over."""
        hands, seen = self._hands, await self._or_back(self._scrapes(step))
        if seen is None:
            return False
        shifted, now = hands.state.shifts[step.name], hands.now()
        watched, gaps = shifted.watched.read(seen).lapsed(self._gaps), len(self._gaps)
        finding, watched = self._wished(shifted, watched, judge(watched, now.timestamp(), step.limits), now)
        why = hands.words.short(" ".join([finding.why, *self._notes.values(), *self._lapses.values()]))
        news = bool((self._notes.keys() | self._lapses.keys()) - self._noted)
        self._noted |= self._notes.keys() | self._lapses.keys()
        self._notes.clear()
        ends = await self._decided(step, shifted, watched, finding, why, news)
        self._unwritten = self._unwritten and len(self._gaps) > gaps
        return ends

    async def _decided(
        self, step: Shift, shifted: Shifted, watched: Watched, finding: Finding, why: str, news: bool
    ) -> bool:
        hands, now = self._hands, self._hands.now()
        match finding:
            case Wait():
                begins = watched.held is not None and shifted.watched.held is None
                await hands.pen.decided(Measured(now, step.name, why, watched, told=begins or news))
            case Extend():
                await hands.pen.decided(Measured(now, step.name, why, watched.extending(), told=True))
            case Hold():
                await hands.pen.decided(Measured(now, step.name, why, watched.holding(now.timestamp()), told=True))
            case Promote():
                return await self._promote(step, shifted, watched, why)
            case RollBack():
                await self._to_stable(step)
                last = Measured(hands.now(), step.name, why, watched)
                await hands.pen.happened(last, Failed(last.at, step.name, "", Way.FORWARD, why))
                return True
            case _:
                assert_never(finding)
        return False

    def _wished(self, shifted: Shifted, watched: Watched, finding: Finding, now: datetime) -> tuple[Finding, Watched]:
        """What a person wants instead; what sends users back is stronger than any wish."""
        if shifted.wish is None or isinstance(finding, RollBack):
            return finding, watched
        match shifted.wish.wish:
            case Wish.PROMOTE:
                return Promote(finding.why), watched
            case Wish.HOLD:
                held = watched if watched.held is not None else watched.holding(now.timestamp())
                return Wait("It is held until somebody promotes or ends it."), held
            case _:
                assert_never(shifted.wish.wish)

    async def _promote(self, step: Shift, shifted: Shifted, watched: Watched, why: str) -> bool:
        hands, now = self._hands, self._hands.now()
        if later := step.after(shifted.weight):
            await hands.pen.decided(Weighed(now, step.name, later, why, watched.promoted(now.timestamp())))
            return False
        await hands.pen.decided(Measured(now, step.name, why, watched), Done(now, step.name, "", Way.FORWARD, why))
        return True

    async def _scrapes(self, step: Shift) -> tuple[Scrape, ...]:
        """Nothing where nothing can be seen: the analysis knows from the times how long that has been so."""
        try:
            seen = await self._hands.halt.unless(self._hands.world.scrapes.scrape(step.hosts))
        except Blind as blind:
            self._notes[""] = str(blind)
            return ()
        self._noted.discard("")
        return seen

    # --- the lease -----------------------------------------------------------

    async def _ask(self, step: Shift) -> None:
        """Since when everybody is on stable, of each server, once: a walker that took over cannot know it otherwise."""
        if not self._asked:
            self._asked, began = True, self._hands.state.shifts[step.name].watched.since
            await each(lambda host: self._ask_one(host, began), step.hosts, self._hands.world.at_once)

    async def _ask_one(self, host: str, began: float) -> None:
        hands = self._hands
        try:
            async with asyncio.timeout(ANSWER):
                pools = (await hands.halt.unless(hands.world.hosts.survey(host))).pools
        except (Unreachable, TimeoutError, HostRefused):
            return  # its answer to the lease says it too
        if pools and not pools.weight:
            self._told.add(host)
            self._lapse(host, began if pools.lapsed is None else pools.lapsed)

    def _lapse(self, host: str, since: float) -> None:
        """Note that nobody had the canary there from then (Unix time, s) until now."""
        now, lapse = self._hands.now().timestamp(), f"lapse on {host}"
        self._gaps.append((since, now))
        self._unwritten = True
        gone = counted(max(1, round(now - since)), "second")
        self._lapses[lapse] = f"On {host} everybody was on stable for {gone}, since no bot was there."
        self._noted.discard(lapse)

    async def _refresh(self, step: Shift, weight: int) -> None:
        now = self._hands.now()
        due = [host for host in step.hosts if self._is_due(host, weight, now)]
        await each(lambda host: self._route(host, weight), due, self._hands.world.at_once)

    def _is_due(self, host: str, weight: int, now: datetime) -> bool:
        before = self._leased.get(host)
        return before is None or before[0] != weight or now - before[1] >= REFRESH

    async def _route(self, host: str, weight: int) -> None:
        """One server's lease. One that does not answer has everybody on stable within two minutes by itself."""
        hands = self._hands
        self._leased[host] = weight, hands.now()
        try:
            async with asyncio.timeout(ANSWER):
                lapsed = await hands.halt.unless(hands.world.hosts.route(host, weight, hands.pen.fence))
        except (Unreachable, TimeoutError):
            self._notes[host] = f"{host} does not answer; within two minutes its users are all on stable."
            return
        except HostRefused as refused:
            why = hands.words.short(str(refused)).rstrip(".")
            self._notes[host] = f"{why}; within two minutes the users of {host} are all on stable."
            return
        self._noted.discard(host)
        if lapsed and weight and host not in self._told:
            self._lapse(host, lapsed.timestamp())
        self._told.discard(host)

    async def _to_stable(self, step: Shift) -> None:
        """Nobody is sent to the canary any more, at once; a server that does not answer lets go by itself."""
        await each(lambda host: self._route(host, 0), step.hosts, self._hands.world.at_once)
