"""An artifact's bytes to a server: a session of their own, so that no verb waits behind them."""

from __future__ import annotations

import asyncio
import json

import asyncssh

from actions.engine.ports import OnBytes
from actions.engine.ssh import lean
from actions.engine.ssh.channel import Broken, Malformed, Refusal
from actions.engine.ssh.reading import Reading

PACKET = 1 << 15
"""Bytes handed to SSH at once: what sshd takes in one packet, so that nothing has to be cut and moved again. Of a slow
server a few of these wait in memory, beside the chunk that they are cut from."""
STALL = 30.0
"""Seconds without progress after which the upload is given up."""
SETTLE = 120.0
"""Seconds for the host to check and keep what it was sent."""
ANSWER = 1 << 16
"""Bytes of the longest answer."""
Process = asyncssh.SSHClientProcess[bytes]


class Silent(Broken):
    """The session ended and chom-host said nothing."""


class Uploads:
    """What is sent over one connection. `expect` has chom-host started there before there is anything to send."""

    def __init__(self, connection: asyncssh.SSHClientConnection) -> None:
        self._connection = connection
        self._ahead: asyncio.Task[Process] | None = None

    def expect(self) -> None:
        """An upload comes within minutes. Where nothing does, chom-host ends by itself after a while."""
        if self._ahead is None or _is_over(self._ahead):
            self._ahead = asyncio.create_task(_start(self._connection))
            self._ahead.add_done_callback(_seen)

    async def put(self, file: Reading, sha256: str, on_bytes: OnBytes) -> None:
        """Send the file; returns once the host said that it holds it, checked.

        Raises Broken (whether it lies there is unknown), Refusal, Malformed, OSError for the file itself.
        """
        ahead, self._ahead = self._ahead, None
        if ahead is None or _is_over(ahead):
            await self._put(await _start(self._connection), file, sha256, on_bytes)
            return
        try:
            await self._put(await ahead, file, sha256, on_bytes)
        except Silent:  # it ended just now, as it does when it has waited for long enough
            await self._put(await _start(self._connection), file, sha256, on_bytes)

    async def _put(self, process: Process, file: Reading, sha256: str, on_bytes: OnBytes) -> None:
        try:
            await _talk(process, f"{sha256} {file.size}\n", file, _room(self._connection), on_bytes)
        finally:
            process.close()


def _is_over(ahead: asyncio.Task[Process]) -> bool:
    """Whether it failed, or has ended since."""
    return ahead.done() and (ahead.cancelled() or ahead.exception() is not None or ahead.result().is_closing())


def _seen(opening: asyncio.Task[Process]) -> None:
    """Nobody may come for it: its failure is told by the upload, which opens a session itself."""
    if not opening.cancelled():
        opening.exception()


def _room(connection: asyncssh.SSHClientConnection) -> asyncio.Event:
    """Set while the network takes what it is given.

    asyncio tells a connection so, and asyncssh's does nothing with it: it would hold 2 MiB for each slow server.
    """
    room = asyncio.Event()
    room.set()
    vars(connection).update(pause_writing=room.clear, resume_writing=room.set)
    return room


async def _start(connection: asyncssh.SSHClientConnection) -> Process:
    try:
        async with asyncio.timeout(STALL):
            return await connection.create_process("put", encoding=None, stderr=asyncssh.DEVNULL)
    except TimeoutError:
        raise Broken(f"no session for the upload within {STALL:g} s") from None
    except (OSError, asyncssh.Error) as fault:
        raise Broken(f"no session for the upload ({fault})") from fault


async def _talk(process: Process, what: str, file: Reading, room: asyncio.Event, on_bytes: OnBytes) -> None:
    """Send while listening: a host that refuses early (disk full) is not sent the rest."""
    answer = asyncio.create_task(_answer(process))
    sending = asyncio.create_task(_send(process, what, file, room, on_bytes))
    try:
        await asyncio.wait((answer, sending), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            await sending
        async with asyncio.timeout(SETTLE):
            _judge(await answer)
    except TimeoutError:
        raise Broken(f"no answer within {SETTLE:g} s after the upload") from None
    finally:
        for task in (answer, sending):
            task.cancel()
        await asyncio.gather(answer, sending, return_exceptions=True)


async def _send(process: Process, what: str, file: Reading, room: asyncio.Event, on_bytes: OnBytes) -> None:
    sent = number = 0
    stdin, channel = process.stdin, process.channel
    try:
        stdin.write(what.encode())
        while chunk := await file.chunk(number):
            for at in range(0, len(chunk), PACKET):
                lean.write(channel, chunk[at : at + PACKET])
                if channel.get_write_buffer_size() or not room.is_set():
                    async with asyncio.timeout(STALL):
                        await stdin.drain()
                        await room.wait()
            sent, number = sent + len(chunk), number + 1
            on_bytes(sent, file.size)
        stdin.write_eof()
    except TimeoutError:
        raise Broken(f"the upload made no progress for {STALL:g} s ({sent} of {file.size} bytes)") from None
    except (OSError, asyncssh.Error):
        return  # the far end stopped reading: its answer, or its silence, says why


async def _answer(process: Process) -> bytes:
    """The one line; b"" where the session ended without any."""
    stdout = process.stdout
    said = b""
    try:
        while b"\n" not in said and len(said) <= ANSWER and (part := await stdout.read(ANSWER)):
            said += part
    except (OSError, asyncssh.Error) as fault:
        raise Broken(f"the connection was lost during the upload ({fault})") from fault
    return said


def _judge(said: bytes) -> None:
    if not said.strip():
        raise Silent("the upload's session ended without an answer")
    try:
        answer: object = json.loads(said)
    except ValueError:
        raise Malformed(f"not JSON after an upload: {said[:80].decode(errors='replace')!r}") from None
    match answer:
        case {"result": dict()}:
            return
        case {"error": {"code": str() as code, "message": str() as message}}:
            raise Refusal({"code": code, "message": message})
        case _:
            raise Malformed(f"neither a result nor an error after an upload: {said[:200].decode(errors='replace')}")
