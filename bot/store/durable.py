"""Which Redis may hold approvals: one that forgets nothing, and that not everybody can write to."""

from __future__ import annotations

import logging
from typing import Any, cast

from redis.asyncio import Redis
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError

from bot.store.link import ANSWER, Link, address

LOCAL = ("127.0.0.1", "localhost", "::1")

logger = logging.getLogger(__name__)


class NotDurable(Exception):
    """This Redis may not hold approvals; the message says what to set."""


class Unsafe(NotDurable):
    """Anybody who reaches this Redis could run code in the bot; the message says what to set."""


async def check_durable(link: Link, accept_volatile: bool) -> None:
    """Refuse a Redis that may forget approvals, or that anybody may write to. Raises NotDurable, Unsafe, StoreDown."""
    await _check_password(link)
    persistence = await link.ask("INFO", "persistence")
    memory = await link.ask("INFO", "memory")
    where, accepts = address(link.url), "or write i_accept_losing_approvals = true under [redis] in chom.toml"
    if accept_volatile:
        return
    if int(persistence.get("aof_enabled", 0)) == 0:
        raise NotDurable(
            f"Redis at {where} forgets at a crash: appendonly is off, and approvals and runs under way are kept there. "
            f'Set "appendonly yes" in its redis.conf and restart it, {accepts}.'
        )
    policy = str(memory.get("maxmemory_policy", "noeviction"))
    if int(memory.get("maxmemory", 0)) and policy.startswith("allkeys"):
        raise NotDurable(
            f"Redis at {where} throws keys away when its memory is full: maxmemory-policy is {policy}. "
            f'Set "maxmemory-policy noeviction", {accepts}.'
        )


def _is_local(url: str) -> bool:
    """Whether only this machine can reach it, as far as the URL says."""
    parts: dict[str, Any] = dict(parse_url(url))
    return "path" in parts or parts.get("host", "localhost") in LOCAL


async def _check_password(link: Link) -> None:
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
        unprotected = await link.call(open_to_all)
    finally:
        await stranger.aclose()
    if not unprotected:
        return
    if _is_local(link.url):
        said = "Redis at %s has no password, and other users of this machine reach it: set requirepass"
        logger.warning(said, address(link.url))
        return
    raise Unsafe(
        f"Redis at {address(link.url)} lets anybody in without a password, and whoever writes there can make the "
        'bot run anything. Set "requirepass" in its redis.conf and put the password into CHOM_REDIS_URL '
        '("redis://:PASSWORD@HOST:6379/0").'
    )
