"""TOML that remembers on which line each value stands, so that a fault can be pointed at."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]

_KEY = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.|=|\])""")
_STRING = re.compile(r'"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.S)


class TomlFault(Exception):
    """The text is not TOML; `line` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line, self.message = line, message


@dataclass(frozen=True, slots=True)
class Located:
    """The parsed data, and the line of each table and key."""

    data: dict[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of the value at that path, or of the nearest thing around it; 1 where there is none."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 1


def parse(text: str) -> Located:
    """Read TOML. Raises TomlFault where it is not."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        at = re.search(r"line (\d+)", str(fault))
        line = int(at.group(1)) if at else text.count("\n") + 1
        raise TomlFault(line, re.sub(r"\s*\(at .*\)$", "", str(fault))) from None
    return Located(data, _index(text))


def _index(text: str) -> dict[Path, int]:
    """The line of every header and key of a text that is known to be valid TOML."""
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        head = text[at:end].strip()
        line = text.count("\n", 0, at) + 1
        if not head or head.startswith("#"):
            at = end
        elif head.startswith("["):
            doubled = head.startswith("[[")
            names = _names(text, text.index("[", at) + (2 if doubled else 1))[0]
            table = _numbered(names, counts, doubled)
            lines.setdefault(table, line)
            at = end
        else:
            names, value = _names(text, at)
            path = table + names
            for length in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:length], line)
            at = _after_value(text, value)
    return lines


def _names(text: str, at: int) -> tuple[Path, int]:
    """A dotted key from `at`, and the index after the "=" or "]" that ends it."""
    names: list[str] = []
    while match := _KEY.match(text, at):
        names.append(match.group(1).strip("\"'"))
        at = match.end()
        if match.group(2) != ".":
            break
    return tuple(names), at


def _numbered(names: Path, counts: dict[Path, int], doubled: bool) -> Path:
    """The path of a header, with the index of each array of tables it goes through."""
    path: Path = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        if doubled and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _after_value(text: str, at: int) -> int:
    """The index of the line after a value that may span lines."""
    depth = 0
    while at < len(text):
        if text[at] in "\"'" and (string := _STRING.match(text, at)):
            at = string.end()
            continue
        if text[at] == "#":
            at = text.find("\n", at)
            if at < 0:
                return len(text)
        depth += (text[at] in "[{") - (text[at] in "]}")
        at += 1
        if text[at - 1] == "\n" and depth == 0:
            return at
    return at
