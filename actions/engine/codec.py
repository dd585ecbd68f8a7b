"""JSON for frozen dataclasses, one text for one value: what is hashed here is what is stored and read back."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


@cache
def _adapter(type_: Any) -> TypeAdapter[Any]:
    return TypeAdapter(type_)


def to_jsonable(value: object) -> Any:
    """The value as dicts, lists, strings, numbers and None."""
    return _adapter(type(value)).dump_python(value, mode="json")


def canonical(value: object) -> str:
    """The one JSON text of a jsonable value: sorted keys, no spaces, UTF-8 as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def dump(value: object) -> str:
    """A dataclass as its canonical JSON text."""
    return canonical(to_jsonable(value))


def load(type_: type[T], text: str | bytes) -> T:
    """The dataclass back from its JSON; raises pydantic.ValidationError where the text is not one."""
    return _adapter(type_).validate_json(text)


def sha256_of(value: object) -> str:
    """sha256 of a jsonable value's canonical text, as 64 hex digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
