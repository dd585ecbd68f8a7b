"""One bot tails at a time: a lease in the store that another takes over within seconds of its holder's death."""

from __future__ import annotations

import asyncio
from typing import Protocol

NAME = "slack-tail"
CAUTION = 0.8
"""The part of the lease's time for which its holder believes in it: the rest is for calls that are under way."""


class Names(Protocol):
    """What a lease needs of the store."""

    async def hold_instance(self, name: str, owner: str, ttl_s: float, stale: str = "") -> str: ...
    async def release_instance(self, name: str, owner: str) -> None: ...


class Lease:
    """On `name`, held by `owner` for `seconds` after each `renew`. Raises StoreDown."""

    def __init__(self, store: Names, owner: str, seconds: float, name: str = NAME) -> None:
        self._store, self._owner, self._seconds, self._name = store, owner, seconds, name
        self._until = float("-inf")

    @property
    def mine(self) -> bool:
        """Whether this bot may write; known without asking, so that it holds at the moment of a call."""
        return asyncio.get_running_loop().time() < self._until

    async def renew(self) -> None:
        """Take or keep it, where nobody else has it."""
        asked = asyncio.get_running_loop().time()
        other = await self._store.hold_instance(self._name, self._owner, self._seconds)
        self._until = float("-inf") if other else asked + self._seconds * CAUTION

    async def give_up(self) -> None:
        """Let another have it at once."""
        self._until = float("-inf")
        await self._store.release_instance(self._name, self._owner)
