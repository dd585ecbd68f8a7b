"""The directory that artifacts are put into, with its index.json: changed by one at a time, and never half."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
from datetime import UTC
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from actions.engine.artifacts import index
from actions.engine.artifacts.index import BrokenIndex, Entry
from actions.engine.artifacts.sources import INDEX


class Taken(Exception):
    """The artifact cannot be listed; the message says why and what to do."""


class Shelf:
    """Use it in `with`: another that packs into the same directory waits."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._part = directory / f".packing.{os.getpid()}.part"
        self._lock = -1
        """The directory itself, so that no file is left which an upload would take along."""

    def __enter__(self) -> Shelf:
        self._lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        for left in (*self._directory.glob(".packing.*.part"), *self._directory.glob(".*.json.*.new")):
            left.unlink(missing_ok=True)  # by one that was killed: who holds the lock is alone here
        return self

    def __exit__(self, kind: type[BaseException] | None, what: BaseException | None, at: TracebackType | None) -> None:
        self._part.unlink(missing_ok=True)
        os.close(self._lock)

    def part(self) -> Path:
        """Where the artifact is written before it has its name; gone at the end, whatever happens."""
        return self._part

    def listed(self, entry: Entry, replace: bool) -> tuple[Entry, bool]:
        """The entry as it will be listed, and whether that is new. Raises Taken.

        The same artifact packed again is the entry that is there, with the time of then; where it was audited anew, it
        is new.
        """
        known = {one.version: one for one in self._known()}.get(entry.version)
        if known is None:
            return entry, True
        if (known.sha256, known.commit, known.file) == (entry.sha256, entry.commit, entry.file):
            audit = entry.audit or known.audit
            return dataclasses.replace(known, audit=audit), audit != known.audit
        if replace:
            return entry, True
        content = (
            "with the same content"
            if known.sha256 == entry.sha256
            else f"with other content (sha256 {known.sha256[:12]}…, and {entry.sha256[:12]}… now)"
        )
        raise Taken(
            f"{entry.version} is there already, from commit {known.commit[:10]} and {content}. "
            "Give this one another version, or say --replace."
        )

    def put(self, part: Path, entry: Entry, manifest: str) -> None:
        """The artifact, then its manifest, then the list: what is listed is there."""
        part.replace(self._directory / entry.file)
        self._whole(f"{entry.file.removesuffix('.tar.gz')}.json", manifest)
        self._whole(INDEX, self._with(entry))
        os.fsync(self._lock)

    def _known(self) -> tuple[Entry, ...]:
        path = self._directory / INDEX
        try:
            return index.parse(path.read_bytes())
        except FileNotFoundError:
            return ()
        except BrokenIndex as fault:
            raise Taken(f"{path} is broken: {fault}. Repair it, or move it away.") from None

    def _with(self, entry: Entry) -> str:
        """index.json with this entry in its place, the newest first; what else others wrote there is kept."""
        path = self._directory / INDEX
        said: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {"releases": []}
        others = [one for one in cast("list[dict[str, Any]]", said["releases"]) if one["version"] != entry.version]
        made = entry.made.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ours = {name: getattr(entry, name) for name in ("version", "commit", "sha256", "file", "size")} | {"made": made}
        ours |= {"audit": dataclasses.asdict(entry.audit)} if entry.audit else {}
        times = {one.version: one.made for one in self._known()} | {entry.version: entry.made}
        said["releases"] = sorted([ours, *others], key=lambda one: times[one["version"]], reverse=True)
        return json.dumps(said, indent=2, ensure_ascii=False) + "\n"

    def _whole(self, name: str, text: str) -> None:
        fresh = self._directory / f".{name}.{os.getpid()}.new"
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._directory / name)
