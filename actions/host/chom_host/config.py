"""shared/.env and those before it: called by ids that say nothing of what is in them, and kept for the way back.

An id is a keyed hash, and its key never leaves this server: a bare hash of short secrets could be guessed.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from .base import Failed, Json
from .envfile import difference, statements
from .files import append_json, locked, read_json, read_json_lines, sync_dir, write_new, write_whole
from .settings import Settings

BAKED = ".chom-config"
"""In a release: what `baked` says of it."""
KEPT = 10
"""So many earlier files are kept."""


def env_path(settings: Settings) -> Path:
    """The file itself, where shared/.env is a link."""
    return (settings.shared_dir / ".env").resolve()


def read_config(settings: Settings) -> bytes:
    """What is in force. Raises Failed."""
    path = env_path(settings)
    try:
        return path.read_bytes()
    except OSError as fault:
        raise Failed(f"{path} cannot be read: {fault.strerror or fault}") from None


def config_id(settings: Settings, data: bytes) -> str:
    """32 hex digits: the same for the same bytes on this server, and on no other."""
    return hmac.new(_key(settings), data, hashlib.sha256).hexdigest()[:32]


def current(settings: Settings) -> str:
    """The id of what is in force, "" where it cannot be read."""
    try:
        return config_id(settings, read_config(settings))
    except Failed:
        return ""


def keys(settings: Settings) -> list[str]:
    """The names in what is in force, [] where it cannot be read."""
    try:
        return sorted({one.name for one in statements(read_config(settings).decode("utf-8", "replace"))})
    except Failed:
        return []


def _key(settings: Settings) -> bytes:
    path = settings.config / "key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    settings.config.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".key.{os.getpid()}.{time.monotonic_ns()}")
    write_new(fresh, os.urandom(32))
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)  # whoever links first has made it
    fresh.unlink()
    sync_dir(path.parent)
    return path.read_bytes()


def baked(settings: Settings, release: str) -> Json:
    """{"config": what a release's caches were built from, "source": the release whose code it has, "" for its own}."""
    try:
        said = read_json(settings.release(release) / BAKED)
    except (OSError, ValueError):
        said = None
    known = said or {}
    return {key: value if isinstance(value := known.get(key), str) else "" for key in ("config", "source")}


def note_baked(settings: Settings, release: Path, data: bytes, source: str) -> None:
    """Write it into a release that is not whole yet: whoever calls it whole sees to it that this is on the disk."""
    said = {"config": config_id(settings, data), "source": source}
    (release / BAKED).unlink(missing_ok=True)  # the archive may have brought a link
    write_new(release / BAKED, json.dumps(said, sort_keys=True).encode() + b"\n", 0o640, sync=False)


# --- earlier ones ------------------------------------------------------------


def _history(settings: Settings) -> list[Json]:
    return read_json_lines(settings.config / "history.jsonl")


def kept_file(settings: Settings, id_: str) -> Path:
    return settings.config / "kept" / id_


def way_back(settings: Settings) -> list[Json]:
    """Earlier files that can be gone back to, the latest first: {"config", "at", "left", and "added" and so on}.

    `left` is the release with which the next one came into force, "" where somebody wrote the file by hand. The names
    are those of the keys that going back adds, changes and removes. Going back to a file leaves those that
    came after it; they are on no way back any more.
    """
    path: list[Json] = []
    try:
        text = read_config(settings)
    except Failed:
        return []
    for record in [*_history(settings), {"config": config_id(settings, text), "at": 0}]:
        places = [n for n, one in enumerate(path) if one["config"] == record["config"]]
        if places:
            del path[places[0] + 1 :]
        else:
            path.append(record)
    found: list[Json] = []
    for record, later in reversed(list(zip(path, path[1:]))):  # noqa: B905, RUF007  Python 3.9 has neither
        told = {"config": record["config"], "at": record["at"], "left": later.get("release", "")}
        with contextlib.suppress(FileNotFoundError):
            found.append({**told, **_named(text, kept_file(settings, record["config"]).read_bytes())})
    return found


def _named(old: bytes, new: bytes) -> Json:
    differs = difference(old.decode("utf-8", "replace"), new.decode("utf-8", "replace"))
    return {"added": differs.added, "changed": differs.changed, "removed": differs.removed}


def keep(settings: Settings, data: bytes) -> None:
    """A copy for the way back, for its owner alone."""
    path = kept_file(settings, config_id(settings, data))
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(path, data, 0o600)


def note_in_force(settings: Settings, before: str, now: str, release: str) -> None:
    """`now` came into force with the release, after `before`; what is on no way back, or too old, is forgotten."""
    at = int(time.time())
    with locked(settings):
        last = next((record["config"] for record in reversed(_history(settings))), "")
        told = [] if last == before else [{"config": before, "at": at, "release": ""}]
        append_json(settings.config / "history.jsonl", *told, {"config": now, "at": at, "release": release})
    stay = {record["config"] for record in way_back(settings)[:KEPT]}
    for path in (settings.config / "kept").glob("*"):
        if path.name not in {*stay, before, now}:
            path.unlink(missing_ok=True)


# --- the file itself ---------------------------------------------------------


def why_not_replaced(settings: Settings) -> str:
    """Why this login cannot put another file in its place, as a sentence with what to do; "" where it can."""
    path = env_path(settings)
    try:
        now = path.stat()
    except OSError as fault:
        return f"{path} cannot be looked at: {fault.strerror or fault}"
    if now.st_uid != os.geteuid() or not (now.st_gid in {os.getegid(), *os.getgroups()} or os.geteuid() == 0):
        return f"{path} does not belong to the login of chom-host and one of its groups; give it to them with chown"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"{path.parent} cannot be written by the login of chom-host; run `chom-bot host install`"
    return ""


def write_like_env(settings: Settings, path: Path, data: bytes) -> None:
    """A file with the owner, group and mode of shared/.env, whole or not at all. Raises Failed, OSError."""
    if why := why_not_replaced(settings):
        raise Failed(why)
    like = env_path(settings).stat()
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        write_new(part, data, 0o600)
        os.chown(part, -1, like.st_gid)
        part.chmod(stat.S_IMODE(like.st_mode) & 0o666)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync_dir(path.parent)


def one_of(settings: Settings, ids: Sequence[str]) -> str:
    """Which of these ids is a file that this server keeps; "" for none. Ids of other servers are never ours."""
    return next((id_ for id_ in ids if kept_file(settings, id_).exists()), "")
