"""An environment file as statements: read as Laravel reads it, changed key by key, and all else of it left alone.

Nothing here says a value in an exception: a fault names the line or the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,127}")
_STATEMENT = re.compile(
    r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*"
    r"(?:(?P<quoted>\"(?:[^\"\\]|\\.)*\"|'[^'\r\n]*')[ \t]*(?:#[^\r\n]*)?|(?P<bare>[^\r\n]*?)[ \t]*)"
    r"(?P<ending>\r\n|\r|\n|\Z)",
    re.S,
)
_COMMENT = re.compile(r"(?:^|\s+)#")
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ESCAPED = re.compile(r"\\(.)", re.S)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Statement:
    """NAME=raw at text[start:end]; `raw` as it is written, with its quotes and without its comment."""

    name: str
    raw: str
    start: int
    end: int
    ending: str

    @property
    def value(self) -> str:
        """Without quotes; in double ones a backslash escapes."""
        if closed(self.raw) and self.raw[0] == '"':
            return _ESCAPED.sub(lambda found: _ESCAPES.get(found[1], found[1]), self.raw[1:-1])
        if closed(self.raw):
            return self.raw[1:-1]
        return self.raw

    @property
    def meaning(self) -> tuple[str, bool]:
        """The value, and whether ${…} in it stands for another one."""
        return self.value, "${" in self.raw and not self.raw.startswith("'")


def closed(raw: str) -> bool:
    """Whether it is one quotation."""
    return len(raw) > 1 and raw[0] in "\"'" and raw[-1] == raw[0]


def statements(text: str) -> list[Statement]:
    """All of them in order; what is no statement is passed over."""
    return _read(text)[0]


def faults(text: str) -> list[str]:
    """Why the application could not read it, each a sentence that names a line."""
    return _read(text)[1]


def _read(text: str) -> tuple[list[Statement], list[str]]:
    found: list[Statement] = []
    wrong: list[str] = []
    at, line = 0, 1
    while at < len(text):
        match = _STATEMENT.match(text, at)
        end = match.end() if match else _line_end(text, at)
        said = text[at:end].strip()
        if match:
            raw = match["quoted"] or _COMMENT.split(match["bare"] or "")[0]
            found.append(Statement(match["name"], raw, at, end, match["ending"]))
            if why := why_not(raw):
                wrong.append(f"line {line} ({match['name']}): {why}")
        elif said and not said.startswith("#"):
            wrong.append(f"line {line} is neither NAME=value nor a comment")
        line += len(text[at:end].splitlines())
        at = end
    return found, wrong


def _line_end(text: str, at: int) -> int:
    match = _LINE.match(text, at)
    return max(match.end() if match else len(text), at + 1)


def why_not(raw: str) -> str:
    """Why Laravel would not read this right side, or would read another value than is meant; "" where it would."""
    if raw[:1] in ('"', "'"):
        return "" if closed(raw) else "a quotation is not closed, or something stands behind it"
    if re.search(r"\s", raw):
        return "a value with spaces has to stand in quotes"
    if "#" in raw:
        return "a value with a # has to stand in quotes, since a comment begins there"
    return ""


def edited(text: str, sets: Mapping[str, str], unset: Iterable[str] = ()) -> str:
    """The text with these keys set to these right sides, and those gone. A key that is there twice is there once then.

    A new key comes to the end; comments, order and every other line stay.
    """
    gone = set(unset)
    there = statements(text)
    last = {one.name: one for one in there}
    parts: list[str] = []
    at = 0
    for one in there:
        parts.append(text[at : one.start])
        at = one.end
        if one.name in sets and one is last[one.name]:
            parts.append(f"{one.name}={sets[one.name]}{one.ending}")
        elif one.name not in sets and one.name not in gone:
            parts.append(text[one.start : one.end])
    whole = "".join(parts) + text[at:]
    fresh = "".join(f"{name}={raw}\n" for name, raw in sets.items() if name not in last)
    return whole + ("\n" if fresh and whole and not whole.endswith(("\n", "\r")) else "") + fresh


@dataclass(frozen=True)
class Difference:
    """Names only, each sorted."""

    added: Sequence[str]
    changed: Sequence[str]
    removed: Sequence[str]


def difference(old: str, new: str) -> Difference:
    """What the new text means that the old one does not."""
    before = {one.name: one.meaning for one in statements(old)}
    after = {one.name: one.meaning for one in statements(new)}
    changed = (name for name in before if name in after and before[name] != after[name])
    return Difference(sorted(after.keys() - before.keys()), sorted(changed), sorted(before.keys() - after.keys()))
