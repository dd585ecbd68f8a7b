"""How a chat line is read: bare words and key=value, quoted as people and phones quote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from actions.engine.plan import Arg
from actions.engine.words import hidden, plain, quote

LONGEST = 2000
"""Characters of a command, at most."""
LONGEST_VALUE = 500
"""Characters of a reason, at most: it has to fit on a card."""

_DOUBLE = '"“”„‟«»'
_SINGLE = "'‘’‚‛"
_DEPLOY = re.compile(r"`(deploy [^`\n]+)`")
_OPTION = re.compile(r"([A-Za-z][A-Za-z-]*)=")
_HIDDEN_AS_NAMED = "It holds a character that cannot be seen (U+{:04X}); please type it by hand instead of pasting it."


class BadCommand(Exception):
    """What was typed is not a command; the message is for the person who typed it, and safe to show."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of argument, by the name it has in a usage line."""

    name: str
    pattern: re.Pattern[str]
    noun: str
    """With its article: "a version"."""
    looks: str
    """Examples for a person: "v1.2 or v1.0.1"."""
    witnesses: tuple[str, ...]
    """Texts of this kind; two kinds share a text exactly when one accepts a witness of the other."""
    parse: Callable[[str], Arg] = str

    def accepts(self, text: str) -> bool:
        """Whether the whole text is of this kind."""
        return self.pattern.fullmatch(text) is not None


def _lower(text: str) -> str:
    return text.lower()


def _version(text: str) -> str:
    return "v" + text[1:] if text[0] == "V" else text


VERSION = Kind(
    "version",
    re.compile(
        r"(?=.{1,64}\Z)(?:[vV][0-9]{1,9}|[vV]?[0-9]{1,9}(?:\.[0-9]{1,9}){1,3})(?:[-+][0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*)?"
    ),
    "a version",
    "v1.2 or v1.0.1",
    ("v1.2", "1.2", "v2", "v2-rc1"),
    _version,
)
ENVIRONMENT = Kind(
    "environment",
    re.compile(r"[A-Za-z][A-Za-z0-9-]{0,31}"),
    "an environment",
    "production",
    ("production", "v2", "v2-rc1"),
    _lower,
)
NUMBER = Kind("N", re.compile(r"[1-9][0-9]{0,2}"), "a whole number from 1 to 999", "2", ("1", "42"), int)
SHARE = Kind(
    "share",
    re.compile(r"(?:100|[1-9][0-9]?)%"),
    "a share of the servers",
    "25%",
    ("25%", "100%"),
    lambda text: int(text[:-1]),
)
REVISION = Kind(
    "revision",
    re.compile(r"[cC][fF][gG]-[a-zA-Z2-9]{6}"),
    "a revision of the configuration",
    "cfg-7f3kq2",
    ("cfg-7f3kq2",),
    _lower,
)
STAGES = Kind(
    "stages",
    re.compile(r"[0-9]{1,3}(?:,[0-9]{1,3}){0,19}"),
    "a list of percentages",
    "10,25,50,75,100",
    ("10,25,50,75,100", "5"),
    lambda text: tuple(str(int(part)) for part in text.split(",")),
)
_UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = Kind(
    "duration",
    re.compile(r"[1-9][0-9]{0,3}[smh]"),
    "a time",
    "5m or 90s",
    ("5m", "90s", "1h"),
    lambda text: int(text[:-1]) * _UNITS[text[-1]],
)
KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (VERSION, ENVIRONMENT, NUMBER, SHARE, REVISION, STAGES, DURATION)
}

COMMON: Mapping[str, Kind] = {
    "reason": Kind("reason", re.compile(r".+"), "a text", '"why"', ("why",)),
    "category": Kind("category", re.compile(r"[123]"), "a category from 1 to 3", "3", ("1", "2", "3"), int),
    "emergency": Kind("emergency", re.compile(r".+"), "a text", '"why it cannot wait"', ("why",)),
}
"""Options that every action takes."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A chat line, read: its words in order and its key=value pairs wherever they stood."""

    words: tuple[str, ...]
    options: Mapping[str, str]
    text: str
    """The line without hidden characters, as it may be stored and shown."""


def read(text: str) -> Typed:
    """Split a chat line. Raises BadCommand for what cannot be split or should not be.

    Reading `Typed.text` again gives the same words and options.
    """
    if len(text) > LONGEST:
        raise BadCommand(f"That is {len(text):,} characters long; a command has at most {LONGEST:,}.")
    if hidden(text):
        _split(text)
    cleaned = plain(text)
    words, options = _split(cleaned)
    return Typed(words, options, cleaned)


def from_shell(words: Iterable[str]) -> str:
    """The chat line of words that a shell has split and taken the quotation marks from: reason=why now."""
    return " ".join(_requoted(word) for word in words)


def option(key: str, value: str) -> str:
    """key="value" as it reads back, whatever is in the value; "" where nothing visible is."""
    shown = plain(value)
    return f"{key}={_quoted(shown)}" if shown else ""


def retyped(said: str, text: str) -> str:
    """The sentence with the options that every action takes, as they were typed in `text`, in the deploys it names.

    What it says to type instead stands in backticks, so those in a value become apostrophes.
    """
    kept = ((key, value.replace("`", "'")) for key, value in read(text).options.items() if key in COMMON)
    more = "".join(f" {f'{key}={value}' if value.isalnum() else option(key, value)}" for key, value in kept)
    return _DEPLOY.sub(lambda typed: f"`{typed[1]}{more}`", said) if more else said


def urgent(text: str) -> str:
    """What to type to ask for the same as an emergency, whatever reason the line gives; it stands in backticks."""
    typed = read(text)
    kept = (f"{key}={value}" for key, value in typed.options.items() if key not in {"reason", "emergency"})
    return f'{from_shell([*typed.words, *kept])} emergency="why"'.replace("`", "'")


def _requoted(word: str) -> str:
    key = _OPTION.match(word)
    value = plain(word[key.end() if key else 0 :])
    return f"{key.group() if key else ''}{_quoted(value)}" if " " in value else word


def _quoted(value: str) -> str:
    """In marks that nothing in it closes; a value that would close both kinds gets plain quotation marks of one."""
    for family in (_DOUBLE, _SINGLE):
        if not _closing(family).search(value):
            return f"{family[0]}{value}{family[0]}"
    return f'"{value.translate(dict.fromkeys(map(ord, _DOUBLE), _SINGLE[0]))}"'


@cache
def _closing(family: str) -> re.Pattern[str]:
    return re.compile(rf"[{family}](?=\s|\Z)")


def _split(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    words: list[str] = []
    options: dict[str, str] = {}
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        key = _OPTION.match(text, at)
        value, at = _value(text, key.end() if key else at)
        if key:
            _put(options, key.group(1).lower(), plain(value))
        else:
            words.append(_visible(value))
    return tuple(words), options


def _put(options: dict[str, str], key: str, value: str) -> None:
    if not value:
        raise BadCommand(f'{key}= has no value. Write it without a space after the "=", for example {key}="why".')
    if key in options:
        raise BadCommand(f"{key}= is there twice; write it once.")
    if len(value) > LONGEST_VALUE:
        raise BadCommand(f"{key}= is {len(value):,} characters long; it has at most {LONGEST_VALUE}.")
    options[key] = value


def _visible(word: str) -> str:
    """A word is matched letter by letter, so one that looks like another is refused rather than cleaned."""
    if mark := hidden(word):
        raise BadCommand(f"{quote(word)} is not understood. {_HIDDEN_AS_NAMED.format(ord(mark))}")
    if word.startswith("="):
        raise BadCommand('Write an option without spaces around the "=", for example reason="why".')
    return word


def _value(text: str, at: int) -> tuple[str, int]:
    """The word or quoted text that begins at `at`, and the index after it.

    A quotation ends at a mark of its family that is followed by white space or by the end, so that an
    apostrophe in it is only an apostrophe.
    """
    family = next((marks for marks in (_DOUBLE, _SINGLE) if text[at : at + 1] and text[at] in marks), "")
    if family:
        closing = _closing(family).search(text, at + 1)
        if not closing:
            raise BadCommand(f"A quotation begins before {quote(text[at + 1 :])} and does not end; close it.")
        return text[at + 1 : closing.start()], closing.end()
    end = next((index for index in range(at, len(text)) if text[index].isspace()), len(text))
    return text[at:end], end
