"""The real time, behind the port through which the runner and the desk see all time there is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, in UTC and aware of it."""

    def now(self) -> datetime:
        """This moment, with tzinfo UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """At least that many seconds; nothing or less returns after one turn of the event loop."""
        await asyncio.sleep(max(0.0, seconds))
