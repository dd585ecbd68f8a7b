"""An approved change whose bot died before it could open the run is started by whichever bot is there.

It is judged again and its plan is made again, as on a click; of two bots that see it, one opens the run. What waits
for people or evidence is looked at once when its environment is free again: where the change before it has moved its
plan it is void, and nobody approves or clicks what could not start.
"""

from __future__ import annotations

import logging
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.desk.desk import Desk
from bot.desk.planning import Refusal
from bot.desk.view import ChangeView
from bot.store import StoreDown
from policies.change import Allowed, Approval, Refused, WhenReady, Word

GRACE = timedelta(seconds=5)
"""For so long after the last word the bot that took it is left to start the change."""
EVERY = 2.0
"""Seconds between two looks at what waits."""
AFTER_A_FAULT = 60.0
"""Seconds for which a change is left alone whose start met a fault of ours."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class LateStarts:
    """Starts what was left approved; where it may not start now, it waits for a click, as it would after one."""

    desk: Desk
    _faults: dict[str, float] = field(default_factory=dict[str, float])
    """change -> monotonic time of the next try."""
    _looked: set[str] = field(default_factory=set[str])
    """What waits and was looked at since its environment is free."""

    async def look(self) -> None:
        """Look once at everything that waits. Raises StoreDown."""
        waiting = await self.desk.store.waiting()
        self._looked.intersection_update(waiting)
        for change in waiting:
            if time.monotonic() < self._faults.get(change, 0.0):
                continue
            try:
                await self._start_if_left(change)
            except Refusal as refused:
                logger.warning("%s waits and cannot start: %s", change, refused.said)
            except StoreDown:
                raise
            except Exception:
                self._faults[change] = time.monotonic() + AFTER_A_FAULT
                logger.exception("Starting %s failed (reference %s)", change, secrets.token_hex(4))

    async def _start_if_left(self, change: str) -> None:
        view = await self.desk.view(change)
        if view.run.opened or isinstance(view.verdict, Refused):
            return
        if view.held or not isinstance(view.verdict, Allowed):
            await self._look_again(view)
        if not isinstance(view.verdict, Allowed) or view.now - _last_word_at(view) < GRACE:
            return
        if not view.held and view.change.requirement.evidence and _asks(view):
            await self.desk.store.set_held(change, len(view.approvals))
        elif not view.held:
            logger.info("%s was left approved and not started; it is started now", change)
            await self.desk.start(view, _last_word(view))

    async def _look_again(self, view: ChangeView) -> None:
        """Void it where its plan has moved. Its servers are asked once, after each change that it waited beside."""
        change = view.change
        if await self.desk.store.open_run_of(change.environment):
            self._looked.discard(change.id)
        elif change.id not in self._looked:
            self._looked.add(change.id)
            if view.now - change.at > GRACE:
                await self.desk.void_if_moved(change)


def _asks(view: ChangeView) -> bool:
    return view.change.requirement.when_ready is WhenReady.ASK


def _given(view: ChangeView) -> list[Approval]:
    return [a for a in view.approvals if a.word is Word.APPROVE and a.digest == view.change.digest]


def _last_word(view: ChangeView) -> str:
    given = _given(view)
    return given[-1].person if given else view.change.requester


def _last_word_at(view: ChangeView) -> datetime:
    return max([view.change.at, *(approval.at for approval in _given(view))])
