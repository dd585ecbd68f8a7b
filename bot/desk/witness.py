"""Writes down who decided what: what was refused too, and in the words in which it was said to them."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actions.engine.ports import Clock
from bot.desk.planning import Refusal
from bot.store import Store, StoreDown
from bot.store.decisions import Act, Decision
from policies.change import Change, ChangeType
from policies.sentences import of_which_kind

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

    def started(self, change: Change, by: str) -> Decision:
        """Of a start; an emergency is an override, and says of what."""
        asked = change.requirement
        act = Act.OVERRIDDEN if asked.type is ChangeType.EMERGENCY else Act.STARTED
        return self.decision(act, change, by, said=of_which_kind(change) or asked.because)

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
