"""The shop's customers: a steady load on each server, and what they were served.

All of it is real: each visit is an HTTP request over a connection that is kept, each client has its own cookie.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter, deque
from dataclasses import dataclass, field
from math import nan

import aiohttp

CLIENTS = 2000
"""Different ones of each server, so that one per cent of them is twenty."""
_BEHIND = 1.0
"""Seconds; visits that this machine is later with are not made up for."""
_PATIENCE = aiohttp.ClientTimeout(total=5)
_SEEN = re.compile(rb'<meta name="release" content="([^"]*)">')
_WINDOW = 5.0
"""Seconds over which the rate is counted."""
_MINUTE = 60


@dataclass(slots=True)
class Second:
    """What was answered within one second, by version: how often, and how often with a failure."""

    at: int
    by: Counter[str] = field(default_factory=Counter[str])
    failed: Counter[str] = field(default_factory=Counter[str])


@dataclass(slots=True)
class Served:
    """What the customers of one server were served since the sandbox started."""

    requests: int = 0
    failed: int = 0
    versions: Counter[str] = field(default_factory=Counter[str])
    """Answers by version, with those that failed."""
    last_failure: str = ""
    lately: deque[float] = field(default_factory=deque[float])
    """When (monotonic seconds) the answers of the last seconds came."""
    seconds: deque[Second] = field(default_factory=lambda: deque[Second](maxlen=_MINUTE))
    """The last minute's, oldest first; a second without an answer is not in it."""

    times: deque[tuple[float, float, bool]] = field(
        default_factory=lambda: deque[tuple[float, float, bool]](maxlen=5000)
    )
    """(when, seconds that it took, whether it failed) of the newest answers."""

    def count(self, now: float, version: str, failure: str, seconds: float = 0.0) -> None:
        """One answer: its version, why it counts as failed ("" where it does not), and how long it took."""
        self.times.append((now, seconds, bool(failure)))
        if not self.seconds or self.seconds[-1].at != int(now):
            self.seconds.append(Second(int(now)))
        self.seconds[-1].by[version] += 1
        if failure:
            self.seconds[-1].failed[version] += 1
        self.requests += 1
        self.lately.append(now)
        while self.lately[0] < now - _WINDOW:
            self.lately.popleft()
        if version:
            self.versions[version] += 1
        if failure:
            self.failed += 1
            self.last_failure = failure

    def quality(self, now: float) -> tuple[float, float]:
        """Of the last seconds: the share of answers that failed, and the 95th percentile of how long they took (s).

        NaN where nobody has asked, as PromQL has it.
        """
        lately = [one for one in self.times if one[0] >= now - _WINDOW]
        if not lately:
            return nan, nan
        slowest = sorted(seconds for _, seconds, _ in lately)
        return sum(failed for *_, failed in lately) / len(lately), slowest[int(len(slowest) * 0.95)]

    def minute(self, now: float) -> list[Second]:
        """The last sixty whole seconds before `now`, oldest first, those without an answer too."""
        known = {second.at: second for second in self.seconds}
        return [known.get(at, Second(at)) for at in range(int(now) - _MINUTE, int(now))]

    def rate(self, now: float) -> float:
        """Answers a second, over the last seconds."""
        return round(sum(1 for at in self.lately if at >= now - _WINDOW) / _WINDOW, 1)


def _is_maintenance(answer: aiohttp.ClientResponse) -> bool:
    """Told when to come back: nobody is served, and nothing has failed."""
    return answer.status == 503 and "Retry-After" in answer.headers


class Customers:
    """Those of one server, at `url`; each comes whether or not the last has been answered."""

    def __init__(self, url: str, per_second: float) -> None:
        self.url, self.per_second, self.served = url, per_second, Served()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._ask_on())

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _ask_on(self) -> None:
        lines = aiohttp.TCPConnector(limit=0)
        jar = aiohttp.DummyCookieJar()
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE, connector=lines, cookie_jar=jar) as session,
            asyncio.TaskGroup() as asking,
        ):
            loop = asyncio.get_running_loop()
            due = loop.time()
            while True:
                asking.create_task(self._ask(session, f"chom_client={random.randrange(CLIENTS)}"))
                due = max(due + random.uniform(0.5, 1.5) / self.per_second, loop.time() - _BEHIND)
                await asyncio.sleep(max(0.0, due - loop.time()))

    async def _ask(self, session: aiohttp.ClientSession, cookie: str) -> None:
        version = failure = ""
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with session.get(f"{self.url}/", headers={"Cookie": cookie}) as answer:
                seen = _SEEN.search(await answer.read())
                version = seen.group(1).decode() if seen else ""
                failure = (
                    ""
                    if answer.status == 200 or _is_maintenance(answer)
                    else f"HTTP {answer.status} from {version or 'nobody'}"
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as wrong:
            failure = f"{type(wrong).__name__}: {wrong}"
        self.served.count(loop.time(), version, failure, loop.time() - began)
