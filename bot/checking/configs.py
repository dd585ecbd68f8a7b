"""CHOM_CONFIG_KEY: can what is stored be applied, and can anything be stored?"""

from __future__ import annotations

from actions.engine.fleet import CannotPlan
from actions.engine.words import counted
from bot.checking.found import Found
from bot.config import Settings
from bot.configs import KEY, BadKey, Vault, keys_of
from bot.store import Store, StoreDown

_UNSET = (
    f"{KEY} is not set, so no change of the servers' environment file can be stored; `chom-bot config key` makes one "
    "for secrets.env."
)


async def configs(settings: Settings, ask: bool = True) -> Found:
    """Reads what is stored, unless it may not `ask` Redis, and writes nothing; that Redis is away is said elsewhere."""
    try:
        cipher = keys_of(settings.config_key)
    except BadKey as bad:
        return Found(KEY, faults=(f"{bad} chom-bot serve does not start with it.",))
    if not ask:
        return Found(KEY, notes=() if cipher else (_UNSET,))
    store = Store(settings.redis_url, patience=2.0)
    try:
        stored = {id_ for name in settings.environments for id_ in await _stored(store, name)}
        if cipher is None:
            return Found(KEY, faults=_lost(stored), notes=() if stored else (_UNSET,))
        faults = [said for id_ in sorted(stored) if (said := await _unread(Vault(store, cipher), id_))]
    except StoreDown:
        return Found(KEY)
    finally:
        await store.close()
    kept = f"is set; {counted(len(stored), 'change')} of the environment file can be read with it"
    return Found(KEY, kept, tuple(faults))


async def _stored(store: Store, environment: str) -> list[str]:
    """Ids of what is still there."""
    return [id_ for id_ in await store.configs(environment) if await store.config(id_) is not None]


def _lost(stored: set[str]) -> tuple[str, ...]:
    if not stored:
        return ()
    known = counted(len(stored), "change")
    return (
        f"{KEY} is not set, and {known} of the environment file {'is' if len(stored) == 1 else 'are'} stored with one "
        f"({', '.join(sorted(stored))}). Set it, or forget what it was for: `chom-bot config drop ID`.",
    )


async def _unread(vault: Vault, id_: str) -> str:
    """Why it cannot be read, "" where it can. Raises StoreDown."""
    try:
        await vault.open(id_)
    except CannotPlan as cannot:
        return f"{cannot} Or forget it: `chom-bot config drop {id_}`."
    return ""
