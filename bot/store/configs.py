"""Edits of environment files in the store: as ciphertext only; who stored them and when stands beside it."""

from __future__ import annotations

from bot.store.link import Part, redis_key

LIVES = 30 * 86400
"""Seconds for which edits are kept: the servers keep what was applied, and no secret lies about for ever."""
NEWEST = 50
"""So many of an environment are listed."""


class Configs(Part):
    """The part of Store for edits of environment files."""

    async def put_config(self, environment: str, id_: str, at: float, sealed: bytes) -> None:
        """Keep them; asking twice is as once."""
        await self.link.ask("SET", redis_key("config", id_), sealed.decode("ascii"), "EX", LIVES)
        key = redis_key("configs", environment)
        await self.link.ask("ZADD", key, at, id_)
        await self.link.ask("ZREMRANGEBYRANK", key, 0, -NEWEST - 1)
        await self.link.ask("EXPIRE", key, LIVES)

    async def config(self, id_: str) -> bytes | None:
        """The ciphertext, None where there is none (any more)."""
        sealed = await self.link.ask("GET", redis_key("config", id_))
        return None if sealed is None else str(sealed).encode("ascii")

    async def configs(self, environment: str) -> list[str]:
        """Ids, newest first; the oldest of them may be gone."""
        return await self.link.ask("ZREVRANGE", redis_key("configs", environment), 0, -1)

    async def drop_config(self, environment: str, id_: str) -> None:
        """Forget them."""
        await self.link.ask("DEL", redis_key("config", id_))
        await self.link.ask("ZREM", redis_key("configs", environment), id_)
