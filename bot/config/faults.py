"""The faults that the TOML reader and pydantic find in chom.toml, as sentences for whoever mends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.engine.located_toml import Located, TomlFault

_KINDS = {
    "string_type": 'text in quotes, for example "app1"',
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "bool_type": "true or false, without quotes",
    "list_type": 'a list, for example ["app1", "app2"]',
    "dict_type": "a table",
    "model_type": "a table",
}
"""pydantic's error types for a value of another kind, and what it has to be."""

Fault = tuple[int, str]
"""A line of chom.toml (0 for what is not in the file) and a sentence."""


def not_toml(text: str, fault: TomlFault) -> str:
    """The line and what is wrong with it."""
    lines = text.split("\n")
    shown = lines[fault.line - 1].strip()[:60] if fault.line <= len(lines) else ""
    why = f"{fault.message[:1].lower()}{fault.message[1:]}"
    return f'{shown or "the end of the file"}: this is not TOML ({why}). Text stands in "quotes", a list in [brackets].'


def in_words(located: Located, error: Mapping[str, Any]) -> Fault:
    """One of pydantic's errors as a line and a sentence."""
    where = tuple(part for part in error["loc"] if part != "[key]")
    name = ".".join(str(part) for part in where)
    line = located.line(where)
    match error["type"]:
        case "missing":
            table = ".".join(str(part) for part in where[:-1])
            return line, f"{where[-1]} is missing in [{table}]." if table else f"there is no [{name}]."
        case "extra_forbidden":
            return line, f"{name} is not a setting; `chom-bot init` writes a chom.toml with all there are."
        case "value_error":
            return line, f"{name} is {error['input']!r}; it has to be {error['ctx']['error']}."
        case kind:
            return line, f"{name} {_bounds(kind, error)}."


def _bounds(kind: str, error: Mapping[str, Any]) -> str:
    """What the value has to be, for pydantic's own checks."""
    said: Mapping[str, Any] = error.get("ctx", {})
    if kind in _KINDS:
        return f"has to be {_KINDS[kind]}"
    match kind:
        case "greater_than_equal":
            return f"has to be at least {said['ge']:g}; it is {error['input']}"
        case "less_than_equal":
            return f"has to be at most {said['le']:g}; it is {error['input']}"
        case "literal_error" | "enum":
            return f"is {error['input']!r}; it has to be {said['expected']}"
        case "too_short" | "string_too_short":
            return "is empty; it has to name at least one" if kind == "too_short" else "is empty"
        case "string_too_long":
            return f"is longer than {said['max_length']} characters"
        case _:
            return f"cannot be used: {error['msg'][0].lower()}{error['msg'][1:]}"
