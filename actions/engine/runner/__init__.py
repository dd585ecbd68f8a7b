"""The walk of an approved plan: take over, then read the journal, decide, act, write, until the run has ended.

Every walker may be killed anywhere. What it leaves is the journal and the jobs on the hosts, and the next one decides
from these. A question to a person is waited for here, within `walk`, with an eye on the journal: the walk keeps its
lease, an answer needs no delivery, and a stop of the bot hands the run over as at any other point.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar, assert_never

from actions.engine.journal import Asked, Done, Ended, Failed, Started, Took, TurnedBack, Way
from actions.engine.nouns import noun
from actions.engine.plan import Do, Watch
from actions.engine.ports import Conflict, Fenced, HostRefused, RunRecord, Unreachable, World
from actions.engine.runner import closing
from actions.engine.runner.back import Homeward
from actions.engine.runner.decide import (
    TRY_AGAIN,
    TURN_BACK,
    Begin,
    Compare,
    Finish,
    Listen,
    Move,
    Observe,
    Over,
    Pass,
    Put,
    Revisit,
    ShiftOn,
    Together,
    TurnBack,
    Undo,
    decide,
    turn_back,
)
from actions.engine.runner.forth import Forth, GaveUp, Lost
from actions.engine.runner.gates import Gates
from actions.engine.runner.halting import Halt, HandOver, each
from actions.engine.runner.hands import Hands, Outage
from actions.engine.runner.pen import Pen
from actions.engine.runner.shifting import Shifting

T = TypeVar("T")
U = TypeVar("U")

POLL = 1.0
"""Seconds between two looks into the journal while a person is asked."""
TAKE_OVER = 10.0
"""Seconds that a host has to answer at the take-over; later it gets the fence when it is needed."""


class Walked(StrEnum):
    """How a walk ended; the run may go on."""

    ENDED = "ended"
    """The run has ended: nothing is left to do."""
    HANDED_OVER = "handed over"
    """The bot was told to stop: the run is open, its jobs go on, and it has to be walked again."""
    FENCED = "fenced"
    """A newer walker has the run: this one has touched nothing since."""


async def walk(run: str, world: World, worker: str, stop: asyncio.Event | None = None) -> Walked:
    """Walk the run from wherever it stands. `worker` names this walker in the journal.

    Set `stop` to have it return HANDED_OVER within about a second. Raises KeyError where there is no such run, and
    what the store raises when it is away; then the run stands as it did, and is walked again.
    """
    walk = _Walk(await world.journals.record(run), world, worker, Halt(stop))
    try:
        return await walk.to_the_end()
    except Fenced:
        return Walked.FENCED
    except HandOver:
        return Walked.HANDED_OVER
    finally:
        await walk.close()


class _Walk:
    def __init__(self, record: RunRecord, world: World, worker: str, halt: Halt) -> None:
        self._record, self._world, self._worker, self._halt = record, world, worker, halt
        self._plan, self._pen = record.plan, Pen(world.journals, record.id)
        self._hands = Hands(record, world, self._pen, halt)
        self._forth, self._back = Forth(self._hands), Homeward(self._hands)
        self._gates, self._shifting = Gates(self._hands, self._forth), Shifting(self._hands)
        self._away = Outage(world.clock.now())

    async def to_the_end(self) -> Walked:
        """Raises Fenced, HandOver."""
        if (await self._pen.read()).ended:
            return Walked.ENDED
        try:
            await self._take_over()
        except Conflict:
            await self._pen.read()
        while True:
            self._halt.check()
            move = decide(self._plan, self._pen.state, self._now())
            if isinstance(move, Over):
                return Walked.ENDED
            try:
                await self._act(move)
            except Conflict:
                await self._pen.read()

    async def close(self) -> None:
        """Nothing more is written."""
        await self._pen.close()

    # --- take-over -----------------------------------------------------------

    async def _take_over(self) -> None:
        """A fence above all there are, on every host that answers, before the first word in the journal."""
        hosts = tuple(seen.name for seen in self._plan.hosts)
        fences = await self._each(self._fence_of, hosts)
        self._pen.fence = await self._world.journals.take_fence(self._plan.environment, max(fences, default=0))
        await self._each(self._raise_there, hosts)
        await self._pen.happened(Took(self._now(), self._pen.fence, self._worker))

    async def _fence_of(self, host: str) -> int:
        """0 where the host does not answer: it gets the fence on its return, before it is asked for anything."""
        try:
            async with asyncio.timeout(TAKE_OVER):
                return (await self._halt.unless(self._world.hosts.survey(host))).fence
        except (Unreachable, HostRefused, TimeoutError):
            return 0

    async def _raise_there(self, host: str) -> None:
        try:
            async with asyncio.timeout(TAKE_OVER):
                await self._hands.reach(host)
        except (Unreachable, HostRefused, TimeoutError):
            return

    # --- moves ---------------------------------------------------------------

    async def _act(self, move: Move) -> None:
        match move:
            case Begin():
                await self._begin((move,))
            case Together():
                await self._begin(move.begins, move.observes)
            case Compare():
                await self._gates.compare(move.step)
            case Observe():
                await self._gates.observe(move.step)
            case ShiftOn():
                await self._shifting.shift(move.step)
            case Put():
                await self._gates.put(move.step)
            case Listen():
                await self._listen(move.until)
            case Pass():
                await self._pen.decided(Done(self._now(), move.step.name, "", Way.FORWARD, move.said))
            case TurnBack():
                await self._turn_back(move)
            case Undo():
                await self._each(lambda host: self._back.walk(move.step, host, patient=True), move.hosts)
            case Revisit():
                await self._revisit(move)
            case Finish():
                await self._pen.decided(Ended(self._now(), move.outcome, move.summary))
            case Over():
                return
            case _:
                assert_never(move)

    async def _begin(self, moves: Sequence[Begin], observes: Sequence[Observe] = ()) -> None:
        """All at once: `started` of all of them is written first, and all are awaited before anything is said."""
        state = self._pen.state
        acts = [(move.step, host) for move in moves for host in move.hosts]
        marks = {(step.name, host): state.mark(step.name, host, Way.FORWARD) for step, host in acts}
        again = {key for key in marks if state.answers.get(key) == TRY_AGAIN}
        begins = [
            Started(self._now(), *key, Way.FORWARD, mark.attempt + 1 if mark else 1)
            for key, mark in marks.items()
            if mark is None or key in again
        ]
        watches = [move.step for move in observes]
        begins += [self._gates.started(one) for one in watches if state.mark(one.name, "", Way.FORWARD) is None]
        if begins:
            await self._pen.decided(*begins)

        async def act(step: Do | Watch, host: str) -> GaveUp | Lost | None:
            if isinstance(step, Watch):
                return await self._gates.observe(step)
            key = (step.name, host)
            return await self._forth.walk(step, host, fresh=marks[key] is None, again=key in again)

        # those on few hosts first: they would else wait for room behind a hundred
        every = [*((one, "") for one in watches), *sorted(acts, key=lambda act: len(act[0].hosts))]
        left = await self._each(lambda one: act(*one), every)
        if isinstance(decide(self._plan, self._pen.state, self._now()), TurnBack):
            return
        if gave_up := [one.why for one in left if isinstance(one, GaveUp) and one.why]:
            await self._turn_back(turn_back(self._plan, self._pen.state, closing.first_of(gave_up)))
        elif lost := [(step, one) for (step, _), one in zip(every, left, strict=True) if isinstance(one, Lost)]:
            await self._ask_about(*lost[0])

    async def _ask_about(self, step: Do | Watch, lost: Lost) -> None:
        """One question at a time; another host that lost its job is asked about after this answer."""
        question = (
            f"{lost.host} was interrupted during {noun(step)}. {closing.known_of(lost.applied)} "
            f"Look at {lost.host}, then choose: {TRY_AGAIN}, or {TURN_BACK}."
        )
        asked = Asked(self._now(), step.name, lost.host, question, (TRY_AGAIN, TURN_BACK), lost.applied)
        await self._pen.decided(asked)

    async def _listen(self, until: datetime | None) -> None:
        """Wait a moment for an answer or a Stop."""
        left = POLL if until is None else min(POLL, max(0.0, (until - self._now()).total_seconds()))
        await self._halt.unless(self._world.clock.sleep(left))
        await self._pen.read()

    async def _turn_back(self, move: TurnBack) -> None:
        """Written before the first undo. The bot's own steps that were under way are broken off with it."""
        now = self._now()
        off = [Failed(now, name, "", Way.FORWARD, closing.BROKEN_OFF) for name in move.broken_off]
        await self._pen.decided(*off, TurnedBack(now, self._hands.words.short(move.why), move.by))

    async def _revisit(self, move: Revisit) -> None:
        """Hosts that are away are tried at once by a walker that is new, and then ever less often."""
        before = self._pen.state.seq
        await self._each(lambda undo: self._back.walk(*undo, patient=False), move.undos)
        if self._pen.state.seq == before:
            await self._back.pause(self._away)
            await self._pen.read()
        else:
            self._away = Outage(self._now())

    async def _each(self, act: Callable[[U], Awaitable[T]], items: Iterable[U]) -> list[T]:
        return await each(act, items, self._world.at_once)

    def _now(self) -> datetime:
        return self._world.clock.now()
