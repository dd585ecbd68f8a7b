"""Tables of cases: facts, people, approvals, evidence and time, and the verdict that a rules table has to give.

[people]
lena = ["tech-lead"]

[facts]                                      # what every case's plan states, where the case does not
strategy = "blue-green"

[[cases]]
name = "Category 2 needs a DevOps engineer too"
raised = 2                                   # as with category=2; 0 for what the rules say
approvals = ["lena +5"]                      # who, and minutes after the request: "otto rejects +7", "lena stale"
evidence = ["staging", "!drill"]             # "!" where it does not hold; "staging -60" was read that long before
at = 10                                      # minutes after the request
verdict = "waiting"
missing = ["devops"]                         # "on-call|tech-lead" for one of several
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from actions.engine.located_toml import Located, TomlFault, parse
from actions.engine.plan import Arg, Plan
from policies.change import (
    Account,
    Approval,
    Calendar,
    Change,
    Evidence,
    Need,
    People,
    Person,
    Refused,
    Role,
    Verdict,
    Waiting,
    Word,
)
from policies.explain import explain, lines
from policies.judge import judge
from policies.rules import Rules

SHIPPED = Path(__file__).with_name("rules.cases.toml")
ASKED = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""When every case's change was asked for."""
_SAID = re.compile(
    r"(?P<who>[a-z][a-z0-9-]*)(?P<no> rejects)?(?P<stale> stale)?(?: from (?P<account>\S+))?(?: \+(?P<at>\d+))?"
)
_SHOWN = re.compile(r"(?P<not>!)?(?P<name>[a-z-]+)(?: -(?P<ago>\d+))?")


class BrokenCases(Exception):
    """The file cannot be read; `faults` are sentences, each beginning with "FILE:LINE: "."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Case(_Table):
    """One row."""

    name: str = Field(min_length=1)
    action: str = "deploy"
    environment: str = "production"
    facts: dict[str, str | int | bool | list[str]] = Field(default_factory=dict[str, str | int | bool | list[str]])
    raised: int = Field(default=0, ge=0, le=3)
    emergency: str = ""
    brings: bool = True
    """Whether it brings a version to the servers; a rollback and a configuration do not."""
    requester: str = "dana"
    approvals: list[Annotated[str, Field(pattern=f"^{_SAID.pattern}$")]] = Field(default_factory=list[str])
    evidence: list[Annotated[str, Field(pattern=f"^{_SHOWN.pattern}$")]] = Field(default_factory=list[str])
    at: int = 10
    verdict: Literal["allowed", "waiting", "blocked", "rejected", "expired", "void", "wrong strategy"]
    category: Literal[0, 1, 2, 3] = 0
    """What the rules have to say; 0 for whatever."""
    missing: list[str] | None = None
    lacking: list[str] | None = None
    says: str = ""
    """A part of the sentence."""


class _File(_Table):
    people: dict[str, list[Annotated[Role, Field(strict=False)]]]
    facts: dict[str, str | int | bool | list[str]] = Field(default_factory=dict[str, str | int | bool | list[str]])
    cases: list[Case] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went otherwise."""

    line: int
    name: str
    wanted: str
    got: str
    tree: tuple[str, ...]
    """The explanation of the verdict, as lines."""


@dataclass(frozen=True, slots=True)
class Cases:
    """A checked file."""

    file: _File
    located: Located

    def __len__(self) -> int:
        return len(self.file.cases)

    def run(self, rules: Rules) -> tuple[Failure, ...]:
        """Every case that goes otherwise than it says, under these rules."""
        ran = (self._run(number, case, rules) for number, case in enumerate(self.file.cases))
        return tuple(failure for failure in ran if failure)

    def _run(self, number: int, case: Case, rules: Rules) -> Failure | None:
        people = _people(self.file.people)
        change = _change(case, self.file.facts, rules)
        said = tuple(_approval(text, change) for text in case.approvals)
        shown = tuple(_evidence(text, case.at) for text in case.evidence)
        now = ASKED + timedelta(minutes=case.at)
        got = judge(change, said, shown, people, Calendar(), now)
        if _wanted(case) == _got(case, change, got) and case.says in got.said:
            return None
        tree = tuple(lines(explain(change, said, shown, people, Calendar(), now)))
        wanted = f"{_wanted(case)}{f', saying “{case.says}”' if case.says else ''}"
        line = self.located.line(("cases", number))
        return Failure(line, case.name, wanted, f"{_got(case, change, got)}, saying “{got.said}”", tree)


def load_cases(path: Path | str | None = None) -> Cases:
    """Read a file of cases, the shipped one by default. Raises BrokenCases with every fault, and FileNotFoundError."""
    file = Path(path) if path else SHIPPED
    try:
        located = parse(file.read_text(encoding="utf-8"))
    except TomlFault as fault:
        raise BrokenCases((f"{file.name}:{fault.line}: {fault.message}.",)) from None
    try:
        return Cases(_File.model_validate(located.data), located)
    except ValidationError as wrong:
        found = [(located.line(error["loc"]), _in_words(error["loc"], error["msg"])) for error in wrong.errors()]
        raise BrokenCases(tuple(f"{file.name}:{line}: {said}" for line, said in sorted(set(found)))) from None


def _in_words(where: tuple[str | int, ...], message: str) -> str:
    return f"{'.'.join(str(part) for part in where)}: {message.replace('Input should', 'it has to')}."


def _wanted(case: Case) -> str:
    return _told(case, case.category, case.verdict, case.missing or (), case.lacking or ())


def _got(case: Case, change: Change, verdict: Verdict) -> str:
    waits = verdict if isinstance(verdict, Waiting) else Waiting("")
    word = verdict.why.value if isinstance(verdict, Refused) else verdict.kind
    return _told(case, change.requirement.category, word, [_need(need) for need in waits.missing], waits.evidence)


def _told(case: Case, category: int, verdict: str, missing: Sequence[str], lacking: Sequence[str]) -> str:
    """As much as the case says something about."""
    parts = [f"category {category}"] if case.category else []
    parts.append(verdict)
    if case.missing is not None:
        parts.append(f"missing {' and '.join(missing) or 'nobody'}")
    if case.lacking is not None:
        parts.append(f"lacking {' and '.join(lacking) or 'nothing'}")
    return ", ".join(parts)


def _need(need: Need) -> str:
    return "|".join(need.roles) + (f" x{need.count}" if need.count > 1 else "")


def _people(roles: Mapping[str, list[Role]]) -> People:
    return {
        id_: Person(id_, id_.capitalize(), frozenset(theirs), (Account("T1", id_.upper()),), (id_,))
        for id_, theirs in roles.items()
    }


def _change(case: Case, common: Mapping[str, object], rules: Rules) -> Change:
    facts: dict[str, Arg] = {}
    for name, value in {**common, **case.facts}.items():
        facts[name] = tuple(str(one) for one in value) if isinstance(value, list) else value  # type: ignore[assignment]
    plan = Plan(
        case.action,
        f"{case.action} to {case.environment}",
        case.environment,
        "v1.2",
        "c" * 40,
        "d" * 64 if case.brings else "",
        "a" * 64,
        (),
        (),
        facts,
    )
    asked = rules.classify(plan, case.environment, case.raised, emergency=bool(case.emergency))
    return Change(
        "chg-case", case.requester, case.environment, case.action, "", ASKED, plan, asked, rules.sha256, case.emergency
    )


def _approval(text: str, change: Change) -> Approval:
    said = _SAID.fullmatch(text)
    assert said
    word = Word.REJECT if said["no"] else Word.APPROVE
    at = ASKED + timedelta(minutes=int(said["at"] or 1))
    digest = "0" * 64 if said["stale"] else change.digest
    return Approval(said["who"], word, digest, at, account=said["account"] or "")


def _evidence(text: str, at: int) -> Evidence:
    shown = _SHOWN.fullmatch(text)
    assert shown
    read = ASKED + timedelta(minutes=at - int(shown["ago"] or 0))
    stands = not shown["not"]
    said = f"{shown['name']} {'stands' if stands else 'does not stand'}."
    return Evidence(shown["name"], stands, said, read, read + timedelta(minutes=30))
