"""Which Redis may hold approvals: one that forgets nothing, and that not everybody can write to."""

from __future__ import annotations

import logging
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError

from bot.store.link import ANSWER, Link, address, redis_key

LOCAL = ("127.0.0.1", "localhost", "::1")
_UNSAFE = (
    "Redis at {} lets anybody in without a password, and whoever writes there can make the bot run anything. "
    'Set "requirepass" in its redis.conf and put the password into CHOM_REDIS_URL '
    '("redis://:PASSWORD@HOST:6379/0").'
)
_PASSWORDLESS = "Redis at {} has no password, and other users of this machine reach it: set requirepass."

logger = logging.getLogger(__name__)


class NotDurable(Exception):
    """This Redis may not hold approvals; the message says what to set."""


class Unsafe(NotDurable):
    """Anybody who reaches this Redis could run code in the bot; the message says what to set."""


async def check_durable(link: Link, accept_volatile: bool) -> None:
    """Refuse a Redis that may forget approvals, or that anybody may write to. Raises NotDurable, Unsafe, StoreDown."""
    for fault in await faults_of(link, accept_volatile):
        raise fault
    if await _is_open(link):
        logger.warning("%s", _PASSWORDLESS.format(address(link.url)))


async def faults_of(link: Link, accept_volatile: bool) -> tuple[NotDurable, ...]:
    """All that keeps this Redis from holding approvals, the gravest first. Raises StoreDown."""
    faults: list[NotDurable] = []
    if not is_local(link.url) and await _is_open(link):
        faults.append(Unsafe(_UNSAFE.format(address(link.url))))
    persistence = await link.ask("INFO", "persistence")
    memory = await link.ask("INFO", "memory")
    where, accepts = address(link.url), "or write i_accept_losing_approvals = true under [redis] in chom.toml"
    if accept_volatile:
        return tuple(faults)
    if int(persistence.get("aof_enabled", 0)) == 0:
        faults.append(
            NotDurable(
                f"Redis at {where} forgets at a crash: appendonly is off, and approvals and runs under way are kept "
                f'there. Set "appendonly yes" in its redis.conf and restart it, {accepts}.'
            )
        )
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if int(memory.get("maxmemory", 0)) and policy.startswith("allkeys"):
        faults.append(
            NotDurable(
                f"Redis at {where} throws keys away when its memory is full: maxmemory-policy is {policy}. "
                f'Set "maxmemory-policy noeviction", {accepts}.'
            )
        )
    return tuple(faults)


async def notes_of(link: Link) -> tuple[str, ...]:
    """What is worth a look and keeps nothing from working. Raises StoreDown."""
    where = address(link.url)
    notes = [_PASSWORDLESS.format(where)] if is_local(link.url) and await _is_open(link) else []
    if foreign := await _foreign(link):
        notes.append(
            f"Redis at {where} holds keys that are not the bot's ({foreign[:60]}): give the bot a Redis of its own, "
            "never CHOM's, since whoever can write there can make the bot run anything."
        )
    return tuple(notes)


async def _foreign(link: Link) -> str:
    """A key of another program's, "" where none is among the first that there are."""
    _, keys = await link.ask("SCAN", 0, "COUNT", 1000)
    return next((str(key) for key in keys if not str(key).startswith(redis_key(""))), "")


def is_local(url: str) -> bool:
    """Whether only this machine can reach it, as far as the URL says."""
    parts: dict[str, Any] = dict(parse_url(url))
    return "path" in parts or parts.get("host", "localhost") in LOCAL


async def _is_open(link: Link) -> bool:
    """Whether it lets a stranger in. Raises StoreDown."""
    parts: dict[str, Any] = dict(parse_url(link.url))
    parts |= {"socket_timeout": ANSWER, "socket_connect_timeout": ANSWER, "retry": Retry(NoBackoff(), 0)}
    parts |= {"username": None, "password": None}
    stranger: Any = Redis.from_pool(cast(Any, ConnectionPool)(**parts))

    async def open_to_all() -> bool:
        try:
            return bool(await stranger.ping())
        except AuthenticationError:
            return False
        except ResponseError as refused:
            if str(refused).startswith(("NOAUTH", "NOPERM")):
                return False
            raise

    try:
        return await link.call(open_to_all)
    finally:
        await stranger.aclose()
