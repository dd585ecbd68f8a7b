"""A usage line is a route, a parser and a help text at once; this reads it into the exact forms it allows.

    deploy <version> [blue-green] [to|on <environment>]
    rollback [steps=N | to <version>] [on <environment>]

A bare word is itself, "to|on" is one of several words, <name> is an argument of that kind, key=N a named one;
[…] may be left out, and " | " separates alternatives.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from actions.engine.plan import Arg
from actions.engine.registry.grammar import KINDS, Kind

MOST_FORMS = 256

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[\[\]()]|\|(?=\s))|<(?P<slot>[a-z]+)>|(?P<key>[a-z-]+)=(?:<(?P<of>[a-z]+)>|(?P<number>N))"
    r"|(?P<word>[a-z0-9-]+(?:\|[a-z0-9-]+)*))"
)


class BadUsage(ValueError):
    """The usage line of an action is not one: a mistake in its file, found at start."""


@dataclass(frozen=True, slots=True)
class Literal:
    """One of these words, whatever their case."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One word of a kind; the argument has the kind's name."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Option:
    """key=value, anywhere in the line."""

    key: str
    kind: Kind


Word = Literal | Slot
Item = Word | Option


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write the command: these words in this order, and exactly these options."""

    words: tuple[Word, ...]
    options: Mapping[str, Kind]

    def reach(self, words: Sequence[str]) -> int:
        """How many words from the left fit."""
        pairs = zip(self.words, words, strict=False)
        return next(
            (index for index, (word, text) in enumerate(pairs) if not fits(word, text)), min(self.size, len(words))
        )

    @property
    def size(self) -> int:
        """The number of its words."""
        return len(self.words)

    @property
    def lead(self) -> int:
        """The number of its words before the first argument."""
        return len([*itertools.takewhile(lambda word: isinstance(word, Literal), self.words)])

    def bind(self, words: Sequence[str], options: Mapping[str, str]) -> dict[str, Arg] | None:
        """The arguments by name, None where the text is not of this form."""
        if len(words) != self.size or self.reach(words) != self.size or options.keys() != self.options.keys():
            return None
        if not all(kind.accepts(options[key]) for key, kind in self.options.items()):
            return None
        slots = ((word.kind, text) for word, text in zip(self.words, words, strict=True) if isinstance(word, Slot))
        named = {kind.name: kind.parse(text) for kind, text in slots}
        return named | {key: kind.parse(options[key]) for key, kind in self.options.items()}


@dataclass(frozen=True, slots=True)
class Usage:
    """A usage line, read."""

    line: str
    head: str
    """Its first word."""
    forms: tuple[Form, ...]

    @property
    def own(self) -> frozenset[str]:
        """Its bare words but the first, and but those that only stand before an argument, as "to" does."""
        pairs = (pair for form in self.forms for pair in itertools.pairwise((*form.words[1:], None)))
        return frozenset(
            text
            for word, after in pairs
            if isinstance(word, Literal) and not isinstance(after, Slot)
            for text in word.words
        )


def fits(word: Word, text: str) -> bool:
    """Whether the typed text is what the usage asks for at this place."""
    return text.lower() in word.words if isinstance(word, Literal) else word.kind.accepts(text)


@cache
def parse_usage(line: str) -> Usage:
    """Read a usage line. Raises BadUsage where it is malformed or could be understood in two ways."""
    tokens = _tokens(line)
    variants, rest = _alternatives(tokens, 0, line)
    if rest != len(tokens):
        raise BadUsage(f"{line!r}: a bracket is closed that was not opened")
    forms = tuple(_form(items, line) for items in variants)
    heads = {form.words[0].words for form in forms if form.words and isinstance(form.words[0], Literal)}
    if len(heads) != 1 or not all(form.words and isinstance(form.words[0], Literal) for form in forms):
        raise BadUsage(f"{line!r}: a usage line begins with one bare word")
    for one, other in itertools.combinations(forms, 2):
        if text := unify(one, other):
            raise BadUsage(f"{line!r}: {text!r} can be understood in two ways")
    return Usage(line, heads.pop()[0], forms)


def overlap(one: Usage, other: Usage) -> str:
    """A text that both lines understand, "" where there is none."""
    pairs = itertools.product(one.forms, other.forms)
    return next((text for mine, theirs in pairs if (text := unify(mine, theirs))), "")


def unify(one: Form, other: Form) -> str:
    """A text of both forms, "" where there is none."""
    if one.size != other.size or one.options.keys() != other.options.keys():
        return ""
    words = [_common(mine, theirs) for mine, theirs in zip(one.words, other.words, strict=True)]
    values = {key: _common(Slot(kind), Slot(other.options[key])) for key, kind in one.options.items()}
    parts = [*words, *(value and f"{key}={value}" for key, value in values.items())]
    return " ".join(parts) if all(parts) else ""


def _common(one: Word, other: Word) -> str:
    """A word that both accept, "" where there is none."""
    return next((text for text in (*_texts(one), *_texts(other)) if fits(one, text) and fits(other, text)), "")


def _texts(word: Word) -> tuple[str, ...]:
    return word.words if isinstance(word, Literal) else word.kind.witnesses


def _tokens(line: str) -> list[str | Item]:
    tokens: list[str | Item] = []
    at, line_end = 0, len(line.rstrip())
    while at < line_end:
        match = _TOKEN.match(line, at)
        if not match:
            raise BadUsage(f"{line!r}: {line[at:].strip()!r} is not a word, <kind>, key=N or a bracket")
        tokens.append(_token(match, line))
        at = match.end()
    return tokens


def _token(match: re.Match[str], line: str) -> str | Item:
    if mark := match["mark"]:
        return mark
    if word := match["word"]:
        return Literal(tuple(word.split("|")))
    name = match["slot"] or match["of"] or match["number"]
    if name not in KINDS:
        raise BadUsage(f"{line!r}: there is no kind of argument called <{name}>; there are {', '.join(KINDS)}")
    return Option(match["key"], KINDS[name]) if match["key"] else Slot(KINDS[name])


def _alternatives(tokens: list[str | Item], at: int, line: str) -> tuple[list[tuple[Item, ...]], int]:
    """Every sequence of items that the tokens from `at` allow, up to a closing bracket or the end."""
    done: list[tuple[Item, ...]] = []
    now: list[tuple[Item, ...]] = [()]
    while at < len(tokens) and tokens[at] not in ("]", ")"):
        token = tokens[at]
        at += 1
        if token == "|":
            done, now = done + now, [()]
            continue
        if isinstance(token, str):
            inner, at = _group(tokens, at, token, line)
        else:
            inner = [(token,)]
        now = [before + more for before in now for more in inner]
        if len(done) + len(now) > MOST_FORMS:
            raise BadUsage(f"{line!r}: it can be written in more than {MOST_FORMS} ways")
    return done + now, at


def _group(tokens: list[str | Item], at: int, opening: str, line: str) -> tuple[list[tuple[Item, ...]], int]:
    inner, at = _alternatives(tokens, at, line)
    if at >= len(tokens) or tokens[at] != {"[": "]", "(": ")"}[opening]:
        raise BadUsage(f"{line!r}: a bracket is not closed")
    return ([()] if opening == "[" else []) + inner, at + 1


def _form(items: tuple[Item, ...], line: str) -> Form:
    options = [item for item in items if isinstance(item, Option)]
    words = tuple(item for item in items if not isinstance(item, Option))
    names = [word.kind.name for word in words if isinstance(word, Slot)] + [option.key for option in options]
    if len(set(names)) != len(names):
        raise BadUsage(f"{line!r}: it asks for the same argument twice")
    return Form(words, {option.key: option.kind for option in options})
