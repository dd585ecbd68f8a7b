"""One connection that is kept: requests as JSON lines, answered beside each other by one thread."""

from __future__ import annotations

import hashlib
import json
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, cast

from .arguments import FENCE, JOB, SHA256, Check, anything, checked, flag, number, text
from .base import CHUNK, LONGEST, PATIENCE, Failed, Json, Refused
from .fence import raise_fence, read_fence
from .files import open_lock, read_json, try_lock
from .jobs import begin, job_dir, state_of
from .logs import log_line
from .pools import pins, route
from .processes import boot_id, open_pidfd
from .redaction import redact, shown, why_not
from .server import survey
from .settings import Settings

PROTOCOL = 1
VERBS: Mapping[str, Mapping[str, Check]] = {
    "hello": {"protocol": number(0, 1 << 31)},
    "survey": {},
    "fence": {"fence": FENCE},
    "holds": {"sha256": SHA256},
    "begin": {
        "job": JOB,
        "fence": FENCE,
        "verb": text(r"[a-z][a-z_]{0,31}", "the name of a job verb"),
        "args": anything,
        "timeout": number(1, 86400),
        "log": text(r"[a-z][a-z_]{0,31}_[0-9]{8}_[0-9]{6}", "a name such as deployment_20261123_222151"),
        "retry_lost": flag,
    },
    "follow": {"job": JOB, "offset": number(0, 1 << 53)},
    "route": {"fence": FENCE, "percent": number(0, 100)},
    "pins": {},
}


@dataclass(frozen=True)
class Wait:
    """What a request that is not answered yet waits for: some seconds, or the end of a process."""

    seconds: float
    pidfd: Optional[int] = None


Task = Generator[Wait, None, Json]


class Channel:
    """One connection: one thread, so that forking is safe; each request is a generator that yields while it waits."""

    def __init__(self, settings: Settings, agent: str) -> None:
        self._settings, self._agent = settings, agent
        self._tasks: dict[int, tuple[Task, Wait, float]] = {}
        self._verbs: Mapping[str, Callable[[int, Json], Task]] = {
            "hello": self._hello,
            "survey": self._survey,
            "fence": self._fence,
            "holds": self._holds,
            "begin": self._begin,
            "follow": self._follow,
            "route": self._route,
            "pins": self._pins,
        }

    def serve(self) -> int:
        """Until the client goes away; jobs go on without us. The exit status."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # jobs are reaped by nobody
        part = b""
        try:
            while True:
                if self._ready():
                    data = os.read(0, CHUNK)
                    if not data:
                        return 0
                    *lines, part = (part + data).split(b"\n")
                    for line in lines:
                        self._take(line)
                    if len(part) > LONGEST or any(len(line) > LONGEST for line in lines):
                        self._say({"id": None, "error": {"code": "bad request", "message": "a line is too long"}})
                        return 65
                self._turn()
        except BrokenPipeError:
            return 0

    def _ready(self) -> bool:
        """Sleep until there is something to do; whether that is to read."""
        now = time.monotonic()
        left = [max(0.0, since + wait.seconds - now) for _, wait, since in self._tasks.values()]
        ends = [wait.pidfd for _, wait, _ in self._tasks.values() if wait.pidfd is not None]
        readable, _, _ = select.select([0, *ends], [], [], min(left) if left else None)
        return 0 in readable

    def _say(self, message: Json) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[os.write(1, data) :]

    def _take(self, line: bytes) -> None:
        """One request: answered at once, or kept as a task."""
        if not line.strip() or len(line) > LONGEST:
            return
        id_: Optional[int] = None
        try:
            request = self._object(line)
            id_ = request["id"]
            verb, args = request.get("verb"), request.get("args", {})
            if not isinstance(verb, str) or not isinstance(args, dict) or set(request) - {"id", "verb", "args"}:
                raise Refused("bad request", "a request is an id, a verb and an object of args")
            values = checked(VERBS, verb, cast(Json, args))
        except Refused as refused:
            self._refuse(id_, refused)
            return
        self._step(request["id"], self._verbs[verb](request["id"], values))

    def _object(self, line: bytes) -> Json:
        """The request, with an id that no other is answered under. Raises Refused."""
        try:
            said: object = json.loads(line)
        except (ValueError, RecursionError):
            raise Refused("bad request", "a request has to be one JSON object on one line") from None
        request = cast(Json, said) if isinstance(said, dict) else {}
        id_ = request.get("id")
        if type(id_) is not int or not 0 <= id_ <= 1 << 53:
            raise Refused("bad request", "a request needs an id, a whole number")
        if id_ in self._tasks:
            raise Refused("bad request", f"request {id_} is still being answered")
        if len(self._tasks) >= 256:
            raise Refused("busy", "256 requests of this connection are still being answered")
        return request

    def _refuse(self, id_: Optional[int], refused: Refused) -> None:
        if refused.error["code"] != "unknown job":
            log_line(self._settings, "chom-host", f"refused: {refused.error['code']}: {shown(str(refused))}")
        self._say({"id": id_, "error": refused.error})

    def _turn(self) -> None:
        for id_, (task, _, _) in list(self._tasks.items()):
            self._step(id_, task)

    def _step(self, id_: int, task: Task) -> None:
        """Let a request go on until it waits or is answered."""
        try:
            wait = next(task)
        except StopIteration as done:
            answer: Json = {"result": done.value}
        except Refused as refused:
            self._tasks.pop(id_, None)
            self._refuse(id_, refused)
            return
        except BrokenPipeError:
            raise
        except Exception as fault:  # noqa: BLE001  the other requests of this connection go on
            log_line(self._settings, "chom-host", redact(traceback.format_exc()))
            answer = {"error": why_not(fault)}
        else:
            self._tasks[id_] = (task, wait, time.monotonic())
            return
        self._tasks.pop(id_, None)
        self._say({"id": id_, **answer})

    # The verbs.

    def _hello(self, id_: int, args: Json) -> Task:
        yield from ()
        if args["protocol"] != PROTOCOL:
            raise Refused("protocol", f"this chom-host speaks protocol {PROTOCOL}, not {args['protocol']}")
        return {
            "protocol": PROTOCOL,
            "agent": self._agent,
            "host": socket.gethostname(),
            "boot": boot_id(),
            "fence": read_fence(self._settings),
        }

    def _survey(self, id_: int, args: Json) -> Task:
        yield from ()
        return survey(self._settings)

    def _fence(self, id_: int, args: Json) -> Task:
        return self._locked(lambda: self._raised(args["fence"]))

    def _raised(self, fence: int) -> Json:
        raise_fence(self._settings, fence)
        return {"fence": fence}

    def _holds(self, id_: int, args: Json) -> Task:
        try:
            file = self._settings.artifact(args["sha256"]).open("rb")
        except FileNotFoundError:
            return {"holds": False}
        digest = hashlib.sha256()
        with file:
            while data := file.read(CHUNK):
                digest.update(data)
                yield Wait(0)
        return {"holds": digest.hexdigest() == args["sha256"]}

    def _begin(self, id_: int, args: Json) -> Task:
        return self._locked(lambda: begin(self._settings, args))

    def _route(self, id_: int, args: Json) -> Task:
        return self._locked(lambda: self._routed(args["fence"], args["percent"]))

    def _routed(self, fence: int, percent: int) -> Json:
        raise_fence(self._settings, fence)
        return _done(lambda: route(self._settings, percent))

    def _pins(self, id_: int, args: Json) -> Task:
        yield from ()
        return _done(lambda: pins(self._settings))

    def _locked(self, act: Callable[[], Json]) -> Task:
        """Act under the lock; the other requests go on while it is waited for."""
        fd = open_lock(self._settings)
        try:
            deadline = time.monotonic() + PATIENCE
            while not try_lock(fd):
                if time.monotonic() > deadline:
                    raise Refused("busy", f"another chom-host has held this server's lock for {PATIENCE:g} s")
                yield Wait(0.005)
            return act()
        finally:
            os.close(fd)

    def _follow(self, id_: int, args: Json) -> Task:
        directory, offset = job_dir(self._settings, args["job"]), args["offset"]
        pidfd: Optional[int] = None
        watched = 0
        try:
            while True:
                claim = read_json(directory / "claim.json")
                if claim is None:
                    raise Refused("unknown job", f"{args['job']} was never begun on this server")
                if watched != claim["attempt"]:
                    pidfd, watched = open_pidfd(claim["pid"]), claim["attempt"]
                state = state_of(self._settings, directory, claim)  # before its lines: then none is missed
                while said := self._lines(directory / "log", offset, last=state["state"] != "running"):
                    for line, offset in said:
                        self._say({"id": id_, "line": line, "offset": offset})
                    yield Wait(0)
                if state["state"] != "running":
                    return state
                if pidfd is not None and select.select([pidfd], [], [], 0)[0]:
                    os.close(pidfd)  # its own process is gone; what that started is waited for
                    pidfd = None
                yield Wait(0.05, pidfd)
        finally:
            if pidfd is not None:
                os.close(pidfd)

    @staticmethod
    def _lines(path: Path, offset: int, last: bool) -> list[tuple[str, int]]:
        """(line, the offset behind it) of what is whole after `offset`; of a log that has ended, its torn end too."""
        try:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(CHUNK // 4)
        except FileNotFoundError:
            return []
        found: list[tuple[str, int]] = []
        for line in data.splitlines(keepends=True):
            if line.endswith(b"\n") or (last and len(data) < CHUNK // 4):
                offset += len(line)
                found.append((line.rstrip(b"\n").decode("utf-8", "replace"), offset))
        return found


def _done(act: Callable[[], Json]) -> Json:
    """What it answers; where it cannot be done, an error with the sentence."""
    try:
        return act()
    except Failed as failed:
        raise Refused("not possible", str(failed)) from None
