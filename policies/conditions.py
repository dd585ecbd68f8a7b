"""When a rule fits: what it names of a change's facts, and its reason filled in with those it fits by."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from actions.engine.plan import Arg, Plan
from actions.engine.words import counted, joined

Steps = Literal["major", "minor", "patch", "unknown"]
Ways = Literal["reversible", "forward-only", "needs a restore", "not known"]
PLACES = (
    *("version", "replaces", "migrations", "destructive", "files", "size", "locks", "advisories", "env"),
    *("config_keys", "unknown"),
)
"""What a rule's `because` may have in { }."""
_NAMED = 3


class When(BaseModel):
    """All that it names has to be true of the change; of a list, one. What is not known of a change fits nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    environments: list[str] | None = Field(default=None, min_length=1)
    actions: list[str] | None = Field(default=None, min_length=1)
    strategies: list[str] | None = Field(default=None, min_length=1)
    version_steps: list[Steps] | None = Field(default=None, min_length=1)
    brings: bool | None = None
    """Whether it brings a version's artifact to the servers: every deploy does, a rollback does not."""
    first: bool | None = None
    older: bool | None = None
    """Whether it brings a version that is older than what is served."""
    ways_back: list[Ways] | None = Field(default=None, min_length=1)
    """What it means for the database, where it goes back to something older."""
    migrations: bool | None = None
    destructive: bool | None = None
    unknown: bool | None = None
    files: list[str] | None = Field(default=None, min_length=1)
    files_over: int | None = Field(default=None, ge=1)
    kilobytes_over: int | None = Field(default=None, ge=1)
    locks: list[Literal["major", "minor", "patch", "added", "removed", "unknown"]] | None = Field(
        default=None, min_length=1
    )
    advisories: bool | None = None
    """Whether a package that moves has a known fault, or had one that is gone with it."""
    vendor: bool | None = None
    env: bool | None = None
    config_keys: bool | None = None

    def fits(self, plan: Plan, environment: str) -> bool:
        """Whether all of it is true of that plan there."""
        facts = plan.facts
        return (
            (self.environments is None or environment in self.environments)
            and (self.actions is None or plan.action in self.actions)
            and (self.strategies is None or facts.get("strategy") in self.strategies)
            and (self.version_steps is None or facts.get("version_step", "unknown") in self.version_steps)
            and (self.brings is None or bool(plan.sha256) is self.brings)
            and (self.older is None or bool(facts.get("older_than")) is self.older)
            and (self.ways_back is None or _way_back(facts) in self.ways_back)
            and (self.migrations is None or bool(facts.get("migrations")) is self.migrations)
            and (self.config_keys is None or bool(facts.get("config_keys")) is self.config_keys)
            and (not plan.sha256 or self.unknown is None or is_unknown(facts) is self.unknown)
            and self._of_contents(plan)
        )

    def _of_contents(self, plan: Plan) -> bool:
        """What can only be said of a version whose contents are known, and known against what is served."""
        facts = plan.facts
        asked = (self.first, self.files, self.files_over, self.kilobytes_over, self.locks, self.advisories)
        if self.destructive is not None and bool(facts.get("destructive")) is not self.destructive:
            return False
        if self.unknown is not None and not plan.sha256:
            return False
        if all(one is None for one in (*asked, self.vendor, self.env)):
            return True
        if not plan.sha256 or is_unknown(facts):
            return False
        return (
            (self.first is None or bool(facts.get("first")) is self.first)
            and (self.files is None or bool(matching(facts, self.files)))
            and (self.files_over is None or _number(facts, "changed_files") > self.files_over)
            and (self.kilobytes_over is None or _number(facts, "changed_bytes") > self.kilobytes_over * 1000)
            and (self.locks is None or any(step in self.locks for step in _texts(facts, "lock_steps")))
            and (self.advisories is None or bool(facts.get("advisories")) is self.advisories)
            and (self.vendor is None or bool(facts.get("vendor")) is self.vendor)
            and (self.env is None or bool(_env(facts)) is self.env)
        )

    @field_validator("files")
    @classmethod
    def _patterns(cls, patterns: list[str] | None) -> list[str] | None:
        if patterns and (odd := [one for one in patterns if one.startswith("/") or not one]):
            raise ValueError(f'paths below the release such as "config/*.php", and not "{odd[0]}"')
        return patterns


def is_unknown(facts: Mapping[str, Arg]) -> bool:
    """Whether what a version changes is not known; it is only known where the plan says so."""
    return facts.get("unknown", "?") != ""


def _way_back(facts: Mapping[str, Arg]) -> Arg | None:
    """One of `Ways`; None for what goes back to nothing older."""
    return (facts["way_back"] or "not known") if "way_back" in facts else None


def matching(facts: Mapping[str, Arg], patterns: Sequence[str]) -> list[str]:
    """The changed files that one of the patterns fits; * stands for any text, and for / too."""
    return [path for path in _texts(facts, "changed") if any(fnmatchcase(path, one) for one in patterns)]


def places(because: str) -> list[str]:
    """What stands in { } in it."""
    return re.findall(r"\{([^{}]*)\}", because)


def filled(because: str, when: When, plan: Plan) -> str:
    """The reason with this change's facts in it."""
    facts = plan.facts
    destructive = _texts(facts, "destructive")
    reason = dict(zip(destructive, _texts(facts, "destructive_because"), strict=False))
    locks = [line for line in _texts(facts, "locks") if when.locks is None or _step(line) in when.locks]
    values = {
        "version": plan.version,
        "replaces": str(facts.get("replaces", "")) or "nothing",
        "migrations": counted(len(_texts(facts, "migrations")), "migration"),
        "destructive": _few([f"{name} ({reason.get(name, 'it cannot be read')})" for name in destructive], 1),
        "files": _few(matching(facts, when.files) if when.files else _texts(facts, "changed")),
        "size": f"{counted(_number(facts, 'changed_files'), 'file')} that change",
        "locks": _few(locks),
        "advisories": _few(_texts(facts, "advisories")),
        "env": _few(_env(facts)),
        "config_keys": _few(_texts(facts, "config_keys")),
        "unknown": str(facts.get("unknown", "")) or "what it changes is not known",
    }
    return re.sub(r"\{([^{}]*)\}", lambda found: values.get(found[1], found[0]), because)


def _few(names: Sequence[str], most: int = _NAMED) -> str:
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return joined([*names[:most], *more])


def _step(line: str) -> str:
    return line.rpartition("(")[2].rstrip(")")


def _env(facts: Mapping[str, Arg]) -> list[str]:
    return sorted({*_texts(facts, "env_added"), *_texts(facts, "env_removed")})


def _texts(facts: Mapping[str, Arg], name: str) -> tuple[str, ...]:
    value = facts.get(name, ())
    return value if isinstance(value, tuple) else ()


def _number(facts: Mapping[str, Arg], name: str) -> int:
    value = facts.get(name, 0)
    return value if isinstance(value, int) else 0
