"""A step forward on one host: begun, followed to its end, and given up only after the run's patience."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from actions.engine.fleet import Artifact, CannotPlan, Host
from actions.engine.journal import Waiting, Way
from actions.engine.plan import Again, Do
from actions.engine.ports import HostRefused, LostJob, Result, Unreachable
from actions.engine.runner.decide import TurnBack, decide
from actions.engine.runner.hands import NOTICE, Hands, Outage
from actions.engine.words import took

LONGEST_WAIT = 15.0
"""Seconds between two tries of a host that does not answer, at most."""
HELD = timedelta(seconds=60)
"""A connection that broke after it had held for longer is a new outage, with patience of its own."""
SPARED = NOTICE
"""For so long a host may be silent in a step that need not succeed; the environment is not kept locked for it."""


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The host did not answer for as long as the run is patient; "" where the walk has another reason to turn back."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The host lost the job, and a person has to decide."""

    host: str
    applied: tuple[str, ...]
    """Migrations it is known to have applied before."""


class Forth:
    """The forward way, by one walker's hands."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    async def look(self, host: str) -> Host | GaveUp:
        """Survey the host, for as long as the run is patient. Raises HostRefused."""
        hands, outage = self._hands, Outage(self._hands.now())
        while True:
            try:
                await hands.reach(host)
                seen = await hands.halt.unless(hands.world.hosts.survey(host))
            except Unreachable as gone:
                if gave_up := await self._endure(host, gone, outage):
                    return gave_up
            else:
                await hands.say(host)
                return seen

    async def walk(self, step: Do, host: str, fresh: bool, again: bool) -> GaveUp | Lost | None:
        """Begin the step there, or follow it, to its end; None once that is written down.

        `fresh`: it cannot have begun before. `again`: a person said to run the lost job once more.
        Raises Conflict, Fenced, HandOver.
        """
        hands, outage = self._hands, Outage(self._hands.now())
        held = HELD if step.must else SPARED
        while True:
            reached = hands.now()
            try:
                await hands.reach(host)
                reached = hands.now()
                result = await hands.heard(host, self._begin(step, host, fresh, again))
            except Unreachable as gone:
                if hands.now() - reached > held:
                    outage = Outage(hands.now())
                fresh = again = False
                if not step.must:
                    if await self._is_spared(step, host, gone, outage):
                        return None
                elif gave_up := await self._endure(host, gone, outage):
                    return gave_up
            except LostJob as lost:
                await hands.say(host)
                if step.again is Again.ASK:
                    return await self._ask_about(step, host, lost)
                fresh, again = False, await hands.once_more(step, host, Way.FORWARD, lost)
                if not again:
                    return None
            except (HostRefused, CannotPlan) as refused:
                return await hands.say(host, hands.failed(step, host, Way.FORWARD, str(refused)))
            else:
                return await hands.say(host, hands.ended(step, host, Way.FORWARD, result))

    async def _begin(self, step: Do, host: str, fresh: bool, again: bool) -> Result:
        hands = self._hands
        if step.artifact or step.revision:
            known = None if fresh or again else await hands.join(step, host)
            if known is not None:
                return known
        if step.artifact:
            artifact = Artifact(hands.plan.version, hands.plan.commit, step.artifact, 0)
            progress = hands.words.progress(hands.live(step, host))
            await hands.halt.unless(hands.world.hosts.upload(host, artifact, progress))
        if step.revision:
            await hands.halt.unless(hands.world.hosts.upload_config(host, step.revision))
        return await hands.run(step, host, Way.FORWARD, again)

    async def _ask_about(self, step: Do, host: str, lost: LostJob) -> Lost | None:
        """A person decides about what has to succeed; nobody is woken for the rest."""
        if step.must:
            return Lost(host, lost.applied)
        why = "it was interrupted there, and whether it did all of its work is not known"
        return await self._hands.say(host, self._hands.failed(step, host, Way.FORWARD, why, lost.applied))

    async def _is_spared(self, step: Do, host: str, gone: Unreachable, outage: Outage) -> bool:
        """Wait until the next try; True where there is none: what need not succeed is given up there, and said.

        What was begun there may go on. It is this run's last word on it: a later run has a higher fence there.
        """
        hands = self._hands
        hands.fenced.discard(host)
        if hands.now() - outage.since < SPARED:
            await hands.sleep(outage, LONGEST_WAIT)
            return False
        why = f"it does not answer ({gone.tried}); whether it ran there is not known"
        await hands.pen.happened(hands.failed(step, host, Way.FORWARD, why))
        return True

    async def _endure(self, host: str, gone: Unreachable, outage: Outage) -> GaveUp | None:
        """Wait until the next try; GaveUp where there is none."""
        hands = self._hands
        hands.fenced.discard(host)
        now, waiting = hands.now(), hands.state.waiting.get(host)
        since = waiting.at if waiting else outage.since
        if now - since >= timedelta(seconds=hands.world.patience):
            tried = hands.words.short(f"{host} did not answer for {took(since, now)} ({gone.tried})")
            return GaveUp(f"{tried}. {gone.advice}".rstrip(". "))
        if waiting is None and now - since >= NOTICE:
            why = hands.words.short(f"it does not answer ({gone.tried})")
            await hands.pen.happened(Waiting(since, host, Way.FORWARD, why))
        await hands.sleep(outage, LONGEST_WAIT)
        state = await hands.pen.read()
        return GaveUp("") if isinstance(decide(hands.plan, state, hands.now()), TurnBack) else None
