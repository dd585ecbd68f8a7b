"""A step back on one host: what became of it is settled, then it is undone, for as long as that takes."""

from __future__ import annotations

from actions.engine.fold import Mark, Phase
from actions.engine.journal import Started, Waiting, Way
from actions.engine.plan import Do
from actions.engine.ports import HostRefused, LostJob, Unreachable
from actions.engine.runner import closing
from actions.engine.runner.decide import insists
from actions.engine.runner.hands import NOTICE, Hands, Outage

LONGEST_WAIT = 30.0
"""Seconds between two tries of a host that does not answer, at most."""
FOR_GOOD = frozenset({"bad request", "unknown verb", "bad argument", "job mismatch"})
"""Refusals that no repair of the host changes, so that turning back does not wait for one."""


class Homeward:
    """The way back, by one walker's hands."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    async def walk(self, step: Do, host: str, patient: bool) -> None:
        """Settle what became of the step there, or else undo it. Raises Conflict, Fenced, HandOver.

        A host that does not answer becomes an open obligation after a few seconds; not `patient`: at once.
        """
        hands, outage = self._hands, Outage(self._hands.now())
        while True:
            try:
                await hands.reach(host)
                mark = hands.state.mark(step.name, host, Way.FORWARD)
                if mark is not None and mark.phase is Phase.STARTED:
                    return await self._settle(step, host)
                return await self._undo(step, host, mark)
            except Unreachable as gone:
                why = f"it does not answer ({gone.tried})"
            except HostRefused as refused:
                if refused.code in FOR_GOOD:
                    return await hands.say(host, hands.failed(step, host, Way.BACK, str(refused)))
                why, patient = f"it refuses: {str(refused).removeprefix(f'{host}: ')}", False
            hands.fenced.discard(host)
            if not patient or hands.now() - outage.since >= NOTICE:
                return await self._owe(step, host, why)
            await hands.sleep(outage, LONGEST_WAIT)

    async def pause(self, outage: Outage) -> None:
        """Wait before hosts that are away are tried again. Raises HandOver."""
        await self._hands.sleep(outage, LONGEST_WAIT)

    async def _settle(self, step: Do, host: str) -> None:
        """Ask the host what became of a step that was begun; join it, never begin it."""
        hands = self._hands
        try:
            result = await hands.heard(host, hands.join(step, host))
        except LostJob as lost:
            why = "it was interrupted there, and whether it did all of its work is not known"
            return await hands.say(host, hands.failed(step, host, Way.FORWARD, why, lost.applied))
        if result is None:
            return await hands.say(host, hands.never_began(step, host))
        return await hands.say(host, hands.ended(step, host, Way.FORWARD, result))

    async def _undo(self, step: Do, host: str, mark: Mark | None) -> None:
        hands, again = self._hands, False
        if hands.state.mark(step.name, host, Way.BACK) is None:
            if mark and mark.phase is Phase.FAILED and await self._never_ran(step, host):
                return await hands.say(host, hands.never_began(step, host))
            hands.fenced.discard(host)
            await hands.reach(host)  # a host that is away is found out before its undo counts as begun
            await hands.say(host, Started(hands.now(), step.name, host, Way.BACK))
        while True:
            try:
                result = await hands.heard(host, hands.run(step, host, Way.BACK, again))
            except LostJob as lost:
                again = await hands.once_more(step, host, Way.BACK, lost)
                if not again:
                    return None
            else:
                return await hands.say(host, hands.ended(step, host, Way.BACK, result))

    async def _never_ran(self, step: Do, host: str) -> bool:
        """Whether a step that failed was refused before it began; one that still runs is followed to its end."""
        try:
            return await self._hands.heard(host, self._hands.join(step, host)) is None
        except LostJob:
            return False

    async def _owe(self, step: Do, host: str, why: str) -> None:
        """The run stays open for this host, and says so once; a harmless step is not worth waiting for."""
        hands = self._hands
        if not insists(step):
            said = f"{why}; what became of it there is not known, and it is harmless"
            return await hands.pen.happened(hands.failed(step, host, Way.FORWARD, said))
        waiting = hands.state.waiting.get(host)
        if waiting and waiting.way is Way.BACK:
            return None
        served = closing.serves(hands.plan, hands.state, host)
        said = hands.words.short(f"it serves {served}, and {why}" if served else why)
        return await hands.pen.happened(Waiting(hands.now(), host, Way.BACK, said))
