"""The bot's own Redis: does it keep what it is told, and from others?"""

from __future__ import annotations

from bot.checking.found import Found
from bot.config import Settings
from bot.store import Store, StoreDown
from bot.store.link import address


async def redis(settings: Settings) -> Found:
    """Reads, and writes nothing."""
    store = Store(settings.redis_url, patience=2.0)
    try:
        faults = await store.faults(settings.redis_without_aof)
        notes = await store.notes()
    except StoreDown as down:
        return Found("Redis", faults=(str(down),))
    finally:
        await store.close()
    return Found("Redis", f"{address(settings.redis_url)} keeps what it is told", faults, notes)
