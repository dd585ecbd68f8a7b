"""What a text of SQL does: the few statements that take nothing away are known, and every other counts as unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from actions.engine.migrations.found import Effect, Finding

_PART = re.compile(
    r"""(?P<gap>\s+|--[ \t\r\n][^\n]*|--$|/\*(?![!+M]).*?\*/)
    |(?P<text>'(?:[^'\\]|'')*'|"(?:[^"\\]|"")*"|`[^`]*`)
    |(?P<word>[A-Za-z_][\w$.]*)|(?P<number>\d[\w.]*)|(?P<mark>[(),;=.*+<>!?:@-])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_ADD_INDEX = re.compile(r"ADD (?:CONSTRAINT (?:\S+ )?)?(?:UNIQUE|INDEX|KEY|FULLTEXT|SPATIAL|PRIMARY KEY|FOREIGN KEY)\b")
_HARMLESS = re.compile(
    r"(?:ALGORITHM|LOCK|COMMENT|AUTO_INCREMENT) ?=? ?\S+$|DROP FOREIGN KEY|ALTER (?:COLUMN )?\S+ SET DEFAULT"
)
_LOSING = re.compile(r"(?:DROP|MODIFY|CHANGE|CONVERT|TRUNCATE|DISCARD|EXCHANGE|ALTER COLUMN)\b")
_CREATE = re.compile(r"CREATE (?:TABLE|TEMPORARY TABLE|(?:UNIQUE |FULLTEXT |SPATIAL )?INDEX|VIEW|SCHEMA|DATABASE) ")
_INSERT = re.compile(r"INSERT (?:IGNORE )?INTO ")
_SET = re.compile(r"SET (?:SESSION )?(?:@@)?(?:FOREIGN_KEY_CHECKS|UNIQUE_CHECKS|SQL_MODE|NAMES)\b")


def findings(text: str, line: int) -> Iterator[Finding]:
    """Each statement's effects; all have the line on which the text begins."""
    statements = _statements(text)
    if statements is None:
        yield Finding(line, Effect.UNKNOWN, "runs SQL that is not read here")
        return
    for words in statements:
        for effect, what in _effects(" ".join(words)):
            yield Finding(line, effect, what)


def _statements(text: str) -> list[list[str]] | None:
    """The words in upper case, names and texts as they are marked off; None where something is not understood."""
    statements: list[list[str]] = [[]]
    at = 0
    while at < len(text):
        match = _PART.match(text, at)
        if match is None:
            return None
        at = match.end()
        if match["mark"] == ";":
            statements.append([])
        elif match.lastgroup == "text" and match[0][0] != "`":
            statements[-1].append("''")
        elif match.lastgroup == "text":
            statements[-1].append(f"`{match[0][1:-1]}`")
        elif match.lastgroup != "gap":
            statements[-1].append(match[0].upper())
    return [words for words in statements if words]


def _effects(said: str) -> Iterator[tuple[Effect, str]]:
    shown = _shown(said)
    if _CREATE.match(said) and " TABLE" in said[:25] and " SELECT " in said:
        yield Effect.UNKNOWN, f"runs SQL that is not read here ({shown})"
    elif _CREATE.match(said):
        yield Effect.ADDS, f"runs {shown}"
    elif said.startswith("ALTER TABLE "):
        yield from _altered(said)
    elif (_INSERT.match(said) and "ON DUPLICATE" not in said and "(" in said) or _SET.match(said):
        yield Effect.ADDS, f"runs {shown}"
    elif re.match(r"(?:DROP|TRUNCATE|DELETE|UPDATE|REPLACE)\b", said):
        yield Effect.LOSES, f"runs {shown}"
    elif said.startswith("RENAME "):
        yield Effect.BREAKS, f"runs {shown}"
    else:
        yield Effect.UNKNOWN, f"runs SQL that is not read here ({shown})"


def _altered(said: str) -> Iterator[tuple[Effect, str]]:
    match = re.match(r"ALTER TABLE (\S+) (.+)", said)
    if match is None:
        yield Effect.UNKNOWN, f"runs SQL that is not read here ({_shown(said)})"
        return
    for one in _top_level(match[2]):
        plain = re.sub(r"`[^`]*`|''", ".", one)
        what = _shown(f"ALTER TABLE {match[1]} {one}")
        yield _spec(one, plain), f"runs {what}"


def _spec(said: str, plain: str) -> Effect:
    """Of one specification of an ALTER TABLE; `plain` has a dot for each name in backticks and each text."""
    if re.match(r"DROP (?:INDEX|KEY|CONSTRAINT)\b", plain):
        return Effect.BREAKS  # a rule that it was may be what the code from before relies on
    if _HARMLESS.match(plain) or _ADD_INDEX.match(plain):
        return Effect.ADDS
    if re.match(r"RENAME\b", plain):
        return Effect.BREAKS
    if _LOSING.match(plain):
        return Effect.LOSES
    if re.match(r"ADD (?:COLUMN )?(?:IF NOT EXISTS )?[\w.]+ \w", plain):
        return _added(plain)
    return Effect.UNKNOWN


def _added(plain: str) -> Effect:
    filled = re.search(r"\bDEFAULT (?!NULL\b)|\bGENERATED\b| AS \(|\bAUTO_INCREMENT\b|\bSERIAL\b", plain)
    return Effect.BREAKS if "NOT NULL" in plain and not filled else Effect.ADDS


def _top_level(said: str) -> Iterator[str]:
    """The parts between the commas that stand in no bracket."""
    depth, words = 0, list[str]()
    for word in said.split(" "):
        depth += (word == "(") - (word == ")")
        if word == "," and depth == 0:
            yield " ".join(words)
            words = []
        else:
            words.append(word)
    if words:
        yield " ".join(words)


def _shown(said: str) -> str:
    short = re.sub(r" ?([(),]) ?", r"\1", said.replace("`", ""))
    return short if len(short) <= 60 else f"{short[:59].rstrip()}…"
