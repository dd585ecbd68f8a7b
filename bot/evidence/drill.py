"""Evidence "drill": a disaster-recovery drill passed lately, recorded by hand until a drill is an action of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from actions.engine.words import instant, plain
from bot.desk.planning import Refusal
from bot.desk.roster import Roster
from bot.desk.witness import Witness
from bot.evidence import lacking
from bot.store import Store
from bot.store.proofs import Drill
from policies.change import Change, Evidence, Person

NAME = "drill"
MOST = 300
"""Characters that are kept of what somebody wrote."""


@dataclass(frozen=True, slots=True)
class Drills:
    """The newest counts, whatever it says."""

    store: Store
    roster: Roster

    async def read(self, change: Change, now: datetime) -> Evidence:
        """Holds until the drill is older than the rules allow. Raises StoreDown."""
        within = change.requirement.times.get(NAME, timedelta(days=30))
        newest = max((one for one in await self.store.drills() if one.at <= now), key=lambda one: one.at, default=None)
        if newest is None:
            todo = '`chom-bot evidence add drill --passed "what was tried"` records one.'
            return lacking(NAME, f"No DR drill was recorded. {todo}", now)
        hand = self.by_hand(newest)
        if not newest.passed:
            return lacking(NAME, f"The last DR drill failed ({instant(newest.at)}; {hand}).", now)
        until = newest.at + within
        if now >= until:
            old = (
                f"The last DR drill is older than {within.days} days" if within.days else "The last DR drill is too old"
            )
            return lacking(NAME, f"{old} ({instant(newest.at)}; {hand}).", now)
        return Evidence(NAME, True, f"A DR drill passed {instant(newest.at)} ({hand}).", now, until)

    def by_hand(self, drill: Drill) -> str:
        """ "recorded by hand by Ola Ops: “the backup was restored”"."""
        person = self.roster.configured.get(drill.by)
        return f"recorded by hand by {person.name if person else drill.by}: “{drill.said}”"

    async def add(self, who: Person, account: str, passed: bool, said: str, now: datetime, witness: Witness) -> Drill:
        """Record one. Raises Refusal where the person has no role, or has written nothing; StoreDown."""
        async with witness.refusing(who.id, account, wanted="record a drill"):
            words = self._checked(who, said)
        await witness.recorded(who.id, account, f"DR drill {'passed' if passed else 'failed'}: {words}")
        drill = Drill(f"drill-{secrets.token_hex(4)}", now, who.id, account, passed, words)
        await self.store.add_drill(drill)
        return drill

    @staticmethod
    def _checked(who: Person, said: str) -> str:
        """The words as they are kept. Raises Refusal."""
        if not who.roles:
            raise Refusal(
                f"{who.name} has no role in chom.toml, so cannot record evidence. A Tech Lead, DevOps, the CTO, "
                "somebody on call or a team member can."
            )
        if not (words := plain(said)[:MOST]):
            raise Refusal('Say what was tried, for example: --passed "the backup of 3 November was restored on app2".')
        return words
