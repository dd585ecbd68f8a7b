"""What an operator wants changed in shared/.env: it comes in on stdin, by its sha256, and is never said or logged.

The bytes hold 32 random ones (`salt`), so that their sha256, which stands in plans and journals, tells nothing of the
values: nobody can guess a short secret and compare.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .base import Json, Refused
from .config import config_id, read_config
from .envfile import NAME, difference, edited, faults, statements, why_not
from .files import sync_dir, write_whole
from .settings import Settings

LONGEST_EDITS = 256 << 10
"""Bytes of edits, at most."""


@dataclass(frozen=True)
class Edits:
    """Keys to set, each to a right side as it is written in the file, and keys to take away."""

    sets: Mapping[str, str]
    unset: tuple[str, ...]

    def applied_to(self, data: bytes) -> bytes:
        """The file after it. Raises ValueError, which names lines and keys and no value."""
        try:
            text = edited(data.decode(), self.sets, self.unset)
        except UnicodeDecodeError:
            raise ValueError("shared/.env is not UTF-8") from None
        if wrong := faults(text):
            raise ValueError(f"shared/.env would not be read by the application: {'; '.join(wrong[:5])}")
        return text.encode()


def read_edits(data: bytes) -> Edits:
    """Strictly. Raises ValueError, which names keys and no value."""
    try:
        said: object = json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError("the edits are not JSON") from None
    told = cast(Json, said) if isinstance(said, dict) else {}
    sets, unset = told.get("set"), told.get("unset")
    if set(told) != {"salt", "set", "unset"} or not isinstance(sets, dict) or not isinstance(unset, list):
        raise ValueError("edits are an object of salt, set and unset")
    names = [*cast(Json, sets), *cast("list[object]", unset)]
    if not all(isinstance(name, str) and NAME.fullmatch(name) for name in names) or len(set(names)) != len(names):
        raise ValueError("edits name a key that is none, or one twice")
    for name, raw in cast(Json, sets).items():
        one = statements(f"{name}={raw}\n") if isinstance(raw, str) else []
        if len(one) != 1 or one[0].raw != raw or why_not(raw):
            raise ValueError(f"the value of {name} is not written as the file wants it")
    return Edits(cast("dict[str, str]", sets), tuple(cast("list[str]", unset)))


def edits_path(settings: Settings, sha256: str) -> Path:
    return settings.config / "incoming" / sha256


def received(size: int) -> bytes:
    """So many bytes from stdin. Raises Refused."""
    if size > LONGEST_EDITS:
        raise Refused("too large", f"{size} bytes are more than the {LONGEST_EDITS} that are allowed")
    data = b""
    while len(data) < size and (part := os.read(0, size - len(data))):
        data += part
    if len(data) < size:
        raise Refused("wrong size", f"the edits ended after {len(data)} of {size} bytes")
    return data


def put_edits(settings: Settings, sha256: str, size: int) -> Json:
    """Keep them for the job that uses them, for the login of chom-host alone. Raises Refused."""
    data, path = received(size), edits_path(settings, sha256)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise Refused("wrong checksum", "what arrived has another sha256 than was announced")
    _checked(data)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_whole(path, data, 0o600)
    sync_dir(settings.config)
    return {"sha256": sha256, "bytes": size, "stored": True}


def compare(settings: Settings, size: int) -> Json:
    """What they would change here, by names; nothing is kept, and no value is answered. Raises Refused."""
    edits, now = _checked(received(size)), read_config(settings)
    try:
        then = edits.applied_to(now)
    except ValueError as fault:
        raise Refused("bad argument", str(fault)) from None
    differs = difference(now.decode("utf-8", "replace"), then.decode())
    return {
        "config": config_id(settings, now),
        "added": differs.added,
        "changed": differs.changed,
        "removed": differs.removed,
    }


def _checked(data: bytes) -> Edits:
    try:
        return read_edits(data)
    except ValueError as fault:
        raise Refused("bad argument", str(fault)) from None
