"""Whether a Laravel migration takes something away: read from its PHP, and what is not known counts as the worst.

Nothing is executed. Only what up() does makes a migration destructive; down() says whether there is a way back.
A file is read by lists of what is known to be harmless, never by lists of what is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from actions.engine.migrations.body import Reading, effects
from actions.engine.migrations.code import Names, plain
from actions.engine.migrations.found import DESTRUCTIVE, UNSEEN, Effect, Finding, Migration, WayBack
from actions.engine.migrations.php import Group, Kind, Node, Token, Unreadable, line_of, read, split

__all__ = ["DESTRUCTIVE", "UNSEEN", "Effect", "Finding", "Migration", "WayBack", "migration"]

_BASE = "illuminate\\database\\migrations\\migration"
_DECLARED = re.compile(
    r"(?:return new class(?: \(\))?|(?:final )?class \w+) extends (?P<parent>[\w\\]+)"
    r"(?: implements [\w\\]+(?: , [\w\\]+)*)?"
)
_BY_THE_FRAMEWORK = ("getconnection", "shouldrun")
"""Methods that Laravel calls beside up() and down()."""
_MODIFIERS = ("public", "protected", "private", "static", "final", "abstract", "readonly")


def migration(source: bytes) -> Migration:
    """What the migration in that file does. Never raises: what cannot be read is a finding that says so."""
    try:
        return _of(read(source))
    except Unreadable as odd:
        return Migration((Finding(odd.line, Effect.UNKNOWN, f"cannot be read here: {odd.why}"),))


def _of(items: tuple[Node, ...]) -> Migration:
    names, body, line = _file(list(items))
    methods, odd = _members(list(body), names)
    if odd:
        return Migration((odd,))
    if "up" not in methods:
        return Migration((Finding(line, Effect.UNKNOWN, "has no up() that is read here"),))
    at = Reading(names)
    down = tuple(effects(methods["down"], at)) if "down" in methods else ()
    return Migration(tuple(effects(methods["up"], at)), down)


def _file(rest: list[Node]) -> tuple[Names, tuple[Node, ...], int]:
    """What names mean in it, and the body of its class with its line. Raises Unreadable where there is more."""
    namespace, imports = "", dict[str, str]()
    while rest:
        head, line = rest[0], line_of(rest, 1)
        end = next((n for n, one in enumerate(rest) if isinstance(one, Token) and one.marks(";")), len(rest))
        if isinstance(head, Token) and head.names("declare"):
            rest = rest[end + 1 :]
        elif isinstance(head, Token) and head.names("namespace") and end == 2 and isinstance(rest[1], Token):
            namespace, rest = rest[1].text, rest[end + 1 :]
        elif isinstance(head, Token) and head.names("use"):
            imports |= _imported(rest[1:end], line)
            rest = rest[end + 1 :]
        else:
            names = Names(namespace, imports)
            return names, _class(rest, names, line), line
    raise Unreadable(1, "it has no class")


def _imported(items: Sequence[Node], line: int) -> dict[str, str]:
    """Alias -> whole name, in lower case."""
    found: dict[str, str] = {}
    for part in split(items, ","):
        words = [one for one in part if isinstance(one, Token) and one.kind is Kind.NAME]
        group = part[-1] if isinstance(part[-1], Group) else None
        if not words or words[0].names("function", "const"):
            raise Unreadable(line, "it imports something that is not read here")
        base = words[0].text.removeprefix("\\")
        if group:
            inner = _imported(group.items, line)
            found |= {alias: f"{base}\\{name}" for alias, name in inner.items()}
        else:
            alias = words[-1].text if len(words) == 3 and words[1].names("as") else base.rpartition("\\")[2]
            found[alias] = base
    return found


def _class(rest: list[Node], names: Names, line: int) -> tuple[Node, ...]:
    """The body of `return new class extends Migration {…};` or of `class Name extends Migration {…}`."""
    words = [one for one in rest if not (isinstance(one, Group) and one.opening == "#[")]
    while words and isinstance(words[-1], Token) and words[-1].marks(";"):
        words.pop()
    body = words.pop() if words else None
    said = " ".join(one.text if isinstance(one, Token) else _bracket(one) for one in words)
    declared = _DECLARED.fullmatch(said)
    if not isinstance(body, Group) or body.opening != "{" or not declared:
        raise Unreadable(line, "it does more than to declare one migration")
    if names.full(declared["parent"]) != _BASE:
        raise Unreadable(line, f"its class extends {declared['parent']}, which is not read here")
    return body.items


def _bracket(one: Group) -> str:
    return "()" if one.opening == "(" and not one.items else "(…)"


def _members(rest: list[Node], names: Names) -> tuple[dict[str, tuple[Node, ...]], Finding | None]:
    """The bodies of its methods by name; and what in the class makes it unreadable."""
    methods: dict[str, tuple[Node, ...]] = {}
    while rest:
        end = next((n for n, one in enumerate(rest) if _ends(one)), len(rest) - 1)
        member, rest = rest[: end + 1], rest[end + 1 :]
        line, words = line_of(member, 1), list(_without_modifiers(member))
        head = words[0] if words else None
        name = next((one for one in words[1:] if isinstance(one, Token) and one.kind is Kind.NAME), None)
        last = member[-1]
        if isinstance(head, Token) and head.names("function") and name and isinstance(last, Group):
            if name.text.startswith("__") or name.text in _BY_THE_FRAMEWORK:
                return methods, Finding(line, Effect.UNKNOWN, f"has a {name.said}() that runs by itself")
            methods[name.text] = last.items
        elif isinstance(head, Token) and head.names("use"):
            return methods, Finding(line, Effect.UNKNOWN, "uses a trait, which is not read here")
        elif not plain([one for one in words if not (isinstance(one, Token) and one.marks("=", ";"))], names):
            return methods, Finding(line, Effect.UNKNOWN, "has a member that is not read here")
    return methods, None


def _ends(one: Node) -> bool:
    return one.opening == "{" if isinstance(one, Group) else one.marks(";")


def _without_modifiers(member: Sequence[Node]) -> Iterator[Node]:
    for one in member:
        attribute = isinstance(one, Group) and one.opening == "#["
        if not attribute and not (isinstance(one, Token) and one.names(*_MODIFIERS)):
            yield one
