"""What is done to a table in the closure of Schema::create and Schema::table, by the methods of Laravel's Blueprint."""

from __future__ import annotations

from collections.abc import Iterator

from actions.engine.migrations.code import Chain, Link, Names, constant, plain
from actions.engine.migrations.found import Effect, Finding
from actions.engine.migrations.php import Group, Token, split, words

_ADDED_WHOLE = words(
    "id increments bigincrements integerincrements mediumincrements smallincrements tinyincrements timestamps "
    "timestampstz nullabletimestamps nullabletimestampstz datetimes softdeletes softdeletestz softdeletesdatetime "
    "remembertoken nullablemorphs nullableuuidmorphs nullableulidmorphs nullablenumericmorphs computed"
)
"""They may be empty, or number themselves."""
_COLUMNS = words(
    "string char text tinytext mediumtext longtext integer tinyinteger smallinteger mediuminteger biginteger "
    "unsignedinteger unsignedtinyinteger unsignedsmallinteger unsignedmediuminteger unsignedbiginteger "
    "unsigneddecimal unsignedfloat unsigneddouble float double decimal boolean enum set json jsonb date datetime "
    "datetimetz time timetz timestamp timestamptz year binary uuid ulid foreignid foreignuuid foreignulid foreignidfor "
    "ipaddress macaddress geometry geography point linestring polygon multipoint multilinestring multipolygon "
    "geometrycollection vector morphs uuidmorphs ulidmorphs numericmorphs"
)
_INDEXES = words("index unique primary fulltext spatialindex rawindex foreign renameindex comment")
_LET_GO = words("dropindex dropfulltext dropspatialindex dropforeign")
_RULES_LET_GO = words("dropunique dropprimary")
_OPTIONS = words("engine innodb charset collation temporary")
_MODIFIERS = words(
    "nullable default unsigned after first comment charset collation index unique primary fulltext spatialindex "
    "autoincrement from startingvalue usecurrent usecurrentonupdate virtualas storedas generatedas always invisible "
    "persisted constrained references on ondelete onupdate cascadeondelete cascadeonupdate restrictondelete "
    "restrictonupdate nullondelete nullonupdate noactionondelete noactiononupdate srid deferrable initiallyimmediate "
    "algorithm language change"
)
_FILLED = words("usecurrent virtualas storedas generatedas autoincrement always")


def operation(chain: Chain, table: str, creating: bool, names: Names) -> Iterator[Finding]:
    """What one $table->…; does."""
    first, *modifiers = chain.links or (Link("", None, chain.head.line, ""),)
    what = f"{_columns(first)}of {table}"
    if odd := next((link for link in chain.links if not _plain_call(link, names)), None):
        yield Finding(odd.line, Effect.UNKNOWN, f"calls {odd.said or odd.name} in a way that is not read here")
    elif first.name in _COLUMNS | _ADDED_WHOLE:
        yield _column(first, modifiers, what, creating)
    elif odd := next((link for link in modifiers if link.name not in _MODIFIERS - {"change"}), None):
        yield Finding(odd.line, Effect.UNKNOWN, f"calls {odd.said}, which is not read here")
    elif first.name in _INDEXES | _LET_GO or (creating and first.name in _OPTIONS):
        yield Finding(first.line, Effect.ADDS, f"calls {first.said} {what}")
    elif first.name in _RULES_LET_GO:
        yield Finding(first.line, Effect.BREAKS, f"calls {first.said} {what}, a rule that older code may rely on")
    elif first.name.startswith("drop"):
        yield Finding(first.line, Effect.LOSES, f"calls {first.said} {what}")
    elif first.name.startswith("rename"):
        yield Finding(first.line, Effect.BREAKS, f"calls {first.said} {what}")
    else:
        yield Finding(first.line, Effect.UNKNOWN, f"calls {first.said or 'something'}, which is not read here")


def _column(first: Link, modifiers: list[Link], what: str, creating: bool) -> Finding:
    if odd := next((link for link in modifiers if link.name not in _MODIFIERS), None):
        return Finding(odd.line, Effect.UNKNOWN, f"calls {odd.said}, which is not read here")
    if changed := next((link for link in modifiers if link.name == "change"), None):
        return Finding(changed.line, Effect.LOSES, f"changes the type {what}")
    nullable = [link for link in modifiers if link.name == "nullable"][-1:]
    filled = any(_fills(link) for link in (*nullable, *(link for link in modifiers if link.name != "nullable")))
    if creating or first.name in _ADDED_WHOLE or filled:
        return Finding(first.line, Effect.ADDS, f"adds {first.said} {what}")
    return Finding(first.line, Effect.BREAKS, f"adds {first.said} {what}, which must be filled and has no default")


def _fills(link: Link) -> bool:
    """Whether rows that know nothing of the column go on with it; ->nullable(false) and ->default(null) say no."""
    given = link.args.items if link.args else ()
    word = given[0] if len(given) == 1 and isinstance(given[0], Token) else None
    match link.name:
        case "nullable":
            return not given or bool(word and word.names("true"))
        case "default":
            return bool(given) and not any(isinstance(one, Token) and one.names("null") for one in given)
        case _:
            return link.name in _FILLED


def _plain_call(link: Link, names: Names) -> bool:
    return link.args is not None and plain(link.args.items, names)


def _columns(link: Link) -> str:
    """ "price ", "price and colour ", "" where they are known only when it runs."""
    first = split(link.args.items, ",")[:1] if link.args else []
    if first and len(first[0]) == 1 and isinstance(first[0][0], Group):
        first = split(first[0][0].items, ",")
    texts = [text for part in first if (text := constant(part))]
    return f"{', '.join(texts)} " if texts and len(texts) == len(first) else ""
