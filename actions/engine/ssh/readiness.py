"""What a server says it lacks for a deploy: a session of its own on the kept connection, before the first deploy."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import asyncssh
from pydantic import TypeAdapter, ValidationError

from actions.engine.ssh.channel import Broken, Malformed, Refusal

PATIENCE = 30.0
"""Seconds for the whole answer."""
ANSWER = 1 << 18
"""Bytes of the longest one."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """As chom-host's `check` answers."""

    faults: tuple[str, ...]
    """Sentences with what to do."""
    backup: str
    """Why no backup of the database can be made there, "" where it can."""
    services: tuple[str, ...]
    """What may be reloaded there."""
    disk_free: int
    """Bytes."""


_READINESS = TypeAdapter(Readiness)


async def readiness(connection: asyncssh.SSHClientConnection) -> Readiness:
    """Ask. Raises Broken, Refusal, Malformed."""
    try:
        async with asyncio.timeout(PATIENCE):
            done = await connection.run("check", encoding=None, stderr=asyncssh.DEVNULL, check=False)
    except TimeoutError:
        raise Broken(f"no answer to “check” within {PATIENCE:g} s") from None
    except (OSError, asyncssh.Error) as fault:
        raise Broken(f"no session for “check” ({fault})") from fault
    said = done.stdout if isinstance(done.stdout, bytes) else b""
    if done.exit_status is None or not said.strip():
        raise Broken("the session ended without an answer")
    try:
        answer: object = json.loads(said[:ANSWER])
    except ValueError:
        raise Malformed(f"not JSON after “check”: {said[:80].decode(errors='replace')!r}") from None
    match answer:
        case {"result": dict() as result}:  # pyright: ignore[reportUnknownVariableType]
            return _read(json.dumps(result))
        case {"error": {"code": str() as code, "message": str() as message}}:
            raise Refusal({"code": code, "message": message})
        case _:
            raise Malformed("neither a result nor an error after “check”")


def _read(result: str) -> Readiness:
    try:
        return _READINESS.validate_json(result, strict=True)
    except ValidationError as fault:
        raise Malformed(f"check: {fault.errors(include_url=False)[0]['msg']}") from fault
