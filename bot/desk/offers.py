"""What a form may offer, and what is wrong with what it holds: looked up quickly, remembered briefly, nothing begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from actions.engine.fleet import Artifact, CannotPlan, Fleet
from actions.engine.ports import Clock
from actions.engine.registry.grammar import LONGEST_VALUE, VERSION, option
from actions.engine.registry.strategies import HEAD, Strategy, strategies
from actions.engine.words import counted, named, plain
from bot.desk.kept import Kept
from bot.desk.planning import Planning
from bot.desk.surveys import Surveys

FRESH = 5.0
"""Seconds for which what was looked up is shown."""
CERTAIN = 0.5
"""Seconds for which it is believed when somebody is refused for it."""
PATIENCE = 1.5
"""Seconds for which a list is waited for: whoever chooses from it has begun to type."""


@dataclass(frozen=True, slots=True)
class Live:
    """Where a version is served."""

    environment: str
    whole: bool = True
    """On every host of it; False also where that is not known of one."""
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
    """What did not answer in time, so that what is live there is not known: "staging", "app17 of production"."""


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

    def __init__(self, planning: Planning, clock: Clock) -> None:
        self._planning, self.surveys = planning, Surveys(planning, clock)
        self._built = Kept(self._versions)

    def choices(self) -> Choices:
        """Environments and strategies; no I/O."""
        known = self._planning
        return Choices(tuple(known.environments), known.default_environment, strategies(known.registry.actions))

    async def versions(self, patience: float = PATIENCE, fresh: float = FRESH) -> Versions:
        """The versions, with where each is live as far as the servers say so within `patience` seconds.

        Nothing in it is older than `fresh` seconds.
        """
        names = self._planning.environments
        seeing = asyncio.gather(*(self.surveys.fleet(name, patience, fresh) for name in names))
        built, looks = await asyncio.gather(self._built.within(patience, fresh), seeing)
        match built:
            case None:
                return Versions((), "The list of versions takes long; try again in a moment.")
            case CannotPlan():
                return Versions((), str(built))
            case tuple():
                fleets = [fleet for fleet, _ in looks]
                unseen = tuple(_unseen(fleet, troubles) for fleet, troubles in looks if troubles)
                return Versions(tuple(_offered(one, fleets) for one in built), "", unseen)

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


def _unseen(fleet: Fleet, troubles: Mapping[str, str]) -> str:
    """What did not answer, in words."""
    return f"{named(troubles, 2)} of {fleet.environment.name}" if fleet.hosts else fleet.environment.name


def _offered(built: Artifact, fleets: Sequence[Fleet]) -> Offered:
    live = (_live(built, fleet) for fleet in fleets)
    return Offered(built.version, built.commit, built.made, tuple(one for one in live if one))


def _live(built: Artifact, fleet: Fleet) -> Live | None:
    current = [host.release(host.current) for host in fleet.hosts]
    here = [release for release in current if release and release.version == built.version]
    if not here:
        return None
    same = all(release.sha256 in ("", built.sha256) for release in here)
    return Live(fleet.environment.name, len(here) == len(fleet.environment.hosts), same)


def _unknown_or_live(wanted: Wanted, versions: Versions) -> list[Fault]:
    found = next((one for one in versions.known if one.version == wanted.version), None)
    if versions.trouble:
        return []
    if found is None:
        return [Fault(Field.VERSION, f"There is no version {wanted.version} any more; choose another one.")]
    if Live(wanted.environment) in found.live:
        return [Fault(Field.VERSION, f"{wanted.version} is live on {wanted.environment} already.")]
    return []
