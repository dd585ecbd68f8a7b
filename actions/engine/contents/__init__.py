"""What a release is made of, as far as risk goes: read once from its archive, and compared with what is served."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from actions.engine.contents.advisories import Audit
from actions.engine.migrations import Migration, migration

MIGRATION = re.compile(r"database/migrations/([^/]+)\.php")
LOCKS = ("composer.lock", "package-lock.json")
UNREADABLE = ", which cannot be read"
"""What stands behind the name of a lock of which no package is known."""
ENV = ".env.example"
_BUILT = ("public/build/", "node_modules/", "bootstrap/cache/", "vendor/composer/", "vendor/autoload.php")
"""Made from the rest, anew at each build: it says nothing of its own."""
_KEY = re.compile(rb"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=", re.MULTILINE)
_READ = 16 << 20
"""Bytes of the longest file that is read and not only hashed."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A release's files and what was read in some of them."""

    files: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])
    """Path -> (sha256 or the link's target, bytes), without packages and what a build makes."""
    migrations: Mapping[str, Migration] = field(default_factory=dict[str, Migration])
    """By file name without ".php"."""
    packages: Mapping[str, str] = field(default_factory=dict[str, str])
    """Package -> version, of every lock; a lock that cannot be read stands for itself with its sha256."""
    vendor: str = ""
    """sha256 over the installed packages' files."""
    env: frozenset[str] = frozenset()
    """Keys of .env.example."""
    audit: Audit | None = None
    """What is known of its packages: not from the archive, but as whoever packed it says."""


class Gathering:
    """Takes the files of an archive one after the other, and is a Contents at the end."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, int]] = {}
        self._vendor: list[str] = []
        self._migrations: dict[str, Migration] = {}
        self._packages: dict[str, str] = {}
        self._env: frozenset[str] = frozenset()

    def take(self, name: str, size: int, parts: Callable[[], Iterator[bytes]]) -> None:
        """A file; `parts` gives its bytes, once."""
        if name.startswith(_BUILT):
            return
        wanted = size <= _READ and (name in (*LOCKS, ENV) or MIGRATION.fullmatch(name))
        sha256, kept = hashlib.sha256(), bytearray()
        for part in parts():
            sha256.update(part)
            kept += part if wanted else b""
        self.note(name, sha256.hexdigest(), size)
        if found := MIGRATION.fullmatch(name):
            self._migrations[found[1]] = migration(bytes(kept) if wanted else b"")
        elif name in LOCKS:
            self._packages |= _packages(name, bytes(kept), sha256.hexdigest())
        elif name == ENV:
            self._env = frozenset(key.decode() for key in _KEY.findall(bytes(kept)))

    def note(self, name: str, what: str, size: int) -> None:
        """A file or a link by what identifies it."""
        if name.startswith("vendor/"):
            self._vendor.append(f"{name}\0{what}")
        elif not name.startswith(_BUILT):
            self._files[name] = (what, size)

    def contents(self) -> Contents:
        """All that was taken."""
        vendor = hashlib.sha256("\n".join(sorted(self._vendor)).encode("utf-8", "surrogateescape")).hexdigest()
        return Contents(self._files, self._migrations, self._packages, vendor, self._env)


def _packages(name: str, text: bytes, sha256: str) -> dict[str, str]:
    try:
        lock = cast("dict[str, Any]", json.loads(text))
        if name == "composer.lock":
            return {str(one["name"]): str(one["version"]) for one in lock["packages"]}
        listed = cast("dict[str, Any]", lock["packages"])
        return {
            path.removeprefix("node_modules/"): str(one["version"])
            for path, one in listed.items()
            if path and "version" in one and not one.get("dev")
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {f"{name}{UNREADABLE}": sha256}
