"""Pieces of PHP code: which names are meant, what is a plain value, what is a chain of calls, what is a closure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actions.engine.migrations.php import Group, Kind, Node, Token, split, words

FACADES = {"schema": "schema", "db": "db"} | {
    f"illuminate\\support\\facades\\{name}": name for name in ("schema", "db")
}
_STATIC = words(
    "schema.hastable schema.hascolumn schema.hascolumns schema.hasindex schema.hasview schema.getcolumnlisting "
    "schema.getcolumntype schema.getconnection schema.connection db.raw db.getdrivername db.connection "
    "db.getdatabasename app.environment app.runningunittests str.uuid str.random carbon.now"
)
_LOOKING = FACADES | {
    "app": "app",
    "str": "str",
    "illuminate\\support\\facades\\app": "app",
    "illuminate\\support\\str": "str",
    "illuminate\\support\\carbon": "carbon",
    "carbon\\carbon": "carbon",
}
_MADE = frozenset(
    {"illuminate\\database\\query\\expression", "exception", "runtimeexception", "logicexception"}
    | {"invalidargumentexception"}
)
"""Classes that only hold what they are made with."""
_METHODS = words(
    "hastable hascolumn hascolumns hasindex getdrivername getdatabasename getname gettable gettableprefix environment "
    "runningunittests getschemabuilder getkey getkeyname todatetimestring format subdays adddays"
)
_FUNCTIONS = words(
    "config env now array isset empty count in_array is_null is_array array_keys array_values array_merge array_unique "
    "array_column str_replace sprintf strtolower strtoupper ucfirst trim implode explode range date json_encode app "
    "version_compare intval strval max min class_exists"
)
_KEYWORDS = words(
    "function fn new clone include include_once require require_once eval exit die yield print echo goto static "
    "unset list match throw global"
)
_CASES = frozenset({"cases"})


@dataclass(frozen=True, slots=True)
class Names:
    """What the file's names stand for; all in lower case."""

    namespace: str = ""
    imports: Mapping[str, str] = field(default_factory=dict[str, str])

    def full(self, name: str) -> str:
        """The whole name of a class."""
        if name.startswith("\\"):
            return name[1:]
        first, _, rest = name.partition("\\")
        if first in self.imports:
            return self.imports[first] + (f"\\{rest}" if rest else "")
        return f"{self.namespace}\\{name}" if self.namespace else name

    def facade(self, name: str) -> str:
        """ "schema" or "db", "" for every other class."""
        return FACADES.get(self.full(name), "")


@dataclass(frozen=True, slots=True)
class Link:
    """One ->name(…) or ::name(…) of a chain; `args` is None where it is no call."""

    name: str
    args: Group | None
    line: int
    said: str


@dataclass(frozen=True, slots=True)
class Chain:
    """A name or a variable, and what is called on it."""

    head: Token
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Closure:
    """A function without a name. `expression` is whether its body is one, as that of fn is."""

    param: str
    body: tuple[Node, ...]
    expression: bool
    line: int


def chain(items: Sequence[Node]) -> Chain | None:
    """The whole of it as a chain; None where it is something else."""
    if not items or not isinstance(items[0], Token) or items[0].kind not in (Kind.NAME, Kind.VARIABLE):
        return None
    head, at, links = items[0], 1, list[Link]()
    while at < len(items):
        mark, name = items[at], items[at + 1] if at + 1 < len(items) else None
        if not (isinstance(mark, Token) and mark.marks("->", "?->", "::")):
            return None
        if not (isinstance(name, Token) and name.kind is Kind.NAME):
            return None
        at += 2
        args = items[at] if at < len(items) else None
        call = args if isinstance(args, Group) and args.opening == "(" else None
        links.append(Link(name.text, call, name.line, name.said))
        at += call is not None
    return Chain(head, tuple(links))


def closure(items: Sequence[Node]) -> Closure | None:
    """The closure that these are; None where they are something else, or it takes a value by reference."""
    rest = list(items)
    if rest and isinstance(rest[0], Token) and rest[0].names("static"):
        rest.pop(0)
    if len(rest) < 2 or not isinstance(rest[0], Token) or not rest[0].names("function", "fn"):
        return None
    head, params = rest[0], rest[1]
    if not isinstance(params, Group):
        return None
    variables = [one for one in params.items if isinstance(one, Token) and one.kind is Kind.VARIABLE]
    param = variables[0].text if variables else ""
    if head.text == "fn":
        arrow = next((n for n, one in enumerate(rest) if isinstance(one, Token) and one.marks("=>")), 0)
        return Closure(param, tuple(rest[arrow + 1 :]), True, head.line) if arrow else None
    body = rest[-1]
    return Closure(param, body.items, False, head.line) if isinstance(body, Group) and body.opening == "{" else None


def constant(items: Sequence[Node]) -> str | None:
    """The text that these are, put together with dots; None where a part is known only when it runs."""
    parts = split(items, ".")
    texts = [
        part[0].text if len(part) == 1 and isinstance(part[0], Token) and part[0].kind is Kind.STRING else None
        for part in parts
    ]
    known = [text for text in texts if text is not None]
    return "".join(known) if known and len(known) == len(texts) else None


def plain(items: Sequence[Node], names: Names) -> bool:
    """Whether these are values that change nothing: no assignment, and no call but of what only looks."""
    for at, item in enumerate(items):
        if isinstance(item, Group):
            may = item.opening in ("(", "[") and _may_open(items[max(0, at - 3) : at], item, names)
            if not may or not plain(item.items, names):
                return False
        elif (
            (item.names(*_KEYWORDS) and not _makes_expression(items[at : at + 2], names))
            or item.marks("=", "??=", "++", "--", "&", "@")
            or (item.kind is Kind.MARK and _assigns(item.text))
        ):
            return False
    return True


def _assigns(mark: str) -> bool:
    return len(mark) == 2 and mark[1] == "=" and mark[0] in "-+*/%.|&^"


def _may_open(before: Sequence[Node], group: Group, names: Names) -> bool:
    """Whether a bracket may stand there: one that calls something only where that only looks.

    `before` are the three nodes before it at most.
    """
    last = before[-1] if before else None
    if last is None or (isinstance(last, Token) and last.kind is Kind.MARK and not last.marks("->", "::", "?->")):
        return True
    if group.opening == "[":
        return not isinstance(last, Token) or last.kind in (Kind.VARIABLE, Kind.NAME)
    if not isinstance(last, Token) or last.kind is not Kind.NAME:
        return False
    mark = before[-2] if len(before) > 1 else None
    if isinstance(mark, Token) and mark.marks("->", "?->"):
        return last.text in _METHODS
    if isinstance(mark, Token) and mark.marks("::"):
        owner = before[-3] if len(before) > 2 else None
        of = _LOOKING.get(names.full(owner.text), "") if isinstance(owner, Token) and owner.kind is Kind.NAME else ""
        return last.text in _CASES or f"{of}.{last.text}" in _STATIC
    if isinstance(mark, Token) and mark.names("new"):
        return True
    # in a namespace a function of that name may be another one
    elsewhere = names.namespace and not last.text.startswith("\\")
    known = not elsewhere and last.text.removeprefix("\\") in _FUNCTIONS
    return known or last.names("and", "or", "return", "as")


def _makes_expression(items: Sequence[Node], names: Names) -> bool:
    """Whether it is new Expression(…) or a new exception, which only holds what it is given."""
    if len(items) < 2 or not isinstance(items[0], Token) or not items[0].names("new"):
        return False
    made = items[1]
    full = names.full(made.text) if isinstance(made, Token) and made.kind is Kind.NAME else ""
    return full in _MADE
