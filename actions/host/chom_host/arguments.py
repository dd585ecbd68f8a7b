"""The arguments that come over the wire: each is matched against a strict pattern, and none ever meets a shell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import cast

from .base import Json, Refused
from .redaction import shown

Check = Callable[[object], object]
_SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,63}"


def text(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if isinstance(value, str) and compiled.fullmatch(value):
            return value
        raise ValueError(f"has to be {what}")

    return check


def number(low: int, high: int) -> Check:
    def check(value: object) -> object:
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"has to be a whole number from {low} to {high}")

    return check


def many(of: Check, most: int = 100) -> Check:
    def check(value: object) -> object:
        if not isinstance(value, list) or len(cast("list[object]", value)) > most:
            raise ValueError(f"has to be a list of at most {most}")
        return [of(one) for one in cast("list[object]", value)]

    return check


def flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    raise ValueError("has to be true or false")


def anything(value: object) -> object:
    if isinstance(value, dict):
        return cast(Json, value)
    raise ValueError("has to be an object")


RELEASE = text(r"[0-9]{8}_[0-9]{6}", "a release, YYYYmmdd_HHMMSS")
SHA256 = text(r"[0-9a-f]{64}", "a sha256, 64 hex digits")
JOB = text(rf"{_SEGMENT}(?:/{_SEGMENT}){{1,4}}", "run/step/way, of letters, digits, “.”, “_” and “-”")
FENCE = number(0, 1 << 53)


def checked(shapes: Mapping[str, Mapping[str, Check]], verb: str, args: Json) -> Json:
    """The arguments of a verb, each as its pattern wants it, none missing and none more. Raises Refused."""
    shape = shapes.get(verb)
    if shape is None:
        raise Refused("unknown verb", f"“{shown(verb)}” is no verb; there are {', '.join(shapes)}")
    for name in args:
        if name not in shape:
            raise Refused("bad argument", f"{verb} takes no “{shown(name)}”; it takes {', '.join(shape) or 'nothing'}")
    values: Json = {}
    for name, check in shape.items():
        if name not in args:
            raise Refused("bad argument", f"{verb} needs “{name}”")
        try:
            values[name] = check(args[name])
        except ValueError as fault:
            raise Refused("bad argument", f"{verb}: {name} {fault}, not {shown(args[name])}") from None
    return values
