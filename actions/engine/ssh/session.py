"""One question in a session of its own on the kept connection: its command, what it gets on stdin, its one line."""

from __future__ import annotations

import json
from asyncio import timeout
from typing import cast

import asyncssh

from actions.engine.ssh.channel import Broken, Json, Malformed, Refusal

PATIENCE = 30.0
"""Seconds for the whole answer."""
ANSWER = 1 << 18
"""Bytes of the longest one."""


async def ask(connection: asyncssh.SSHClientConnection, command: str, stdin: bytes = b"") -> Json:
    """The result. What is on stdin is in no argument and in no exception. Raises Broken, Refusal, Malformed."""
    what = command.partition(" ")[0]
    try:
        async with timeout(PATIENCE):
            done = await connection.run(command, input=stdin, encoding=None, stderr=asyncssh.DEVNULL, check=False)
    except TimeoutError:
        raise Broken(f"no answer to “{what}” within {PATIENCE:g} s") from None
    except (OSError, asyncssh.Error) as fault:
        raise Broken(f"no session for “{what}” ({fault})") from fault
    said = done.stdout if isinstance(done.stdout, bytes) else b""
    if done.exit_status is None or not said.strip():
        raise Broken("the session ended without an answer")
    try:
        answer: object = json.loads(said[:ANSWER])
    except ValueError:
        raise Malformed(f"not JSON after “{what}”: {said[:80].decode(errors='replace')!r}") from None
    match answer:
        case {"result": dict() as result}:  # pyright: ignore[reportUnknownVariableType]
            return cast(Json, result)
        case {"error": {"code": str() as code, "message": str() as message}}:
            raise Refusal({"code": code, "message": message})
        case _:
            raise Malformed(f"neither a result nor an error after “{what}”")
