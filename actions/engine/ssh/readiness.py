"""What a server says it lacks for a deploy: a session of its own on the kept connection, before the first deploy."""

from __future__ import annotations

import json
from dataclasses import dataclass

import asyncssh
from pydantic import TypeAdapter, ValidationError

from actions.engine.ssh.channel import Malformed
from actions.engine.ssh.session import ask


@dataclass(frozen=True, slots=True)
class Readiness:
    """As chom-host's `check` answers."""

    faults: tuple[str, ...]
    """Sentences with what to do."""
    backup: str
    """Why no backup of the database can be made there, "" where it can."""
    config: str
    """Why shared/.env cannot be changed there, "" where it can."""
    services: tuple[str, ...]
    """What may be reloaded there."""
    disk_free: int
    """Bytes."""


_READINESS = TypeAdapter(Readiness)


async def readiness(connection: asyncssh.SSHClientConnection) -> Readiness:
    """Ask. Raises Broken, Refusal, Malformed."""
    return _read(json.dumps(await ask(connection, "check")))


def _read(result: str) -> Readiness:
    try:
        return _READINESS.validate_json(result, strict=True)
    except ValidationError as fault:
        raise Malformed(f"check: {fault.errors(include_url=False)[0]['msg']}") from fault
