"""The real store and the real hosts, with a named point before and after everything that they do to the world."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from actions.engine.fleet import Artifact
from actions.engine.journal import Answered, Asked, Done, Entry, Failed, Opened, Returned, Started, Waiting
from actions.engine.ports import Job, OnBytes, OnLine, Result
from actions.engine.ssh import SshHosts
from bot.app import agent_sha256, logins
from bot.config import Settings
from bot.store import Store
from bot.store.decisions import Decision
from policies.change import Approval, Change


class Points:
    """Every moment at which a bot meets the world has a name; at one of them it is hit, once."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._only, self._known = tuple(order["only"]), frozenset(order["known"])
        self._number, self._note = signal.Signals[order["signal"]], Path(order["note"])
        self._spent = not order["hit"]

    def cross(self, name: str) -> None:
        """End or stop this process here, if this is the point."""
        if self._spent or name in self._known or not name.startswith(self._only):
            return
        self._spent = True
        self._note.write_text(name)
        os.kill(os.getpid(), self._number)


def named(entries: Iterable[Entry]) -> str:
    """What an append writes, whatever the host: "started switch forward"."""
    return "+".join(dict.fromkeys(_named(entry) for entry in entries))


def _named(entry: Entry) -> str:
    match entry:
        case Started() | Done() | Failed():
            return f"{entry.kind} {entry.step} {entry.way}"
        case Asked() | Answered():
            return f"{entry.kind} {entry.step}"
        case Waiting() | Returned():
            return f"{entry.kind} {entry.host}"
        case _:
            return entry.kind


class HitStore(Store):
    """The real store, with points around what it writes."""

    def __init__(self, url: str, cross: Callable[[str], None]) -> None:
        super().__init__(url)
        self._cross = cross

    async def append(self, run: str, seq: int, entries: Sequence[Entry], fence: int | None) -> None:
        self._cross(f"before append of {named(entries)}")
        await super().append(run, seq, entries, fence)
        self._cross(f"after append of {named(entries)}")

    async def add_approval(self, id_: str, approval: Approval, rev: int, decision: Decision | None = None) -> None:
        self._cross("before the approval")
        await super().add_approval(id_, approval, rev, decision)
        self._cross("after the approval")

    async def open_run(self, change: Change, opened: Opened, decision: Decision | None = None) -> None:
        self._cross("before append of opened")
        await super().open_run(change, opened, decision)
        self._cross("after append of opened")

    async def take_fence(self, environment: str, above: int) -> int:
        self._cross("before the store's fence")
        fence = await super().take_fence(environment, above)
        self._cross("after the store's fence")
        return fence


class HitHosts(SshHosts):
    """The real hosts, with points around what is asked of them."""

    def __init__(self, settings: Settings, open_artifact: Any, cross: Callable[[str], None]) -> None:
        super().__init__(logins(settings), agent_sha256(), open_artifact)
        self._cross = cross

    async def raise_fence(self, host: str, fence: int) -> int:
        self._cross("before a host's fence")
        raised = await super().raise_fence(host, fence)
        self._cross("after a host's fence")
        return raised

    async def upload(self, host: str, artifact: Artifact, on_bytes: OnBytes) -> None:
        def sent(so_far: int, total: int) -> None:
            if so_far < total:
                self._cross("in mid-upload")
            on_bytes(so_far, total)

        self._cross("before the upload")
        await super().upload(host, artifact, sent)
        self._cross("after the upload")

    async def route(self, host: str, weight: int, fence: int) -> datetime | None:
        self._cross(f"before a lease of {weight} %")
        lapsed = await super().route(host, weight, fence)
        self._cross(f"after a lease of {weight} %")
        return lapsed

    async def run(self, host: str, job: Job, on_line: OnLine) -> Result:
        self._cross(f"before begin of {_of(job.id)}")
        result = await super().run(host, job, on_line)
        self._cross(f"after the end of {_of(job.id)}")
        return result

    async def join(self, host: str, job: Job, on_line: OnLine) -> Result | None:
        self._cross(f"before join of {_of(job.id)}")
        result = await super().join(host, job, on_line)
        self._cross(f"after join of {_of(job.id)}")
        return result

    async def _ask(self, link: Any, host: str, verb: str, args: Any, shape: Any, **more: Any) -> Any:
        answer = await super()._ask(link, host, verb, args, shape, **more)
        if verb == "begin":
            self._cross(f"after begin of {_of(args['job'])} was answered")
        return answer


def _of(job: str) -> str:
    """ "switch forward" of "chg-aaaaaa/switch/forward"."""
    return job.partition("/")[2].replace("/", " ")
