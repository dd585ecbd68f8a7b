"""JSON lines over one kept SSH session: many requests at once, each with a deadline, none left hanging."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import asyncssh

Json = dict[str, Any]
OnEvent = Callable[[Json], None]

LONGEST = 1 << 20
"""Bytes of the longest line either side may send (PROTOCOL.md)."""
QUIET = 4.0
"""Seconds without a byte, while an answer is owed, after which the peer is asked whether it lives."""
DEAF = 10.0
"""Seconds it then has to say anything at all."""
GRACE = 1.0
"""Seconds between the end of its output and the end of the session, which says why."""


class Broken(Exception):
    """The channel is gone. Whether a request that was under way had its effect is unknown."""


class Malformed(Exception):
    """The peer said something that chom-host never says; the channel is closed."""


class Refusal(Exception):
    """The peer answered a request with an error; `error` is that object, `code` and `message` are strings."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.error = error


@dataclass(slots=True)
class _Owed:
    answer: asyncio.Future[Json]
    on_event: OnEvent | None


@dataclass(slots=True)
class _Ending:
    """What the remote process left behind, for the sentence that says why the channel ended."""

    status: int | None = None
    stderr: bytearray = field(default_factory=bytearray)

    def words(self) -> str:
        said = self.stderr.decode(errors="replace").strip().splitlines()
        tail = f", and said: {said[-1][:300]}" if said else ""
        return f"chom-host ended with exit status {self.status}{tail}"


class _Chan(Protocol):
    def write(self, data: bytes) -> None: ...
    def close(self) -> None: ...


class Channel(asyncssh.SSHClientSession[bytes]):
    """The client's end. Bytes are parsed as they arrive, so nothing queues up and memory stays bounded."""

    def __init__(self) -> None:
        self._chan: _Chan | None = None
        self._part = bytearray()
        self._owed: dict[int, _Owed] = {}
        self._last = 0
        self._heard = 0.0
        self._why: Broken | Malformed | Refusal | None = None
        self._ending = _Ending()
        self._watch: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    @property
    def alive(self) -> bool:
        """False once the channel ended; it never lives again."""
        return self._why is None

    @property
    def exit_status(self) -> int | None:
        """What the remote process ended with; None where it runs, or where that is unknown."""
        return self._ending.status

    async def request(self, verb: str, args: Json, deadline: float, on_event: OnEvent | None = None) -> Json:
        """Ask and wait for the result, `deadline` seconds at most.

        Raises Broken (also at the deadline: the effect is unknown), Malformed, Refusal.
        """
        try:
            async with asyncio.timeout(deadline):
                return await self._ask(verb, args, on_event)
        except TimeoutError:
            raise Broken(f"no answer to “{verb}” within {deadline:g} s") from None

    def close(self) -> None:
        """End the session; requests under way raise Broken."""
        self._break(Broken("this bot closed the connection"))

    async def _ask(self, verb: str, args: Json, on_event: OnEvent | None) -> Json:
        loop = asyncio.get_running_loop()
        self._check()
        if not self._owed:  # nothing was owed until now: silence counts from here
            self._heard = loop.time()
        self._last += 1
        id_, owed = self._last, _Owed(loop.create_future(), on_event)
        self._owed[id_] = owed
        try:
            line = _line_of(id_, verb, args)
            if len(line) > LONGEST:
                raise Refusal(
                    {"code": "bad argument", "message": f"a request of {len(line)} bytes is too long to send"}
                )
            await self._writable.wait()
            self._check()
            self._send(line)
            return await owed.answer
        finally:
            del self._owed[id_]

    def _check(self) -> None:
        if self._why is not None:
            raise _again(self._why)

    def _send(self, line: bytes) -> None:
        if self._chan is None:
            self._break(Broken("the session was never opened"))
            return
        try:
            self._chan.write(line)
        except (OSError, asyncssh.Error) as fault:
            self._break_soon(f"the connection was lost ({fault})")

    # asyncssh calls these, always from the event loop.

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self._chan = cast(_Chan, chan)

    def session_started(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._listen())

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is not None:
            self._ending.stderr += data
            del self._ending.stderr[:-2000]
            return
        self._heard = asyncio.get_running_loop().time()
        self._part += data
        if b"\n" in data:
            *lines, rest = self._part.split(b"\n")
            self._part = rest
            for line in lines:
                self._line(bytes(line))
        if len(self._part) > LONGEST:
            self._malformed(f"a line of more than {LONGEST} bytes")

    def exit_status_received(self, status: int) -> None:
        self._ending.status = status

    def eof_received(self) -> bool:
        self._break_soon("chom-host closed its output")
        return False  # close our side too: it answers nothing any more

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is None and self._ending.status is not None:
            self._break(Broken(self._ending.words()))
        else:
            self._break(Broken(f"the connection was lost{f' ({exc})' if exc else ''}"))

    def _line(self, line: bytes) -> None:
        if self._why is not None or not line.strip():
            return
        try:
            said: object = json.loads(line)
        except ValueError:
            self._malformed(f"not JSON: {line[:80].decode(errors='replace')!r}")
            return
        if not isinstance(said, dict):
            self._malformed(f"no JSON object: {line[:80].decode(errors='replace')!r}")
            return
        self._said(cast(Json, said))

    def _said(self, said: Json) -> None:
        id_ = said.get("id")
        if id_ is None and _is_error(said.get("error")):
            self._break(Refusal(said["error"]))  # of the session as a whole: its settings, its forced command
            return
        if type(id_) is not int or not 1 <= id_ <= self._last:
            self._malformed("an answer to nothing that was asked")
            return
        owed = self._owed.get(id_)
        if owed is None or owed.answer.done():
            return  # whoever asked has stopped waiting
        result, error = said.get("result"), said.get("error")
        if isinstance(result, dict):
            owed.answer.set_result(cast(Json, result))
        elif _is_error(error):
            owed.answer.set_exception(Refusal(cast(Json, error)))
        elif "line" in said:
            self._event(owed, said)
        else:
            self._malformed(f"neither a line, a result nor an error: {json.dumps(said)[:200]}")

    def _event(self, owed: _Owed, said: Json) -> None:
        if not isinstance(said["line"], str) or type(said.get("offset")) is not int:
            self._malformed(f"a line without text and offset: {json.dumps(said)[:200]}")
        elif owed.on_event is not None:
            try:
                owed.on_event(said)
            except Exception as fault:  # noqa: BLE001  the one who asked gets it; the other requests go on
                owed.answer.set_exception(fault)

    def _malformed(self, what: str) -> None:
        self._break(Malformed(what))

    def _break_soon(self, why: str) -> None:
        """Break, unless connection_lost comes first and knows better why."""
        asyncio.get_running_loop().call_later(GRACE, self._break, Broken(why))

    def _break(self, why: Broken | Malformed | Refusal) -> None:
        if self._why is not None:
            return
        self._why = why
        self._part.clear()
        self._writable.set()
        for owed in self._owed.values():
            if not owed.answer.done():
                owed.answer.set_exception(_again(why))
        if self._watch is not None and self._watch is not _current():
            self._watch.cancel()
        if self._chan is not None:
            with contextlib.suppress(OSError, asyncssh.Error):  # it is gone already
                self._chan.close()

    async def _listen(self) -> None:
        """Break a channel whose sshd lives (keepalive says so) while chom-host itself is stuck."""
        loop, asked = asyncio.get_running_loop(), False
        while self._why is None:
            await asyncio.sleep(QUIET / 4)
            silence = loop.time() - self._heard
            if not self._owed or silence < QUIET:
                asked = False
            elif not asked:
                asked = True
                self._last += 1
                self._send(_line_of(self._last, "hello", {"protocol": 1}))
            elif silence >= QUIET + DEAF:
                self._break(Broken(f"chom-host has not said a word for {silence:.0f} s"))


def _again(why: Broken | Malformed | Refusal) -> Exception:
    """The same for another one who waits: an exception raised twice would drag the first one's frames along."""
    return Refusal(why.error) if isinstance(why, Refusal) else type(why)(*why.args)


def _is_error(error: object) -> bool:
    match error:
        case {"code": str(), "message": str()}:
            return True
        case _:
            return False


def _line_of(id_: int, verb: str, args: Json) -> bytes:
    return json.dumps({"id": id_, "verb": verb, "args": args}).encode() + b"\n"


def _current() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
