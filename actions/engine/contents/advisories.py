"""Known faults of packages, as the build's audit named them: which of them a version brings, or is rid of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

_WORST_FIRST = ("critical", "high", "medium", "moderate", "low", "info")


@dataclass(frozen=True, slots=True)
class Advisory:
    """A fault of a package that is known to everybody."""

    package: Annotated[str, Field(pattern=r"^[A-Za-z0-9@._/~-]{1,214}$")]
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    """ "CVE-2023-29197", "GHSA-wxmh-65f7-jcvw"."""
    severity: Annotated[str, Field(pattern=r"^[a-z]{1,16}$")]
    """As the audit calls it, "unknown" where it does not."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was known when the version was packed; a version that nobody audited has none."""

    found: tuple[Advisory, ...] = ()
    """Of the packages in it."""
    fixed: tuple[Advisory, ...] = ()
    """Of the packages of the version before, and no longer of these."""


def of_moved(moved: Collection[str], new: Audit | None, old: Audit | None) -> Iterator[str]:
    """ "vue (fixes CVE-2024-6783, high)" for each advisory of a package that a lock moves, the worst first.

    `moved` are packages as locks name them; `new` and `old` are the audits of the two versions.
    """
    names = {package.rpartition("node_modules/")[2] for package in moved}
    has = _of(names, new.found if new else ())
    had = _of(names, (*(old.found if old else ()), *(new.fixed if new else ())))
    gone = "fixes" if new else "had"
    told = {key: (one, "has") for key, one in has.items()}
    told |= {key: (one, gone) for key, one in had.items() if key not in has}
    for one, verb in sorted(told.values(), key=lambda pair: (_rank(pair[0]), pair[0].package, pair[0].id)):
        yield f"{one.package} ({verb} {one.id}, {one.severity})"


def _of(names: set[str], known: Collection[Advisory]) -> dict[tuple[str, str], Advisory]:
    """A severity may be told anew, and it is the same fault."""
    return {(one.package, one.id): one for one in known if one.package in names}


def _rank(one: Advisory) -> int:
    return _WORST_FIRST.index(one.severity) if one.severity in _WORST_FIRST else len(_WORST_FIRST)
