"""Writes down who decided what: what was refused too, and in the words in which it was said to them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actions.engine.ports import Clock
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.store import Store, StoreDown
from bot.store.decisions import Act, Decision
from policies.change import Change, Evidence
from policies.sentences import together

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Witness:
    """`rules` is the sha256 of the rules table that this bot judges by; `redact` strikes out secrets."""

    store: Store
    clock: Clock
    rules: str
    redact: Callable[[str], str]

    def decision(self, act: Act, change: Change, person: str, account: str = "", said: str = "") -> Decision:
        """To be written beside what it is about; `person` is an id."""
        return self._made(act, change.id, person, account, change.digest, said)

    def started(self, view: ChangeView, by: str) -> Decision:
        """Of a start, with the evidence it rests on; an emergency is an override, and says of what."""
        act = Act.OVERRIDDEN if view.pressing else Act.STARTED
        rests = (f"{gate.title}: {gate.said}" for gate in view.gates)
        because = view.kind or view.change.requirement.because
        return self.decision(act, view.change, by, said=together([because, *rests]))

    async def evidence(self, change: Change, one: Evidence) -> None:
        """It began or ceased to hold for that change. Raises StoreDown."""
        how = "holds" if one.holds else "no longer holds"
        await self.store.decide(self.decision(Act.EVIDENCE, change, "", said=f"{one.name} {how}: {one.said}"))

    async def recorded(self, person: str, account: str, said: str) -> None:
        """Somebody recorded that by hand. Raises StoreDown."""
        await self.store.decide(self._made(Act.EVIDENCE, "", person, account, "", said))

    @asynccontextmanager
    async def refusing(
        self, person: str, account: str, change: str = "", digest: str = "", wanted: str = ""
    ) -> AsyncGenerator[None]:
        """A Refusal in it is written down, with what was wanted, and goes on. `person` is an id, "" for a stranger."""
        try:
            yield
        except Refusal as refused:
            said = f"{wanted}: {refused.said}" if wanted else refused.said
            try:
                await self.store.decide(self._made(Act.REFUSED, change, person, account, digest, said))
            except StoreDown as down:
                logger.warning("that %s was refused is not written down: %s", person, down)
            raise

    def _made(self, act: Act, change: str, person: str, account: str, digest: str, said: str) -> Decision:
        now, token = self.clock.now(), secrets.token_hex(8)
        return Decision(act, change, person, account, now, digest, self.rules, self.redact(said), token)
