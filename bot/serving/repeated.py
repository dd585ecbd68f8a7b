"""What a bot that serves looks at again and again: a Redis that is away ends none of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.store import StoreDown

logger = logging.getLogger(__name__)


async def repeated(look: Callable[[], Awaitable[None]], pause: float) -> None:
    """Look until cancelled, with `pause` seconds between two looks. A StoreDown of one is logged; the next comes."""
    while True:
        try:
            await look()
        except StoreDown as fault:
            logger.warning("%s", fault)
        await asyncio.sleep(pause)
