"""The steps that the bot takes itself: compare the hosts with the plan, watch from outside, ask a person."""

from __future__ import annotations

from datetime import timedelta

from actions.engine.fleet import Host
from actions.engine.journal import Asked, Done, Failed, Started, Way
from actions.engine.plan import Ask, Expect, Probe, Watch
from actions.engine.ports import HostRefused, Passed
from actions.engine.runner import closing
from actions.engine.runner.decide import GO_ON, TURN_BACK, TurnBack, decide
from actions.engine.runner.forth import Forth, GaveUp
from actions.engine.runner.halting import each
from actions.engine.runner.hands import Hands
from actions.engine.words import joined


class Gates:
    """One walker's own steps. Their marks have the host ""."""

    def __init__(self, hands: Hands, forth: Forth) -> None:
        self._hands, self._forth = hands, forth

    # --- Expect --------------------------------------------------------------

    async def compare(self, step: Expect) -> None:
        """Survey the hosts, for as long as the run is patient; a host that serves something else is a failure."""
        hands = self._hands
        if hands.state.mark(step.name, "", Way.FORWARD) is None:
            await hands.pen.decided(Started(hands.now(), step.name, "", Way.FORWARD))
        found = await each(lambda host: self._moved(step, host), step.releases, hands.world.at_once)
        if isinstance(decide(hands.plan, hands.state, hands.now()), TurnBack):
            return
        if moved := [why for why in found if why]:
            why = hands.words.short(closing.first_of(moved))
            await hands.pen.happened(Failed(hands.now(), step.name, "", Way.FORWARD, why))
        else:
            await hands.pen.happened(Done(hands.now(), step.name, "", Way.FORWARD, "the servers are as planned"))

    async def _moved(self, step: Expect, host: str) -> str:
        """What is not as planned there; "" where all is."""
        try:
            seen = await self._forth.look(host)
        except HostRefused as refused:
            return str(refused).rstrip(".")
        if isinstance(seen, GaveUp):
            return seen.why
        planned = step.releases[host]
        if seen.current == planned:
            return ""
        now, then = _version(seen, seen.current), _version(seen, planned)
        if now == then:
            return f"{host} serves another {now} now than the one that the plan was made for"
        return f"{host} serves {now} now, and the plan was made for {then}"

    # --- Watch ---------------------------------------------------------------

    async def observe(self, step: Watch) -> None:
        """Probe until all have passed often enough in a row, or one fails at or after the deadline.

        The deadline is the one in the journal, whoever wrote it; the passes in a row are counted anew.
        """
        hands = self._hands
        mark = hands.state.mark(step.name, "", Way.FORWARD)
        if mark is None or mark.deadline is None:
            return await hands.pen.decided(self.started(step))
        row = dict.fromkeys(step.probes, 0)
        while True:
            passed = dict(zip(step.probes, await each(self._probe, step.probes, hands.world.at_once), strict=True))
            row = {probe: row[probe] + 1 if saw.ok else 0 for probe, saw in passed.items()}
            if all(times >= step.need for times in row.values()):
                said = f"{step.need} good answers in a row"
                return await hands.pen.happened(Done(hands.now(), step.name, "", Way.FORWARD, said))
            if hands.now() >= mark.deadline and not all(saw.ok for saw in passed.values()):
                return await self._over(step, passed)
            await hands.halt.unless(hands.world.clock.sleep(step.every))
            state = await hands.pen.read()
            if isinstance(decide(hands.plan, state, hands.now()), TurnBack):
                return None

    def started(self, step: Watch) -> Started:
        """The entry before the first probe, with the deadline."""
        now = self._hands.now()
        return Started(now, step.name, "", Way.FORWARD, 1, now + timedelta(seconds=step.seconds))

    async def _probe(self, probe: Probe) -> Passed:
        return await self._hands.halt.unless(self._hands.world.prober.probe(probe))

    async def _over(self, step: Watch, passed: dict[Probe, Passed]) -> None:
        saw = joined(f"{probe.url}: {seen.why}" for probe, seen in passed.items() if not seen.ok)
        hands = self._hands
        await hands.pen.happened(Failed(hands.now(), step.name, "", Way.FORWARD, hands.words.short(saw)))

    # --- Ask -----------------------------------------------------------------

    async def put(self, step: Ask) -> None:
        """Put the question, with its deadline."""
        hands, now = self._hands, self._hands.now()
        started = Started(now, step.name, "", Way.FORWARD, 1, now + timedelta(seconds=step.seconds))
        await hands.pen.decided(started, Asked(now, step.name, "", step.question, (GO_ON, TURN_BACK)))


def _version(host: Host, release: str) -> str:
    """A release as a person knows it: by its version, where that is known."""
    known = host.release(release)
    return known.version if known and known.version else release or "nothing"
