"""What an operator writes down as a change of the environment file: NAME=value sets a key, `unset NAME` removes one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from actions.host.chom_host.envfile import statements, why_not

_UNSET = re.compile(r"\s*unset\s+([A-Za-z_][A-Za-z0-9_.]{0,127})\s*")
MOST = 100_000
"""Characters."""


class NotWritten(ValueError):
    """The file is no such change; each fault names a line or a key and no value."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Written:
    """Keys to set, each to a right side as the file has it, and keys to remove."""

    sets: Mapping[str, str]
    unset: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them, sorted."""
        return tuple(sorted({*self.sets, *self.unset}))


def read(text: str) -> Written:
    """Raises NotWritten with every fault there is."""
    if len(text) > MOST:
        raise NotWritten([f"It is {len(text):,} characters long; a change has at most {MOST:,}."])
    sets: dict[str, str] = {}
    unset: list[str] = []
    faults: list[str] = []
    at = 0
    for one in statements(text):
        _between(text, at, one.start, unset, faults)
        at = one.end
        line = text.count("\n", 0, one.start) + 1
        if one.name in sets:
            faults.append(f"line {line}: {one.name} is there twice.")
        if why := why_not(one.raw):
            faults.append(f"line {line}: {one.name}: {why}.")
        sets[one.name] = one.raw
    _between(text, at, len(text), unset, faults)
    faults += [f"{name} is set and unset; write one of them." for name in sorted({*sets} & {*unset})]
    if not faults and not sets and not unset:
        faults.append("It changes nothing: write NAME=value, or `unset NAME`, one a line.")
    if faults:
        raise NotWritten(faults)
    return Written(sets, tuple(dict.fromkeys(unset)))


def _between(text: str, start: int, end: int, unset: list[str], faults: list[str]) -> None:
    """Lines that set nothing: empty, a comment, or `unset NAME`."""
    first = text.count("\n", 0, start) + 1
    for number, line in enumerate(text[start:end].split("\n"), first):
        if found := _UNSET.fullmatch(line):
            unset.append(found[1])
        elif line.strip() and not line.lstrip().startswith("#"):
            faults.append(f"line {number} is neither NAME=value, `unset NAME` nor a comment.")


def template(environment: str, known: Mapping[str, tuple[str, ...]]) -> str:
    """What an editor is opened with: the keys that the servers have, none of them changed, and no value."""
    names = sorted({name for keys in known.values() for name in keys})
    lines = [
        f"# A change of the environment file of {environment}. Values never come back from the servers: none is shown.",
        "# Take the # from the keys that you want to set, and write their values; `unset NAME` removes one.",
        "# All other keys stay as they are on each server. Save an empty change to store nothing.",
        "",
    ]
    for name in names:
        has = [host for host, keys in known.items() if name in keys]
        where = "" if len(has) == len(known) else f"    (only on {', '.join(has)})"
        lines.append(f"#{name}={where}")
    return "\n".join(lines) + "\n"
