"""Edits of environment files: encrypted before they leave this process, and opened only to be given to a server.

The cipher is Fernet (AES-128-CBC with HMAC-SHA256, of the cryptography library), with the newest of the keys in
CHOM_CONFIG_KEY; the others open what was stored before they were replaced. What is sealed names its own id and
environment, so that nothing in the store can be put in the place of another.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import TypeAdapter, ValidationError

from actions.engine.fleet import CannotPlan
from actions.engine.revisions import Revision
from bot.store import Store

KEY = "CHOM_CONFIG_KEY"
NO_KEY = (
    f"{KEY} is not set, so no configuration can be stored or read. `config key` makes one; README says where to put it."
)
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


class BadKey(ValueError):
    """CHOM_CONFIG_KEY is none; the message never repeats it."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    id: str
    environment: str
    at: float
    by: str
    edits: str
    """JSON, exactly as the servers get it."""


_SEALED = TypeAdapter(_Sealed)


def keys_of(told: str) -> MultiFernet | None:
    """The cipher of "newest,older,…"; None for "". Raises BadKey."""
    words = [word for word in told.replace(",", " ").split() if word]
    try:
        return MultiFernet([Fernet(word) for word in words]) if words else None
    except ValueError:
        raise BadKey(f"{KEY} is no key, or no list of keys with commas; `chom-bot config key` makes one.") from None


def fresh_key() -> str:
    """A new key."""
    return Fernet.generate_key().decode("ascii")


def edits_of(sets: Mapping[str, str], unset: Sequence[str]) -> bytes:
    """The edits as the servers get them, with a salt that makes their sha256 tell nothing."""
    return json.dumps({"salt": secrets.token_hex(32), "set": dict(sets), "unset": list(unset)}).encode()


@dataclass(frozen=True, slots=True)
class Vault:
    """Implements ports.Configs on the bot's store."""

    store: Store
    cipher: MultiFernet | None

    async def put(self, environment: str, by: str, edits: bytes, at: datetime) -> Revision:
        """Store them. Raises CannotPlan without a key, StoreDown."""
        if self.cipher is None:
            raise CannotPlan(NO_KEY)
        id_ = "cfg-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
        sealed = _Sealed(id_, environment, at.timestamp(), by, edits.decode())
        token = self.cipher.encrypt(_SEALED.dump_json(sealed))
        await self.store.put_config(environment, id_, sealed.at, token)
        return _revision(sealed)

    async def revision(self, environment: str, id_: str = "") -> Revision:
        """That revision, or the newest of the environment. Raises CannotPlan with a sentence, StoreDown."""
        if not id_:
            known = await self.store.configs(environment)
            id_ = next(iter(known), "")
        if not id_:
            raise CannotPlan(f"No change of the configuration of {environment} is stored. {HOW}")
        found = await self.open(id_)
        if found.environment != environment:
            raise CannotPlan(f"{id_} was stored for {found.environment}, not for {environment}.")
        return found

    async def revisions(self, environment: str) -> list[Revision]:
        """Those that can still be applied, newest first. Raises CannotPlan without the key, StoreDown."""
        stored = [(id_, await self.store.config(id_)) for id_ in await self.store.configs(environment)]
        return [self._opened(id_, token) for id_, token in stored if token is not None]

    async def open(self, id_: str) -> Revision:
        """The revision with its edits. Raises CannotPlan with a sentence, StoreDown."""
        token = await self.store.config(id_)
        if token is None:
            raise CannotPlan(f"There is no {id_}, or it is older than 30 days. {HOW}")
        return self._opened(id_, token)

    async def renew(self, environment: str) -> int:
        """Seal all of an environment with the newest key; how many. Raises CannotPlan, StoreDown."""
        if self.cipher is None:
            raise CannotPlan(NO_KEY)
        known = await self.revisions(environment)
        for one in known:
            sealed = _Sealed(one.id, environment, one.at.timestamp(), one.by, one.edits.decode())
            await self.store.put_config(environment, one.id, sealed.at, self.cipher.encrypt(_SEALED.dump_json(sealed)))
        return len(known)

    def _opened(self, id_: str, token: bytes) -> Revision:
        if self.cipher is None:
            raise CannotPlan(NO_KEY)
        try:
            sealed = _SEALED.validate_json(self.cipher.decrypt(token))
        except (InvalidToken, ValidationError):
            raise CannotPlan(
                f"{id_} was stored with another {KEY} than this bot has. Give it that one, or store it again."
            ) from None
        if sealed.id != id_:
            raise CannotPlan(f"What the store has as {id_} is another one; it is not used. Store it again.")
        return _revision(sealed)


HOW = "On the bot's machine: `chom-bot config put FILE`."


def _revision(sealed: _Sealed) -> Revision:
    edits = sealed.edits.encode()
    told = json.loads(edits)
    keys = tuple(sorted({*told["set"], *told["unset"]}))
    at = datetime.fromtimestamp(sealed.at, UTC)
    return Revision(sealed.id, sealed.environment, at, sealed.by, keys, hashlib.sha256(edits).hexdigest(), edits)
