"""The disaster-recovery drill that the sandbox begins with, recorded as an operator would."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.sandbox.toml import AT_THE_SHELL, logins
from bot.store import Store
from bot.store.proofs import Drill


async def record_drill(redis_url: str) -> None:
    """Once for each Redis. Raises StoreDown."""
    store = Store(redis_url)
    try:
        said = "the backup of production was restored on staging"
        who = f"unix:{logins()[0]}"
        await store.add_drill(Drill("drill-first", datetime.now(UTC), AT_THE_SHELL, who, True, said))
    finally:
        await store.close()
