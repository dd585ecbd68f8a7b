"""What a form may offer, and what is wrong with what it holds: looked up quickly, remembered briefly, nothing begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Generic, TypeVar

from actions.engine.fleet import Artifact, CannotPlan, Fleet
from actions.engine.registry.grammar import LONGEST_VALUE, VERSION, option
from actions.engine.registry.strategies import HEAD, Strategy, strategies
from actions.engine.words import counted, plain
from bot.desk.planning import Planning, Refusal

FRESH = 5.0
"""Seconds for which what was looked up is shown."""
CERTAIN = 0.5
"""Seconds for which it is believed when somebody is refused for it."""
PATIENCE = 1.5
"""Seconds for which a list is waited for: whoever chooses from it has begun to type."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Live:
    """Where a version is served."""

    environment: str
    whole: bool = True
    """On every host of it."""
    same: bool = True
    """The very build that the list offers; False where the version was built again since."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A version that can be deployed."""

    version: str
    commit: str
    made: datetime | None
    live: tuple[Live, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """All there are, newest first."""

    known: tuple[Offered, ...]
    trouble: str = ""
    """Why there is no list, as a sentence; "" where there is one."""
    unseen: tuple[str, ...] = ()
    """Environments that did not answer in time: what is live there is not known."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What does not have to be looked up."""

    environments: tuple[str, ...]
    default: str
    strategies: tuple[Strategy, ...]


class Field(Enum):
    """The fields of a request for a deploy."""

    VERSION = "version"
    ENVIRONMENT = "environment"
    STRATEGY = "strategy"
    REASON = "reason"
    CATEGORY = "category"


@dataclass(frozen=True, slots=True)
class Fault:
    """A sentence for whoever filled in that field."""

    field: Field
    said: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """A deploy as a form holds it; nothing in it was checked."""

    version: str = ""
    environment: str = ""
    strategy: str = ""
    reason: str = ""
    category: str = ""
    """The least, "2" or "3"; "" for what the rules say."""

    @property
    def text(self) -> str:
        """The same as it is typed."""
        more = (option("category", self.category), option("reason", self.reason))
        return " ".join(word for word in (HEAD, self.version, self.strategy, f"to {self.environment}", *more) if word)


class Offers:
    """Shared by everybody who asks: however many type at once, each place is asked once."""

    def __init__(self, planning: Planning) -> None:
        self._planning = planning
        self._built = _Kept(self._versions)
        self._served = {name: _Kept(self._survey(name)) for name in planning.environments}

    def choices(self) -> Choices:
        """Environments and strategies; no I/O."""
        known = self._planning
        return Choices(tuple(known.environments), known.default_environment, strategies(known.registry.actions))

    async def versions(self, patience: float = PATIENCE, fresh: float = FRESH) -> Versions:
        """The versions, with where each is live as far as the servers say so within `patience` seconds.

        Nothing in it is older than `fresh` seconds.
        """
        fleets = asyncio.gather(*(kept.within(patience, fresh) for kept in self._served.values()))
        built = await self._built.within(patience, fresh)
        served = dict(zip(self._served, await fleets, strict=True))
        match built:
            case None:
                return Versions((), "The list of versions takes long; try again in a moment.")
            case CannotPlan():
                return Versions((), str(built))
            case tuple():
                unseen = tuple(name for name, fleet in served.items() if fleet is None)
                return Versions(tuple(_offered(one, served) for one in built), "", unseen)

    async def faults(self, wanted: Wanted, patience: float) -> tuple[Fault, ...]:
        """What would certainly be refused, as far as it is known within `patience` seconds."""
        choices = self.choices()
        found = [] if VERSION.accepts(wanted.version) else [Fault(Field.VERSION, "Choose a version from the list.")]
        if wanted.environment not in choices.environments:
            found.append(Fault(Field.ENVIRONMENT, "There is no such environment any more; choose another one."))
        if wanted.strategy and wanted.strategy not in {one.word for one in choices.strategies}:
            found.append(Fault(Field.STRATEGY, "That way is not offered any more; choose another one."))
        if (length := len(plain(wanted.reason))) > LONGEST_VALUE:
            said = f"The reason is {counted(length, 'character')} long; it has at most {LONGEST_VALUE}."
            found.append(Fault(Field.REASON, said))
        if not found:
            found += _unknown_or_live(wanted, await self.versions(patience, CERTAIN))
        return tuple(found)

    async def _versions(self) -> tuple[Artifact, ...] | CannotPlan:
        """Only what can be typed, too."""
        try:
            built = await self._planning.artifacts.versions()
        except CannotPlan as why:
            return why
        return tuple(one for one in built if VERSION.accepts(one.version) and VERSION.parse(one.version) == one.version)

    def _survey(self, environment: str) -> Callable[[], Awaitable[Fleet | None]]:
        async def look() -> Fleet | None:
            try:
                return await self._planning.survey(environment)
            except Refusal:
                return None  # whoever asks for a change there is told which server did not answer

        return look


class _Kept(Generic[T]):
    """The answer to a slow question: asked by one at a time, and believed for a while."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._asked = 0.0
        self._task: asyncio.Future[T] | None = None

    async def within(self, seconds: float, fresh: float) -> T | None:
        """An answer asked for less than `fresh` seconds ago, None where it takes longer; who asks next may have it."""
        now = asyncio.get_running_loop().time()
        task = self._task
        if task is None or (task.done() and (now - self._asked > fresh or _burst(task))):
            self._asked = now
            task = self._task = asyncio.ensure_future(self._ask())
        await asyncio.wait({task}, timeout=seconds)
        return task.result() if task.done() else None


def _burst(done: asyncio.Future[T]) -> bool:
    return done.cancelled() or done.exception() is not None


def _offered(built: Artifact, served: Mapping[str, Fleet | None]) -> Offered:
    live = (_live(built, name, fleet) for name, fleet in served.items() if fleet)
    return Offered(built.version, built.commit, built.made, tuple(one for one in live if one))


def _live(built: Artifact, name: str, fleet: Fleet) -> Live | None:
    current = [host.release(host.current) for host in fleet.hosts]
    here = [release for release in current if release and release.version == built.version]
    if not here:
        return None
    same = all(release.sha256 in ("", built.sha256) for release in here)
    return Live(name, len(here) == len(current), same)


def _unknown_or_live(wanted: Wanted, versions: Versions) -> list[Fault]:
    found = next((one for one in versions.known if one.version == wanted.version), None)
    if versions.trouble:
        return []
    if found is None:
        return [Fault(Field.VERSION, f"There is no version {wanted.version} any more; choose another one.")]
    if Live(wanted.environment) in found.live:
        return [Fault(Field.VERSION, f"{wanted.version} is live on {wanted.environment} already.")]
    return []
