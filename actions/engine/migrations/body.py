"""What the body of up() or down() does, instruction by instruction; every one that is not known is unknown."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from actions.engine.migrations import sql
from actions.engine.migrations.blueprint import operation
from actions.engine.migrations.code import Chain, Closure, Link, Names, chain, closure, constant, plain
from actions.engine.migrations.found import Effect, Finding
from actions.engine.migrations.php import Group, Kind, Node, Token, line_of, split, words

_SWITCHES = words(
    "disableforeignkeyconstraints enableforeignkeyconstraints defaultstringlength morphusinguuids morphusingulids "
    "createdatabase"
)
_ROWS_ADDED = words("insert insertorignore insertgetid")
_ROWS_LOST = words("truncate delete update updateorinsert upsert increment decrement")
_NARROWS = words(
    "where wherein wherenull wherenotnull wherenotin orwhere orwherenull join leftjoin orderby limit distinct"
)
_RUNS_SQL = words("statement unprepared insert update delete affectingstatement select")


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the code stands: what names mean, and inside of which table's closure it is."""

    names: Names
    variable: str = ""
    """The Blueprint's: "$table"; "" outside of one."""
    table: str = ""
    creating: bool = False


def effects(items: Sequence[Node], at: Reading) -> Iterator[Finding]:
    """Of a list of instructions."""
    rest = deque(items)
    while rest:
        head = rest.popleft()
        if isinstance(head, Group) and head.opening == "{":
            yield from effects(head.items, at)
        elif isinstance(head, Token) and head.names("if", "elseif", "foreach", "catch"):
            yield from _condition(head, rest.popleft() if rest else None, at)
        elif not (isinstance(head, Token) and head.names("else", "try", "finally")):
            statement = list[Node]()
            while not (isinstance(head, Token) and head.marks(";")):
                statement.append(head)
                if not rest:
                    break
                head = rest.popleft()
            if statement:
                yield from _statement(statement, at)


def _condition(keyword: Token, asked: Node | None, at: Reading) -> Iterator[Finding]:
    """What is asked in the brackets; what hangs on it is read as if it always ran."""
    line = keyword.line
    if not isinstance(asked, Group) or asked.opening != "(":
        yield _unknown(line, "branches in a way that is not read here")
        return
    looped = [one for one in asked.items if not (isinstance(one, Token) and one.names("as"))]
    names_table = any(isinstance(one, Token) and one.text == at.variable != "" for one in asked.items)
    if names_table or not (keyword.names("catch") or plain([one for one in looped if not _arrow(one)], at.names)):
        yield _unknown(line, "asks something that is not read here")


def _arrow(one: Node) -> bool:
    return isinstance(one, Token) and one.marks("=>")


def _statement(items: list[Node], at: Reading) -> Iterator[Finding]:
    head, line = items[0], line_of(items, 1)
    second = items[1] if len(items) > 1 else None
    if isinstance(head, Token) and head.names("return"):
        if len(items) > 1:
            yield from _statement(items[1:], at) if chain(items[1:]) else _values(items[1:], at, line)
    elif isinstance(head, Token) and head.names("throw"):
        yield from _values(items[1:], at, line)
        yield Finding(line, Effect.STOPS, "throws")
    elif isinstance(head, Token) and head.kind is Kind.VARIABLE and isinstance(second, Token) and second.marks("="):
        if head.text in (at.variable, "$this"):
            yield _unknown(line, f"gives {head.text} another meaning")
        yield from _values(items[2:], at, line)
    elif _is_option(items, at):
        yield from _values(items[4:], at, line)
    elif found := chain(items):
        yield from _chain(found, at)
    else:
        yield _unknown(line, "has an instruction that is not read here")


def _values(items: Sequence[Node], at: Reading, line: int) -> Iterator[Finding]:
    if not plain(items, at.names):
        yield _unknown(line, "reckons something that is not read here")


def _is_option(items: Sequence[Node], at: Reading) -> bool:
    """$table->engine = …, of a table that is made."""
    if not at.creating or len(items) < 5 or not all(isinstance(one, Token) for one in items[:4]):
        return False
    head, arrow, name, equals = (one for one in items[:4] if isinstance(one, Token))
    options = name.names("engine", "charset", "collation")
    return head.text == at.variable and arrow.marks("->") and options and equals.marks("=")


def _chain(found: Chain, at: Reading) -> Iterator[Finding]:
    head, links = found.head, found.links
    if head.kind is Kind.VARIABLE and head.text == at.variable and links:
        if links[0].name == "after" and (inner := _last_closure(links[0])):
            yield from _inside(inner, at, at.table, at.creating)
        else:
            yield from operation(found, at.table, at.creating, at.names)
        return
    facade = at.names.facade(head.text) if head.kind is Kind.NAME else ""
    if links and links[0].name == "connection" and facade and _given(links[0], at):
        links = links[1:]
    if facade == "schema" and len(links) == 1:
        yield from _schema(links[0], at)
    elif facade == "db" and links:
        yield from _database(links, at)
    else:
        called = "".join(
            f"{'::' if n == 0 and head.kind is Kind.NAME else '->'}{link.said}" for n, link in enumerate(links)
        )
        yield _unknown(head.line, f"calls {head.said or head.text}{called}, and what that does is not read here")


def _schema(call: Link, at: Reading) -> Iterator[Finding]:
    parts = split(call.args.items, ",") if call.args else []
    table = (constant(parts[0]) if parts else None) or "a table"
    body = closure(parts[-1]) if parts else None
    if call.args is None:
        yield _unknown(call.line, f"calls Schema::{call.said} in a way that is not read here")
    elif call.name.startswith("drop"):
        yield Finding(call.line, Effect.LOSES, f"drops {table}")
    elif call.name == "rename":
        yield Finding(call.line, Effect.BREAKS, f"renames {table}")
    elif call.name in _SWITCHES and plain(call.args.items, at.names):
        return
    elif call.name == "withoutforeignkeyconstraints" and body:
        yield from _inside(body, at, at.table, at.creating)
    elif call.name in ("create", "table") and body and len(parts) == 2 and plain(parts[0], at.names):
        if call.name == "create":
            yield Finding(call.line, Effect.ADDS, f"creates {table}")
        yield from _inside(body, at, table, call.name == "create")
    else:
        yield _unknown(call.line, f"calls Schema::{call.said} in a way that is not read here")


def _inside(body: Closure, at: Reading, table: str, creating: bool) -> Iterator[Finding]:
    yield from effects(body.body, Reading(at.names, body.param or at.variable, table, creating))


def _last_closure(call: Link) -> Closure | None:
    parts = split(call.args.items, ",") if call.args else []
    return closure(parts[-1]) if parts else None


def _given(call: Link, at: Reading) -> bool:
    return call.args is not None and plain(call.args.items, at.names)


def _database(links: Sequence[Link], at: Reading) -> Iterator[Finding]:
    first, last = links[0], links[-1]
    body = _last_closure(first)
    if first.name == "transaction" and body and len(links) == 1:
        yield from _inside(body, at, at.table, at.creating)
    elif first.name in ("begintransaction", "commit", "rollback") and len(links) == 1:
        return
    elif first.name in _RUNS_SQL and len(links) == 1:
        text = _text(first)
        if text is None:
            yield _unknown(first.line, "runs SQL that is put together only when it runs")
        else:
            yield from sql.findings(text, first.line)
    elif first.name == "table" and len(links) > 1:
        yield from _rows(links[1:], first, last, at)
    else:
        yield _unknown(first.line, f"calls DB::{first.said} in a way that is not read here")


def _rows(links: Sequence[Link], first: Link, last: Link, at: Reading) -> Iterator[Finding]:
    """What a query builder does to rows."""
    table = constant(first.args.items) if first.args else None
    readable = all(_given(link, at) for link in (first, *links)) and {x.name for x in links[:-1]} <= _NARROWS
    if last.name in _ROWS_LOST:
        yield Finding(last.line, Effect.LOSES, f"calls {last.said} on the rows of {table or 'a table'}")
    elif last.name in _ROWS_ADDED and readable:
        yield Finding(last.line, Effect.ADDS, f"adds rows to {table or 'a table'}")
    else:
        yield _unknown(first.line, f"works on the rows of {table or 'a table'} in a way that is not read here")


def _text(call: Link) -> str | None:
    """The SQL that is given first, also as DB::raw('…')."""
    parts = split(call.args.items, ",") if call.args else []
    if not parts:
        return None
    raw = chain(parts[0])
    if raw and [link.name for link in raw.links] == ["raw"] and raw.links[0].args and raw.head.text in ("db", "\\db"):
        return constant(raw.links[0].args.items)
    return constant(parts[0])


def _unknown(line: int, what: str) -> Finding:
    return Finding(line, Effect.UNKNOWN, what)
