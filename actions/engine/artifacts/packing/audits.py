"""What the package managers' own audits found, read from what they print: never half, and never guessed at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, Field, TypeAdapter, ValidationError

from actions.engine.contents.advisories import Advisory, Audit

_FORMS = "`composer audit --format=json` or `npm audit --json` (npm 7 or newer) prints"


class Unreadable(Exception):
    """`faults` are sentences, one for each file that is of no use."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def audit_of(now: Sequence[Path], before: Sequence[Path]) -> Audit | None:
    """The audit of a version from those of its locks, and of the locks of the version before; None without any.

    Raises Unreadable with every fault.
    """
    if not now:
        if before:
            raise Unreadable(["--advisories-before tells of the version before; say --advisories for this one too."])
        return None
    faults = list[str]()
    found, had = (_all(files, faults) for files in (now, before))
    if faults:
        raise Unreadable(faults)
    here = {(one.package, one.id) for one in found}
    return Audit(tuple(found), tuple(one for one in had if (one.package, one.id) not in here))


def _all(files: Sequence[Path], faults: list[str]) -> list[Advisory]:
    """What all of them name, each once, in order; what is wrong with one is put to the faults."""
    found = dict[tuple[str, str], Advisory]()
    for file in files:
        try:
            found |= {(one.package, one.id): one for one in _named(file.read_bytes())}
        except OSError as fault:
            faults.append(f"{file} cannot be read: {fault.strerror or fault}.")
        except _Useless as why:
            faults.append(f"{file} {why}.")
    return [found[key] for key in sorted(found)]


# --- what they print ---------------------------------------------------------


def _values(listed: object) -> object:
    """A list of PHP that has lost an element is an object in its JSON."""
    return list(cast("dict[str, object]", listed).values()) if isinstance(listed, dict) else listed


def _table(listed: object) -> object:
    """And an object without any is a list."""
    return listed or {}


class _Fault(BaseModel):
    cve: str | None = None
    advisory: str = Field("", alias="advisoryId")
    severity: str | None = None


_Faults = Annotated[
    dict[str, Annotated[list[_Fault], BeforeValidator(_values)]],
    BeforeValidator(_table),
]


class _Composer(BaseModel):
    """What composer.json ignores is a fault of the package all the same."""

    advisories: _Faults
    ignored: _Faults = Field(default_factory=dict[str, list[_Fault]], alias="ignored-advisories")
    unreachable: list[str] = Field(default_factory=list[str], alias="unreachable-repositories")


class _Via(BaseModel):
    name: str
    url: str = ""
    source: int = 0
    severity: str | None = None


class _Package(BaseModel):
    via: list[_Via | str]
    """What is wrong with itself; text is the name of another package, which has it."""


class _Npm(BaseModel):
    version: Literal[2] = Field(alias="auditReportVersion")
    vulnerabilities: dict[str, _Package]


class _Failed(BaseModel):
    """What npm prints where it could not look."""

    error: dict[str, Any]


_PRINTED: TypeAdapter[_Composer | _Npm | _Failed] = TypeAdapter(_Composer | _Npm | _Failed)
_ADVISORY = TypeAdapter(Advisory)


class _Useless(Exception):
    """The message goes on after the file's name."""


def _named(printed: bytes) -> Iterator[Advisory]:
    """Raises _Useless."""
    try:
        said = _PRINTED.validate_json(printed)
    except ValidationError as wrong:
        broken = any(error["type"] == "json_invalid" for error in wrong.errors())
        raise _Useless(f"{'is no JSON' if broken else 'is something else'}; it has to be what {_FORMS}") from None
    match said:
        case _Composer():
            if said.unreachable:
                raise _Useless(f"is not the whole: composer could not reach {', '.join(said.unreachable)[:200]}")
            for package, faults in (*said.advisories.items(), *said.ignored.items()):
                yield from (_advisory(package, one.cve or one.advisory, one.severity) for one in faults)
        case _Npm():
            for via in (via for package in said.vulnerabilities.values() for via in package.via):
                if isinstance(via, _Via):
                    id_ = via.url.rpartition("/")[2] if "GHSA-" in via.url else f"npm:{via.source}"
                    yield _advisory(via.name, id_, via.severity)
        case _Failed():
            raise _Useless(f"holds npm's error: {str(said.error.get('summary') or said.error)[:200].rstrip('.')}")


def _advisory(package: str, id_: str, severity: str | None) -> Advisory:
    try:
        return _ADVISORY.validate_python({"package": package, "id": id_, "severity": (severity or "unknown").lower()})
    except ValidationError as wrong:
        error = wrong.errors()[0]
        raise _Useless(f"names an advisory whose {error['loc'][0]} is {str(error['input'])[:80]!r}") from None
