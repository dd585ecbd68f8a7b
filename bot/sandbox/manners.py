"""How a version behaves towards its visitors: how often it fails, how long it takes, and how many it bears."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.sandbox.slack.errors import Impossible, Json

_LONGEST_MS = 30_000
USAGE = 'POST {"version": "v1.2", "error_rate": 0.2, "latency_ms": 1500}; a word that is left out stays as it is.'


@dataclass(frozen=True, slots=True)
class Manner:
    """One version's. The shipped artifact says it (shop.json), and /sandbox/shop may say otherwise."""

    error_rate: float = 0.0
    """The share of visits that fail, 0 to 1; each falls by itself."""
    latency_ms: float = 0.0
    """How much longer each visit takes, milliseconds."""
    bears: float = 0.0
    """Visits a second that a server's pool serves; those above them fail. 0: as many as there are."""


class Manners:
    """Those that differ from what the artifacts say; one for the whole sandbox."""

    def __init__(self, versions: Mapping[str, Manner]) -> None:
        self._known = dict(versions)
        self.told = dict[str, Manner]()

    def of(self, version: str, shipped: Manner) -> Manner:
        """How that version behaves now, where its artifact says `shipped`."""
        return self.told.get(version, shipped)

    def change(self, spec: Json) -> Json:
        """What /sandbox/shop asks for. Raises Impossible with a sentence."""
        version = spec.get("version")
        if not isinstance(version, str) or version not in self._known:
            there = ", ".join(self._known)
            raise Impossible(f"There is no version {version!r}; there are {there}. {USAGE}")
        if unknown := set(spec) - {"version", "error_rate", "latency_ms"}:
            raise Impossible(f"{sorted(unknown)[0]!r} is nothing that can be changed. {USAGE}")
        manner = self.told.get(version, self._known[version])
        manner = replace(
            manner,
            error_rate=_number(spec, "error_rate", manner.error_rate, 1),
            latency_ms=_number(spec, "latency_ms", manner.latency_ms, _LONGEST_MS),
        )
        self.told[version] = manner
        return {"version": version, "error_rate": manner.error_rate, "latency_ms": manner.latency_ms}


def shipped(release: Path) -> Manner:
    """What the artifact says of itself. Raises OSError where there is no release."""
    told = json.loads((release / "shop.json").read_text(encoding="utf-8"))
    return Manner(**told.get("manner", {}))


def _number(spec: Json, name: str, before: float, most: float) -> float:
    value = spec.get(name, before)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise Impossible(f"“{name}” has to be a number from 0 to {most}; it was {value!r}. {USAGE}")
    return float(value)


@dataclass(slots=True)
class Load:
    """What one pool of one server can still serve now, and the dice that say which visitor is unlucky."""

    dice: random.Random = field(default_factory=lambda: random.Random(1))
    _spare: float = 0.0
    """Visits that it could serve at once."""
    _at: float = 0.0

    def fails(self, manner: Manner, now: float) -> bool:
        """Count one more visit, at `now` (monotonic seconds); whether it fails."""
        if manner.bears:
            self._spare = min(manner.bears / 4, self._spare + (now - self._at) * manner.bears)
            self._at = now
            if self._spare < 1:
                return True
            self._spare -= 1
        return self.dice.random() < manner.error_rate
