"""The release that a new server serves, brought there by the real chom-host over a pipe, as the bot would over SSH."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.sandbox import releases
from bot.sandbox.servers import Server

_FENCE = 1
"""The lowest there is: the bot's first is above it."""
_TIMEOUT = 60
"""Seconds for a job."""


class NotBrought(Exception):
    """chom-host refused or failed; the message is what it said."""


class _Agent:
    """One chom-host on a pipe."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._number = process, 0

    async def ask(self, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """The result of one request. Raises NotBrought."""
        assert self._process.stdin is not None
        self._number += 1
        self._process.stdin.write(json.dumps({"id": self._number, "verb": verb, "args": args}).encode() + b"\n")
        await self._process.stdin.drain()
        while True:
            answer = await self.line()
            if answer.get("id") == self._number and "result" in answer:
                return answer["result"]

    async def line(self) -> dict[str, Any]:
        """The next line it says. Raises NotBrought where that is an error."""
        assert self._process.stdout is not None
        said = await self._process.stdout.readline()
        answer: dict[str, Any] = json.loads(said) if said else {"error": {"message": "it ended without a word"}}
        if "error" in answer:
            raise NotBrought(f"chom-host: {answer['error']['message']}")
        return answer

    async def send(self, data: bytes) -> None:
        """Bytes to its input, and the end of input."""
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()
        self._process.stdin.close()

    async def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


async def _agent(command: Sequence[str], asked: str) -> _Agent:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "SSH_ORIGINAL_COMMAND": asked},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    return _Agent(process)


async def bring(server: Server, artifacts: Path) -> None:
    """Put the first version on the server and serve it. Raises NotBrought."""
    version = releases.FIRST
    packed = (artifacts / f"chom-{version.name}.tar.gz").read_bytes()
    sha256 = hashlib.sha256(packed).hexdigest()
    putting = await _agent(server.command, f"put {sha256} {len(packed)}")
    await putting.send(packed)
    await putting.line()
    await putting.close()
    release = version.made.strftime("%Y%m%d_%H%M%S")
    told = {"release": release, "version": version.name, "commit": releases.commit(version), "sha256": sha256}
    channel = await _agent(server.command, "channel")
    try:
        await channel.ask("fence", {"fence": _FENCE})
        await _run(channel, "stage", told, release)
        await _run(channel, "migrate", {"release": release}, release)
        await _run(channel, "switch", {"release": release, "workers": True}, release)
    finally:
        await channel.close()


async def _run(channel: _Agent, verb: str, args: Mapping[str, Any], release: str) -> None:
    job = f"chg-sandbx/{verb}/forward"
    asked = {"verb": verb, "args": args, "fence": _FENCE, "timeout": _TIMEOUT, "retry_lost": True}
    state = await channel.ask("begin", {"job": job, "log": f"deployment_{release}", **asked})
    if state["state"] == "running":
        state = await channel.ask("follow", {"job": job, "offset": 0})
    if not state["ok"]:
        raise NotBrought(f"{verb} on a new server failed: {state['summary']}")
