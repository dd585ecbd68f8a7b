"""Small checks that Block Kit's rules are written with; each yields sentences with a JSON pointer at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

Check = Callable[[Any, str], Iterator[str]]
"""(value, pointer) -> what is wrong with it, in Slack's words."""

UNTYPED = {"block_id", "type"}


def at(sentence: str, pointer: str) -> str:
    """Slack's form of a complaint."""
    return f"{sentence} [json-pointer:{pointer}]"


def string(most: int | None = None, least: int = 1) -> Check:
    """A string of `least` to `most` characters."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, str):
            yield at("must provide a string", pointer)
        elif len(value) < least:
            yield at(f"must be more than {least - 1} characters", pointer)
        elif most is not None and len(value) > most:
            yield at(f"must be less than {most + 1} characters", pointer)

    return check


def link(most: int = 3000) -> Check:
    """An absolute http(s) address (or mailto, slack)."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        yield from string(most)(value, pointer)
        if isinstance(value, str) and not value.startswith(("http://", "https://", "mailto:", "slack://")):
            yield at("must be a valid URL", pointer)

    return check


def boolean(value: Any, pointer: str) -> Iterator[str]:
    """true or false."""
    if not isinstance(value, bool):
        yield at("must provide a boolean", pointer)


def number(least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield at("must provide a number", pointer)
        elif not least <= value <= most:
            yield at(f"must be between {least} and {most}", pointer)

    return check


def one_of(*allowed: str) -> Check:
    """One of some words."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if value not in allowed:
            yield at(f"must be a valid enum value ({', '.join(allowed)})", pointer)

    return check


def array(of: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` things."""

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, list):
            yield at("must provide an array", pointer)
            return
        items = cast("list[Any]", value)
        if len(items) < least:
            yield at(f"must provide at least {least} items" if least > 1 else "no less than 1 items allowed", pointer)
        if len(items) > most:
            yield at(f"no more than {most} items allowed", pointer)
        for index, item in enumerate(items):
            yield from of(item, f"{pointer}/{index}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, typed: bool = True) -> Check:
    """An object with these fields and no others; `typed` ones also carry "type", which was checked by the caller."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must provide an object", pointer)
            return
        fields = cast("dict[str, Any]", value)
        for name in required:
            if fields.get(name) is None:
                yield at(f"missing required field: {name}", pointer)
        for name, content in fields.items():
            if name in known:
                if content is not None:
                    yield from known[name](content, f"{pointer}/{name}")
            elif not (typed and name == "type"):
                yield at(f"invalid additional property: {name}", pointer)

    return check


def union(kinds: Mapping[str, Check], allowed: Sequence[str] | None = None) -> Check:
    """An object whose "type" says which check applies."""
    names = tuple(kinds) if allowed is None else tuple(allowed)

    def check(value: Any, pointer: str) -> Iterator[str]:
        if not isinstance(value, dict):
            yield at("must provide an object", pointer)
            return
        kind = cast("dict[str, Any]", value).get("type")
        if kind is None:
            yield at("missing required field: type", pointer)
        elif kind not in names:
            yield at(f"unsupported type: {kind}", f"{pointer}/type")
        else:
            yield from kinds[kind](value, pointer)

    return check


def anything(value: Any, pointer: str) -> Iterator[str]:
    """What Slack does not look into."""
    yield from ()
