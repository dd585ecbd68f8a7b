"""What lies on this server: releases, which one is served and was, and the migrations that were applied."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from .base import LINE, Failed, Json
from .config import baked, current, keys, way_back
from .disk import free_bytes
from .fence import read_fence
from .files import append_json, read_json, read_json_lines
from .pools import look
from .redaction import CONTROL
from .settings import Settings
from .work import Work


def served(settings: Settings) -> str:
    """The id of the release that the current link points to, "" for none."""
    link = settings.current_link
    if not link.is_symlink():
        return ""
    target = Path(os.path.normpath(link.parent / link.readlink()))
    return target.name if target.parent == settings.releases and _is_release(target.name) else ""


def _is_release(name: str) -> bool:
    return re.fullmatch(r"[0-9]{8}_[0-9]{6}", name) is not None


def marker(settings: Settings, id_: str) -> Optional[Json]:
    """What .chom-release.json says; None for a release that is not there or was not staged to its end."""
    try:
        said = read_json(settings.release(id_) / ".chom-release.json")
    except (ValueError, NotADirectoryError):
        return None
    whole = isinstance(said, dict) and all(isinstance(said.get(k), str) for k in ("version", "commit", "sha256"))
    return said if whole else None


def version_of(settings: Settings, id_: str) -> str:
    """How people call the release: by its version, and by its id only where nothing tells that."""
    said = marker(settings, id_)
    return str(said["version"]) if said and said["version"] else id_


def kept(settings: Settings) -> list[str]:
    """The ids of the whole releases, in the order of their names."""
    if not settings.releases.is_dir():
        return []
    names = sorted(path.name for path in settings.releases.iterdir() if _is_release(path.name))
    return [name for name in names if marker(settings, name)]


def activations(settings: Settings) -> list[Json]:
    return read_json_lines(Path(settings.state, "activations.jsonl"))


def served_before(settings: Settings) -> str:
    """The release that was served before the one served now, "" for none."""
    now = served(settings)
    return next((a["release"] for a in reversed(activations(settings)) if a["release"] != now), "")


def migrations_in(settings: Settings, release: str) -> list[str]:
    return sorted(path.stem for path in settings.release(release).glob("database/migrations/*.php"))


def survey(settings: Settings) -> Json:
    """The read-only look."""
    now, times = served(settings), activations(settings)
    releases: list[Json] = []
    for id_ in kept(settings):
        said = marker(settings, id_) or {}
        at = [a["at"] for a in times if a["release"] == id_]
        told = {k: said[k] for k in ("version", "commit", "sha256")}
        more: Json = {"migrations": migrations_in(settings, id_), **baked(settings, id_)}
        releases.append({"id": id_, **told, "activated": at, **more})
    ran = {r["migration"]: r["release"] for r in read_json_lines(Path(settings.state, "migrations.jsonl"))}
    at = settings.releases if settings.releases.is_dir() else Path(settings.www)
    return {
        "current": now,
        "releases": releases,
        "migrations": sorted({*ran, *(migrations_in(settings, now) if now else ())}),
        "ran": ran,
        "disk_free": free_bytes(at),
        "fence": read_fence(settings),
        "pools": look(settings),
        "config": current(settings),
        "config_keys": keys(settings),
        "configs": way_back(settings),
    }


_APPLIED = (
    re.compile(r"Migrated:\s+(\S+)"),  # Laravel 8
    re.compile(r"([0-9]{4}_[0-9]{2}_[0-9]{2}_[0-9]{6}_\w+)\s[^\n]*\bDONE\s*$"),  # Laravel 9 and later
)


def applied_migration(line: str) -> str:
    """The migration that this line of artisan's says was applied, "" for none; what it printed may stand before."""
    line = CONTROL.sub("", line)[-LINE:]
    found = next(filter(None, (pattern.search(line) for pattern in _APPLIED)), None)
    return found.group(1) if found else ""


def record_migrations(settings: Settings, release: str, names: Sequence[str]) -> None:
    """Remember what was applied. The caller holds the lock."""
    path = Path(settings.state, "migrations.jsonl")
    known = {record["migration"] for record in read_json_lines(path)}
    fresh = [name for name in names if name not in known]
    if fresh:
        append_json(path, *({"migration": name, "release": release, "at": int(time.time())} for name in fresh))


def whole_release(work: Work, release: str) -> Path:
    if marker(work.settings, release) is None:
        raise Failed(f"{release} is not on this server, or was not staged to its end")
    return work.settings.release(release)


def why_no_switch(settings: Settings) -> str:
    """Why a switch would reach nobody, or could not be made; "" where it can."""
    current, outer = settings.current_link, Path(settings.www, settings.link)
    if current.exists() and not current.is_symlink():
        return f"{current} is not a link; move it away, and make it a link into releases/"
    if outer.exists() and not outer.is_symlink():
        return f"{outer} is not a link to {settings.current}, so a switch would not reach what nginx serves"
    if outer != current and outer.is_symlink() and Path(os.path.normpath(outer.parent / outer.readlink())) != current:
        return f"{outer} points to {outer.readlink()}, not to {settings.current}: a switch would reach nobody"
    return ""
