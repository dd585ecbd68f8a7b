"""PHP as tokens and brackets: only what a migration needs, and what is not certainly understood is Unreadable.

Names are case-insensitive in PHP, so they come in lower case; as they were written they are in `said`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

LONGEST = 128 << 10
"""Bytes of the longest file that is read."""
DEEPEST = 60
"""Brackets in brackets."""

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>//[^\r\n]*|\#(?!\[)[^\r\n]*|/\*.*?\*/)
    |(?P<single>'(?:[^'\\]|\\.)*')
    |(?P<double>"(?:[^"\\]|\\.)*")
    |(?P<here><<<[ \t]*(?P<quote>["']?)(?P<tag>[A-Za-z_]\w*)(?P=quote)\r?\n)
    |(?P<variable>\$[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)
    |(?P<number>\d[\w.]*)
    |(?P<name>\\?[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*(?:\\[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*)*)
    |(?P<mark>===|!==|==|!=|<=>|<=|>=|=>|\?->|->|::|\.\.\.|&&|\|\||\?\?=|\?\?|\*\*|[-+*/%.|&^]=|\+\+|--|\#\[
        |[-+*/%=<>!?:;,.(){}\[\]&|^~@\\])""",
    re.VERBOSE | re.DOTALL | re.ASCII | re.MULTILINE,
)
_INTERPOLATED = re.compile(r"\$[A-Za-z_\x80-\U0010ffff{]|\{\$")
_CODED = re.compile(r"\\[xu0-7]")
"""Escapes that could spell a word in a way that nobody sees."""
_PAIRS = {"(": ")", "[": "]", "{": "}", "#[": "]"}


class Unreadable(Exception):
    """The file is not certainly understood; the message is a phrase, `line` the place."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line, self.why = line, why


class Kind(Enum):
    """Of a token."""

    NAME = "name"
    VARIABLE = "variable"
    STRING = "string"
    """A text that is known whole."""
    TEMPLATE = "template"
    """A text of which a part is known only when it runs."""
    NUMBER = "number"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is a name in lower case, a string's content, or what was written."""

    kind: Kind
    text: str
    line: int
    said: str = ""

    def names(self, *words: str) -> bool:
        """Whether it is one of these names."""
        return self.kind is Kind.NAME and self.text in words

    def marks(self, *marks: str) -> bool:
        """Whether it is one of these marks."""
        return self.kind is Kind.MARK and self.text in marks


@dataclass(frozen=True, slots=True)
class Group:
    """What stands in a pair of brackets."""

    opening: str
    items: tuple[Node, ...]
    line: int


Node = Token | Group


def read(source: bytes) -> tuple[Node, ...]:
    """The file behind its <?php. Raises Unreadable."""
    if len(source) > LONGEST:
        raise Unreadable(1, f"it is longer than {LONGEST >> 10} kB")
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Unreadable(source[: fault.start].count(b"\n") + 1, "it is not UTF-8") from None
    if not re.match(r"<\?php[ \t\r\n]", text):
        raise Unreadable(1, "it does not begin with <?php")
    return _grouped(list(_tokens(text, len("<?php"))))


def _tokens(text: str, at: int) -> Iterator[Token]:
    line = 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or (text.startswith(("?>", "/*"), at) and match.lastgroup != "comment"):
            raise Unreadable(line, "it has something that is not read here")
        kind, said = match.lastgroup, match[0]
        if kind == "comment" and not said.startswith("/*") and "?>" in said:
            raise Unreadable(line, "it leaves PHP inside of a comment")
        at = match.end()
        if kind == "here":
            token, at = _heredoc(match, text, line)
            yield token
            said = text[match.start() : at]
        elif kind not in ("space", "comment"):
            yield _token(match, line)
        line += said.count("\n")


def _heredoc(match: re.Match[str], text: str, line: int) -> tuple[Token, int]:
    """The text that begins there, and where it has ended."""
    begin = match.end()
    ends = re.compile(rf"^[ \t]*{match['tag']}(?![\w\x80-\U0010ffff])", re.ASCII | re.MULTILINE).search(text, begin)
    if ends is None:
        raise Unreadable(line, "a text in it does not end")
    body = text[begin : ends.start()]
    known = match["quote"] == "'"
    return Token(Kind.STRING, body, line) if known else _template(body, line, quoted=False), ends.end()


def _token(match: re.Match[str], line: int) -> Token:
    said = match[0]
    match match.lastgroup:
        case "single":
            return Token(Kind.STRING, re.sub(r"\\([\\'])", r"\1", said[1:-1]), line)
        case "double":
            return _template(said[1:-1], line, quoted=True)
        case "variable":
            return Token(Kind.VARIABLE, said, line)
        case "number":
            return Token(Kind.NUMBER, said, line)
        case "name":
            return Token(Kind.NAME, said.lower(), line, said)
        case _:
            return Token(Kind.MARK, said, line)


def _template(body: str, line: int, *, quoted: bool) -> Token:
    """Quotation marks inside of {$…} would end the text elsewhere than it seems: then a brace is open at its end."""
    if not _INTERPOLATED.search(body) and not _CODED.search(body):
        return Token(Kind.STRING, re.sub(r"\\(.)", _unescaped, body, flags=re.DOTALL), line)
    if quoted and body.count("{") != body.count("}"):
        raise Unreadable(line, "a text in it holds an expression that is not read here")
    return Token(Kind.TEMPLATE, body, line)


def _unescaped(match: re.Match[str]) -> str:
    char = match[1]
    return {"n": "\n", "t": "\t", "r": "\r"}.get(char, char if char in '"\\$' else match[0])


def _grouped(tokens: Sequence[Token]) -> tuple[Node, ...]:
    open_: list[tuple[str, int, list[Node]]] = [("", 1, [])]
    for token in tokens:
        if token.kind is Kind.MARK and token.text in _PAIRS:
            open_.append((token.text, token.line, []))
            if len(open_) > DEEPEST:
                raise Unreadable(token.line, "it has more brackets in brackets than are read here")
        elif token.marks(")", "]", "}"):
            opening, line, items = open_.pop()
            if _PAIRS.get(opening) != token.text:
                raise Unreadable(token.line, f"a {token.text} is closed that was not opened")
            open_[-1][2].append(Group(opening, tuple(items), line))
        else:
            open_[-1][2].append(token)
    if len(open_) > 1:
        raise Unreadable(open_[-1][1], f"a {open_[-1][0]} is not closed")
    return tuple(open_[0][2])


def split(items: Sequence[Node], mark: str) -> list[tuple[Node, ...]]:
    """What stands between these marks, of this level; an empty end counts for nothing."""
    parts: list[list[Node]] = [[]]
    for item in items:
        if isinstance(item, Token) and item.marks(mark):
            parts.append([])
        else:
            parts[-1].append(item)
    return [tuple(part) for part in (parts if parts[-1] else parts[:-1])]


def words(text: str) -> frozenset[str]:
    """Names, as a vocabulary of them is written down."""
    return frozenset(text.split())


def line_of(items: Sequence[Node], otherwise: int) -> int:
    """The line on which it begins."""
    return items[0].line if items else otherwise
