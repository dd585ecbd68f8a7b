"""The rules table: read from TOML, checked whole, hashed, and asked for what a plan requires."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from actions.engine.codec import sha256_of
from actions.engine.located_toml import Located, TomlFault, parse
from actions.engine.migrations import WayBack
from actions.engine.plan import Plan
from actions.engine.words import joined
from policies.change import Need, Requirement, Role, WhenReady
from policies.conditions import PLACES, When, filled, places
from policies.special import Emergency, Standard, of_type

_WORDS = {
    "list_type": "it has to be a list, in [ ]",
    "string_type": 'it has to be text, in " "',
    "bool_type": "it has to be true or false",
    "int_type": "it has to be a whole number",
    "too_short": "it has to hold at least one",
    "string_too_short": "it must not be empty",
}
_CATEGORIES: tuple[Literal[1, 2, 3], ...] = (1, 2, 3)
_REASONS = 3
"""So many of the facts that make a category are said; View plan shows them all."""
SHIPPED = Path(__file__).with_name("rules.toml")


class BrokenRules(Exception):
    """`faults` are sentences, each beginning with "FILE:LINE: ", in the order of their lines; or one, of no file."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Free(_Table):
    environments: list[str] = Field(default_factory=list[str])
    because: str = Field(default="This environment requires no approval.", min_length=1)


class _Need(_Table):
    role: Annotated[Role, Field(strict=False)]
    count: int = Field(default=1, ge=1, le=20)


def _time(value: object) -> object:
    """A time as people write it: "30 min"."""
    found = re.fullmatch(r"(\d{1,5}) (s|min|h|days?)", value) if isinstance(value, str) else None
    if not found:
        raise ValueError('a time such as "2 s", "30 min", "4 h" or "30 days"')
    unit = {"s": "seconds", "min": "minutes", "h": "hours", "day": "days", "days": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})


Time = Annotated[timedelta, BeforeValidator(_time)]
EvidenceName = Literal["staging", "drill", "checks", "branch"]
_EVIDENCE: tuple[EvidenceName, ...] = ("staging", "drill", "checks", "branch")
"""In the order in which it is shown."""


class _Evidence(_Table):
    staging: Time = timedelta(minutes=30)
    drill: Time = timedelta(days=30)


class _Category(_Table):
    name: str = Field(min_length=1)
    covers: str = ""
    needs: list[_Need] = Field(min_length=1)
    evidence: list[EvidenceName] = Field(default_factory=list[EvidenceName])
    strategies: list[str] = Field(default_factory=list[str])
    strategies_destructive: list[str] = Field(default_factory=list[str])
    """Instead of them, where a migration is destructive, or one is in the database that an older version may break on;
    as they are where this is left out."""
    expires_hours: int = Field(default=4, ge=1, le=24 * 7)
    when_ready: Annotated[WhenReady, Field(strict=False)] = WhenReady.START
    watch: Time = timedelta()


class _Categories(_Table):
    one: _Category = Field(alias="1")
    two: _Category = Field(alias="2")
    three: _Category = Field(alias="3")


class _Rule(_Table):
    category: Literal[1, 2, 3]
    because: str = Field(min_length=1)
    """Goes on with "Category 2 because"; see conditions.PLACES for what it may have in { }."""
    when: When = Field(default_factory=When)
    evidence: list[EvidenceName] = Field(default_factory=list[EvidenceName])
    """Asked for beside that of the category, whatever the category is."""

    @field_validator("because")
    @classmethod
    def _known_places(cls, because: str) -> str:
        if odd := [place for place in places(because) if place not in PLACES]:
            raise ValueError(f"text with one of {', '.join(PLACES)} in {{ }}, and not {odd[0]!r}")
        return because


class _Document(_Table):
    free: _Free = Field(default_factory=_Free)
    evidence: _Evidence = Field(default_factory=_Evidence)
    category: _Categories
    rules: list[_Rule] = Field(default_factory=list[_Rule])
    standard: Standard | None = None
    emergency: Emergency | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A checked table."""

    document: _Document
    sha256: str
    """64 hex digits over what the table says, whatever its comments and its layout."""

    @property
    def emergency(self) -> Emergency | None:
        """What the table says of emergencies; None where it knows none."""
        return self.document.emergency

    def classify(self, plan: Plan, environment: str, least: int = 0, *, emergency: bool = False) -> Requirement:
        """What the table asks of this plan in this environment, and why; of no lower category than `least`.

        A category that was raised is no standard change any more; an emergency stays one.
        """
        asked = self._by_category(plan, environment, least)
        standard = None if least else self.document.standard
        return of_type(asked, plan, standard, self.document.emergency, emergency)

    def _by_category(self, plan: Plan, environment: str, least: int) -> Requirement:
        fitting = [rule for rule in self.document.rules if rule.when.fits(plan, environment)]
        highest = max(fitting, key=lambda rule: rule.category, default=None)
        category = highest.category if highest else 3
        reasons = dict.fromkeys(filled(r.because, r.when, plan) for r in fitting if r.category == category)
        because = joined(list(reasons)[:_REASONS]) or "no rule fits it"
        if self.is_free(environment):
            return Requirement(category, self.document.free.because, ())
        if least > category:
            because = f"that was asked for; the rules say {category} because {because}"
            category = _CATEGORIES[least - 1]
        table = self._category(category)
        evidence = self._evidence(table, fitting) if plan.sha256 else ()
        return Requirement(
            category,
            f"Category {category} because {because}.",
            tuple(Need(need.role, need.count) for need in table.needs),
            evidence,
            self._strategies(table, plan) if plan.sha256 else (),
            timedelta(hours=table.expires_hours),
            {name: time for name, time in self._times().items() if name in evidence},
            table.when_ready,
            table.watch,
        )

    def _strategies(self, table: _Category, plan: Plan) -> tuple[str, ...]:
        """A category that has to be a canary would leave no way to a version that no canary can have."""
        facts = plan.facts
        beside = not facts.get("destructive") and facts.get("way_back") != WayBack.RESTORE
        if not beside and table.strategies and table.strategies_destructive:
            return tuple(table.strategies_destructive)
        return tuple(table.strategies)

    def _evidence(self, table: _Category, fitting: list[_Rule]) -> tuple[EvidenceName, ...]:
        """The category's, and what fitting rules ask for besides; of a version, so of no change that brings none."""
        asked = {*table.evidence, *(name for rule in fitting for name in rule.evidence)}
        return tuple(name for name in _EVIDENCE if name in asked)

    def _times(self) -> dict[str, timedelta]:
        table = self.document.evidence
        return {"staging": table.staging, "drill": table.drill}

    def evidence(self) -> frozenset[str]:
        """What a change can be asked for: of rules, of their categories, and of the highest where no rule fits all."""
        of_rules = {name for rule in self.document.rules for name in rule.evidence}
        return frozenset(of_rules.union(*(self._category(n).evidence for n in self._used())))

    def strategies(self) -> Mapping[int, tuple[str, ...]]:
        """The categories that a change can have and that not every strategy is allowed in, and which are."""
        return {n: tuple(told) for n in self._used() if (told := self._category(n).strategies)}

    def named(self) -> Mapping[str, frozenset[str]]:
        """What it names by words of a bot, which this table cannot know; the key is what each of them has to be."""
        of, whens = self.document, [rule.when for rule in self.document.rules]
        tables = [self._category(number) for number in _CATEGORIES]
        return {
            "environment": frozenset(of.free.environments).union(*(when.environments or () for when in whens)),
            "action": frozenset(of.standard.actions if of.standard else ()).union(*(w.actions or () for w in whens)),
            "strategy": frozenset[str]().union(*((*t.strategies, *t.strategies_destructive) for t in tables)),
            "bypass": frozenset(of.emergency.bypass if of.emergency else ()),
        }

    def is_free(self, environment: str) -> bool:
        """Whether nothing that this table says is asked of a change there."""
        return environment in self.document.free.environments

    def _used(self) -> list[Literal[1, 2, 3]]:
        """The categories that a change can have, where nobody raises it."""
        rules = self.document.rules
        fits_all = any(rule.when == When() for rule in rules)
        return [n for n in _CATEGORIES if any(rule.category == n for rule in rules) or (n == 3 and not fits_all)]

    def _category(self, number: Literal[1, 2, 3]) -> _Category:
        tables = self.document.category
        return {1: tables.one, 2: tables.two, 3: tables.three}[number]


def load(path: Path | str | None = None) -> Rules:
    """Read a table, the shipped one by default. Raises BrokenRules with every fault."""
    file = Path(path) if path else SHIPPED
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as fault:
        raise BrokenRules((f"The table of rules {file} cannot be read: {fault.strerror or fault}.",)) from None
    except UnicodeDecodeError:
        raise BrokenRules((f"The table of rules {file} is not UTF-8; save it as UTF-8.",)) from None
    return parse_rules(text, file.name)


def parse_rules(text: str, name: str = "rules.toml") -> Rules:
    """The table in that text. Raises BrokenRules with every fault there is."""
    try:
        located = parse(text)
    except TomlFault as fault:
        raise BrokenRules((f"{name}:{fault.line}: {fault.message}.",)) from None
    if not located.data:
        raise BrokenRules((f"{name} is missing, or holds no rules; begin with a copy of the shipped ones.",))
    faults = list(_twice(located))
    try:
        document = _Document.model_validate(located.data)
    except ValidationError as wrong:
        faults += [_in_words(located, dict(error)) for error in wrong.errors()]
        document = None
    if faults or document is None:
        raise BrokenRules(tuple(f"{name}:{line}: {said}" for line, said in sorted(set(faults))))
    return Rules(document, sha256_of(document.model_dump(mode="json", by_alias=True)))


def _twice(located: Located) -> Iterator[tuple[int, str]]:
    """A role asked for twice in one category is a count that somebody wrote differently."""
    categories = located.data.get("category")
    for number, table in _tables(categories):
        needs = table.get("needs")
        roles = [str(role) for _, need in _tables(needs) if (role := need.get("role"))]
        for role in sorted({role for role in roles if roles.count(role) > 1}):
            line = located.line(("category", number, "needs"))
            yield line, f"category.{number} needs {role} twice; write one with count = {roles.count(role)}."


def _tables(value: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The tables in a table or in an array of unchecked data, with their names."""
    if isinstance(value, dict):
        pairs = list(cast("dict[str, object]", value).items())
    elif isinstance(value, list):
        pairs = [(str(index), item) for index, item in enumerate(cast("list[object]", value))]
    else:
        pairs = []
    for name, item in pairs:
        if isinstance(item, dict):
            yield name, cast("dict[str, Any]", item)


def _in_words(located: Located, error: dict[str, Any]) -> tuple[int, str]:
    """One of pydantic's errors as a line and a sentence."""
    where: tuple[str | int, ...] = error["loc"]
    name = ".".join(str(part) for part in where)
    line = located.line(where)
    match error["type"]:
        case "missing":
            return line, f"{name} is missing."
        case "extra_forbidden":
            return line, f"{name} is nothing that this table knows."
        case _:
            said = error["msg"].replace("Input should", "it has to").replace("Value error,", "it has to be")
            return line, f"{name}: {_WORDS.get(error['type']) or said}."
