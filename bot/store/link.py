"""The wire to Redis: every call may be repeated safely, so it is, until Redis is back or patience ends."""

from __future__ import annotations

import asyncio
import builtins
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from actions.engine.ports import Conflict, Occupied

T = TypeVar("T")

LUA = Path(__file__).parent / "lua"
_REFUSED = re.compile(r"Error (-?\d+) connecting to \S+ (.*)\.$")
"""redis-py, of a connection that could not be made: the number of the error, and what the loop says of it."""
ANSWER = 5.0
"""Seconds for which one answer is waited for."""
CONNECTIONS = 16
FEED_CAP = 10_000
"""About how many touches the feed keeps; a reader that is further behind starts from the oldest kept."""

logger = logging.getLogger(__name__)


class StoreDown(Exception):
    """Redis does not answer, or refuses; the message is a sentence. What was asked may or may not have happened."""


class AskedAlready(Exception):
    """The same is asked for in `change`, which waits; or `change` has asked again for it already."""

    def __init__(self, change: str, *, again: bool) -> None:
        super().__init__(change)
        self.change, self.again = change, again


def address(url: str) -> str:
    """Where the Redis of that URL is, without its password."""
    parts: dict[str, Any] = dict(parse_url(url))
    return str(parts.get("path") or f"{parts.get('host', 'localhost')}:{parts.get('port', 6379)}")


def _client(url: str, answer: float | None, connections: int) -> Any:
    """A client that repeats nothing by itself: a write that is repeated blindly may count twice."""
    pool: Any = cast(Any, BlockingConnectionPool).from_url(
        url,
        max_connections=connections,
        timeout=None,
        socket_timeout=answer,
        socket_connect_timeout=ANSWER,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
    )
    return Redis.from_pool(pool)


def passes(error: Exception) -> bool:
    """Whether it may be over by itself: an outage, a restart, a disk that is full, a failover."""
    if isinstance(error, AuthenticationError | AuthorizationError):
        return False
    if isinstance(error, ConnectionError | TimeoutError | ReadOnlyError | OutOfMemoryError | OSError):
        return True
    return isinstance(error, ResponseError) and str(error).startswith(("MISCONF", "LOADING", "MASTERDOWN"))


class Link:
    """One client for short calls and one for reads that block."""

    def __init__(self, url: str, patience: float) -> None:
        self.url, self.patience = url, patience
        self._away = False
        self._redis = _client(url, ANSWER, CONNECTIONS)
        self._blocking = _client(url, None, 8)
        scripts = {path.stem: path.read_text(encoding="utf-8") for path in sorted(LUA.glob("*.lua"))}
        self._scripts = {name: self._redis.register_script(text) for name, text in scripts.items()}

    async def call(self, ask: Callable[[], Awaitable[T]], patience: float | None = None) -> T:
        """Ask until there is an answer. Raises StoreDown after `patience` seconds, or at once for what cannot pass."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        wait = 0.05
        while True:
            try:
                answer = await _heeding_cancel(ask)
            except (RedisError, OSError) as error:
                if not passes(error) or time.monotonic() + wait > deadline:
                    raise StoreDown(self._sentence(error)) from error
                self._note(_why(error))
            else:
                self._note("")
                return answer
            await asyncio.sleep(wait)
            wait = min(wait * 2, 1.0)

    async def script(
        self, name: str, keys: Sequence[str], argv: Sequence[str | int | float], patience: float | None = None
    ) -> tuple[str, str]:
        """Run one of bot/store/lua; its first word and what it says beside. Raises StoreDown."""
        script = self._scripts[name]

        async def ask() -> list[str]:
            return await script(keys=keys, args=argv)

        word, *rest = await self.call(ask, patience)
        return word, rest[0] if rest else ""

    async def ask(self, *command: str | int | float, patience: float | None = None) -> Any:
        """One command that may be repeated; its answer as redis-py parses it. Raises StoreDown."""
        return await self.call(lambda: self._redis.execute_command(*command), patience)

    async def tail(self, stream: str, after: str, block_s: float) -> list[tuple[str, dict[str, str]]]:
        """What was added after that id, waiting up to `block_s` for the first. Raises StoreDown."""

        async def read() -> Any:
            async with asyncio.timeout(block_s + ANSWER):
                return await self._blocking.xread({stream: after}, count=500, block=max(1, int(block_s * 1000)))

        return [line for _, lines in await self.call(read) for line in lines]

    async def close(self) -> None:
        """Close both clients."""
        await self._redis.aclose()
        await self._blocking.aclose()

    def _note(self, trouble: str) -> None:
        """Log an outage once, and its end."""
        if trouble and not self._away:
            logger.warning("Redis at %s is away (%s); it is asked again until it answers", address(self.url), trouble)
        if self._away and not trouble:
            logger.info("Redis at %s answers again", address(self.url))
        self._away = bool(trouble)

    def _sentence(self, error: Exception) -> str:
        where = address(self.url)
        if isinstance(error, AuthenticationError | AuthorizationError):
            return f"Redis at {where} refuses the password; correct CHOM_REDIS_URL."
        if not passes(error):
            return f"Redis at {where} refuses: {error}."
        return f"Redis at {where} does not answer ({_why(error)}). Nothing can be decided until it is back."


def _why(error: Exception) -> str:
    """What keeps it from answering, in the operating system's words: "connection refused"."""
    if isinstance(error, TimeoutError | builtins.TimeoutError):
        return "no answer in time"
    if found := _REFUSED.match(str(error)):
        return os.strerror(int(found[1])).lower() if int(found[1]) > 0 else found[2].lower()
    return str(error).rstrip(".") or "the connection broke"


async def _heeding_cancel(ask: Callable[[], Awaitable[T]]) -> T:
    """What `ask` gives; CancelledError where this task was cancelled meanwhile.

    redis-py sends under asyncio.wait_for, which before Python 3.12 loses a cancel that comes as the sending ends.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    answer = await ask()
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return answer


class Part:
    """What the parts of Store share."""

    link: Link
    walk_patience: float
    """Seconds for which a walker's writes wait for a Redis that is away."""


def redis_key(kind: str, name: str | None = None) -> str:
    """One of the keys in the table of bot/store.py."""
    return f"chom:{kind}" if name is None else f"chom:{kind}:{name}"


def sets(kind: str, environment: str) -> tuple[str, str]:
    """The set of all environments, and that of one."""
    return redis_key(kind, ""), redis_key(kind, environment)


def check(word: str, said: str, id_: str) -> None:
    """Raise what a script answered, where it is not OK: KeyError, Conflict, Occupied."""
    match word:
        case "OK":
            return
        case "MISSING":
            raise KeyError(id_)
        case "CONFLICT":
            raise Conflict(said)
        case "OCCUPIED":
            raise Occupied(said)
        case "SAME" | "AGAIN":
            raise AskedAlready(said, again=word == "AGAIN")
        case _:
            raise StoreDown(f"Redis answered {word} of {id_}, which this version of the bot does not know.")
