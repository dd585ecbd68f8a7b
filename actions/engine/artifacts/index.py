"""index.json: which versions there are. A fault in it is said by entry and field, never worked around."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError

from actions.engine.contents.advisories import Audit
from actions.engine.fleet import Artifact

LIMIT = 2 << 30
"""Bytes of the biggest artifact."""

_PLAIN = r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$"


class BrokenIndex(Exception):
    """`faults` are phrases, each naming the entry and what is wrong with it."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Entry:
    """One version."""

    version: Annotated[str, Field(pattern=_PLAIN, max_length=64)]
    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    file: Annotated[str, Field(pattern=_PLAIN)]
    size: Annotated[int, Field(gt=0, le=LIMIT)]
    made: AwareDatetime
    audit: Audit | None = None
    """What is known of its packages; None where nobody said anything of it."""

    def artifact(self, migrations: tuple[str, ...] = ()) -> Artifact:
        """As planners see it."""
        return Artifact(self.version, self.commit, self.sha256, self.size, migrations, self.made)


@dataclass(frozen=True, slots=True)
class _Index:
    releases: list[Entry]


_INDEX = TypeAdapter(_Index)
_WANTED = {
    "version": "a version such as v1.2 (letters, digits and . _ + -)",
    "commit": "40 hex digits in lower case",
    "sha256": "64 hex digits in lower case",
    "file": "a plain file name such as chom-v1.2.tar.gz, without a directory",
    "size": f"the file's size in bytes, at most {LIMIT}",
    "made": "a time with its zone such as 2026-11-01T10:00:00Z",
    "audit": "advisories under found and fixed, each with package, id and severity",
}


def parse(text: bytes) -> tuple[Entry, ...]:
    """All versions, the newest first. Raises BrokenIndex with every fault."""
    try:
        index = _INDEX.validate_json(text, strict=True)
    except ValidationError as fault:
        raise BrokenIndex([_words(dict(error)) for error in fault.errors(include_url=False)]) from fault
    versions = [entry.version for entry in index.releases]
    twice = sorted({version for version in versions if versions.count(version) > 1})
    if twice:
        raise BrokenIndex([f"{version} is there twice" for version in twice])
    return tuple(sorted(index.releases, key=lambda entry: entry.made, reverse=True))


def _words(error: dict[str, object]) -> str:
    match cast("tuple[str | int, ...]", error.get("loc", ())):
        case ("releases", int() as number, str() as field):
            if error.get("type") == "missing":
                return f"entry {number + 1} has no {field}; it has to be {_WANTED.get(field, 'there')}"
            got = repr(error.get("input"))
            got = got if len(got) <= 80 else f"{got[:80]}…"
            return f"entry {number + 1}: {field} is {got}, and has to be {_WANTED.get(field, error.get('msg'))}"
        case ("releases", int() as number, str() as field, *_):
            return f"entry {number + 1}: {field} has to be {_WANTED.get(field, error.get('msg'))}"
        case ("releases", int() as number):
            return f"entry {number + 1} is no object"
        case _:
            return f'it is not of the form {{"releases": […]}} ({error.get("msg")})'
