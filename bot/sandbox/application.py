"""What Laravel is in production: what the release in a directory answers, on its own files and database."""

from __future__ import annotations

import html
import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox import php
from bot.sandbox.manners import Manner, shipped

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>CHOM shop {version}</title>
<meta name="release" content="{version}"><meta name="viewport" content="width=device-width">
<style>body{{margin:0;font:18px/1.5 system-ui,sans-serif;color:#fff;background:{colour};min-height:100vh;
display:grid;place-items:center;text-align:center}}h1{{font-size:3.5rem;margin:0}}p{{margin:.3rem}}
small{{opacity:.75}}</style></head>
<body><main><h1>CHOM {version}</h1><p>{headline}</p>
<p><small>{server}, release {release}</small></p></main></body></html>
"""
_OOPS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Server Error</title><meta name="release" content="{version}">
</head><body><h1>500 | Server Error</h1></body></html>
"""


_KEPT = 100
"""Answers that are remembered."""


@dataclass(frozen=True, slots=True)
class Page:
    """What the application answered."""

    status: int
    kind: str
    body: str


def answer(release: Path, path: str, server: str, pool: str = "stable") -> Page:
    """What the release in that directory answers to GET `path`, in that pool of that server."""
    try:
        version, trouble = php.version(release), php.missing(release)
    except (OSError, KeyError, sqlite3.Error) as wrong:
        version, trouble = "", f"{type(wrong).__name__}: {wrong}"
    if path == "/health":
        health = {"status": "fail" if trouble else "ok", "release": version, "dir": release.name, "pool": pool}
        body = json.dumps({**health, "error": trouble} if trouble else health)
        return Page(500 if trouble else 200, "application/json", body)
    if trouble:
        return Page(500, "text/html", _OOPS.format(version=html.escape(version)))
    if path != "/":
        return Page(404, "text/html", "<h1>404 | Not Found</h1>")
    words = {k: html.escape(str(v)) for k, v in json.loads((release / "shop.json").read_text(encoding="utf-8")).items()}
    filled = _PAGE.format(**{**words, "version": html.escape(version), "server": server, "release": release.name})
    return Page(200, "text/html", filled)


def failed(version: str) -> Page:
    """What a visitor is shown where the code throws."""
    return Page(500, "text/html", _OOPS.format(version=html.escape(version)))


@dataclass(frozen=True, slots=True)
class Answer:
    """A page, and which version answered, with what its artifact says of its manner."""

    page: Page
    version: str
    manner: Manner


@dataclass(slots=True)
class Answers:
    """The answers of one pool, made anew only where a file that they come from has changed: a visit costs no query."""

    server: str
    pool: str
    _known: dict[tuple[Path, str], tuple[object, Answer]] = field(
        default_factory=dict[tuple[Path, str], tuple[object, Answer]]
    )
    _sources: dict[Path, tuple[Path, ...]] = field(default_factory=dict[Path, tuple[Path, ...]])
    """Release -> the files that its answers come from, its settings first."""

    def get(self, release: Path, path: str) -> Answer:
        """As `answer`."""
        stamp, known = self._stamp(release), self._known.get((release, path))
        if known and known[0] == stamp:
            return known[1]
        self._sources[release] = _sources(release)
        stamp = self._stamp(release)
        page = answer(release, path, self.server, self.pool)
        try:
            found = Answer(page, php.version(release), shipped(release))
        except (OSError, ValueError):
            found = Answer(page, "", Manner())
        if len(self._known) > _KEPT:
            self._known.clear()
        self._known[release, path] = stamp, found
        return found

    def _stamp(self, release: Path) -> object:
        """Other than before where the release, its settings or its database were written to."""
        return [_changed(path) for path in self._sources.get(release, ())]


def _sources(release: Path) -> tuple[Path, ...]:
    own = (release / ".env", release / "shop.json", release / "version.php")
    try:
        database = php.database(release)
    except (OSError, KeyError):
        return own
    return (*own, Path(database), Path(f"{database}-wal"))


def _changed(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
