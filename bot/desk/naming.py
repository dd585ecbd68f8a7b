"""What a new change is called, and the second that its release and its logs are called by."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from actions.engine.ports import Clock
from bot.store import Store

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_REMEMBERED_S = 86400.0
"""Seconds for which a second is known to be taken; by then no clock says it again."""


def new_id() -> str:
    """ "chg-7f3kq2", with nothing in it that is read as another character."""
    return "chg-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))


async def own_second(store: Store, clock: Clock, environment: str) -> datetime:
    """Now or a little later: the release and the logs are called by it, so no two changes there have the same."""
    at = clock.now().replace(microsecond=0)
    while not await store.first_time(f"asked:{environment}:{at.isoformat()}", _REMEMBERED_S):
        at += timedelta(seconds=1)
    return at
