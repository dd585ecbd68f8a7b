"""Versions as the planners need them: fetched once, checked by sha256, looked through, and kept by their sha256."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from actions.engine.artifacts import index as artifact_index
from actions.engine.artifacts.archive import UnsafeArchive, scan
from actions.engine.artifacts.index import BrokenIndex, Entry
from actions.engine.artifacts.sources import BadSource, NoAnswer, Source, TooLong, read_index, source_of
from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, CannotPlan

__all__ = ["BadSource", "CachedArtifacts", "artifacts"]

KEEP = 4 << 30
"""Bytes of artifacts that stay in the cache."""
ABANDONED = 86400.0
"""Seconds after which a half-fetched file of a dead bot is removed."""


def artifacts(source: str, cache: Path) -> CachedArtifacts:
    """Artifacts from a directory, https:// or s3://bucket/prefix, kept in `cache`. Raises BadSource."""
    return CachedArtifacts(source_of(source), cache)


class CachedArtifacts:
    """Implements ports.Artifacts. Each sha256 is fetched by one caller at a time; the others wait for it."""

    def __init__(self, source: Source, cache: Path, keep: int = KEEP) -> None:
        self._source, self._cache, self._keep = source, cache, keep
        self._contents: dict[str, Contents] = {}
        """By sha256: what was looked through by this process, and is therefore believed."""
        self._seen: dict[str, Seen] = {}
        """By sha256: the file that was found to be that, as it was then."""
        self._listed: dict[str, Entry] = {}
        """By sha256, as the list said last."""
        self._under_way: dict[str, asyncio.Task[Contents]] = {}

    async def versions(self) -> Sequence[Artifact]:
        """All there are, newest first, without their migrations. Raises CannotPlan where the place cannot be read."""
        return [entry.artifact() for entry in await self._index()]

    async def resolve(self, version: str) -> Artifact:
        """The version, fetched, checked and looked through. Raises CannotPlan with a sentence."""
        entries = await self._index()
        entry = next((entry for entry in entries if entry.version == version), None)
        if entry is None:
            raise CannotPlan(self._unknown(version, entries))
        return entry.artifact(tuple(sorted((await self._have(entry)).migrations)))

    async def open(self, artifact: Artifact) -> str:
        """Path of the checked tar.gz on the bot's machine. Raises CannotPlan where it is gone from the source too."""
        path = self._path(artifact.sha256)
        if not await asyncio.to_thread(self._is_there, artifact.sha256):
            entry = next((entry for entry in await self._index() if entry.sha256 == artifact.sha256), None)
            if entry is None:
                raise CannotPlan(
                    f"{artifact.version} ({artifact.sha256[:12]}…) is no longer in {self._source.where}: "
                    f"put it back, or deploy a version that is there."
                )
            await self._have(entry)
        return str(path)

    async def contents(self, sha256: str) -> Contents:
        """What is in that artifact. Raises CannotPlan where it is not in the source any more, or cannot be had."""
        if sha256 not in self._contents and sha256 not in self._listed:
            await self._index()
        entry = self._listed.get(sha256)
        if known := self._contents.get(sha256):
            return replace(known, audit=entry.audit if entry else None)
        if entry is None:
            raise CannotPlan(f"its artifact ({sha256[:12]}…) is no longer in {self._source.where}: put it back.")
        return replace(await self._have(entry), audit=entry.audit)

    def _path(self, sha256: str) -> Path:
        return self._cache / f"{sha256}.tar.gz"

    def _is_there(self, sha256: str) -> bool:
        """Whether the cached file is what its name says: a crash may have left something else.

        One that nobody has touched since it was found so, or was fetched, is not read anew before each upload: the
        server checks what arrives anyhow.
        """
        try:
            with self._path(sha256).open("rb") as file:
                found = _seen(file)
                if self._seen.get(sha256) == found:
                    return True
                whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
        except FileNotFoundError:
            return False
        if whole:
            self._seen[sha256] = found
        return whole

    def _use(self, sha256: str, *, fresh: bool = False) -> None:
        """The cache forgets what was not used for longest; to be used changes nothing in a file, `fresh` or known."""
        with self._path(sha256).open("rb") as file:
            before = _seen(file)
            os.utime(file.fileno())
            if fresh or self._seen.get(sha256) == before:
                self._seen[sha256] = _seen(file)

    def _unknown(self, version: str, entries: Sequence[Entry]) -> str:
        names = [entry.version for entry in entries[:5]]
        if not names:
            return f"There is no version {version}: no version was built yet."
        newest = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
        other = version.removeprefix("v") if version.startswith("v") else f"v{version}"
        meant = f" Did you mean {other}?" if any(entry.version == other for entry in entries) else ""
        there = "The newest is" if len(names) == 1 else "The newest are"
        return f"There is no version {version}.{meant} {there} {newest}."

    async def _index(self) -> tuple[Entry, ...]:
        try:
            entries = artifact_index.parse(await read_index(self._source))
        except (NoAnswer, TooLong, OSError) as fault:
            raise CannotPlan(f"The list of versions cannot be had: {fault}.") from fault
        except BrokenIndex as fault:
            raise CannotPlan(f"index.json in {self._source.where} is broken: {fault}.") from fault
        self._listed = {entry.sha256: entry for entry in entries}
        return entries

    async def _have(self, entry: Entry) -> Contents:
        """What is in it, once it lies in the cache and was looked through."""
        task = self._under_way.get(entry.sha256)
        if task is None:
            task = asyncio.create_task(self._make_sure(entry))
            self._under_way[entry.sha256] = task
            task.add_done_callback(lambda done: self._settled(entry.sha256, done))
        return await asyncio.shield(task)

    def _settled(self, sha256: str, done: asyncio.Task[Contents]) -> None:
        del self._under_way[sha256]
        if not done.cancelled():
            done.exception()  # whoever still waits gets it; where nobody does, the next caller fetches again

    async def _make_sure(self, entry: Entry) -> Contents:
        path = self._path(entry.sha256)
        known = self._contents.get(entry.sha256)
        try:
            missing = not await asyncio.to_thread(self._is_there, entry.sha256)
            if missing:
                await self._fetch(entry, path)
            await asyncio.to_thread(self._use, entry.sha256, fresh=missing)
            if known is not None and not missing:
                return known
            contents = await asyncio.to_thread(scan, path)
            await asyncio.to_thread(_prune, self._cache, self._keep, path)
        except UnsafeArchive as fault:
            raise CannotPlan(f"{entry.file} ({entry.version}) is refused: {fault}.") from fault
        except OSError as fault:
            raise CannotPlan(f"{entry.file} cannot be kept in {self._cache}: {fault.strerror or fault}.") from fault
        self._contents[entry.sha256] = contents
        return contents

    async def _fetch(self, entry: Entry, path: Path) -> None:
        part = await asyncio.to_thread(_new_part, self._cache)
        check = _Check(entry, part)
        try:
            await self._source.fetch(entry.file, check.take)
            await asyncio.to_thread(check.finish)
            await asyncio.to_thread(os.replace, part.name, path)
        except NoAnswer as fault:
            raise CannotPlan(f"{entry.version} cannot be fetched: {fault}.") from fault
        except TooLong as fault:
            raise CannotPlan(f"{entry.version} is refused: {fault}.") from fault
        finally:
            await asyncio.to_thread(_remove_part, part)


class _Check:
    """Writes, counts and hashes in one go; called from threads, one after another."""

    def __init__(self, entry: Entry, part: BinaryIO) -> None:
        self._entry, self._part = entry, part
        self._sha256, self._size = hashlib.sha256(), 0

    def take(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._entry.size:
            raise TooLong(f"{self._entry.file} is longer than the {self._entry.size} bytes that index.json says")
        self._sha256.update(data)
        self._part.write(data)

    def finish(self) -> None:
        """Raises CannotPlan unless these are the bytes that index.json speaks of; else they are on disk."""
        entry = self._entry
        if self._size != entry.size:
            raise CannotPlan(
                f"{entry.version} is refused: {entry.file} ended after {self._size} of {entry.size} bytes."
            )
        if self._sha256.hexdigest() != entry.sha256:
            raise CannotPlan(
                f"{entry.version} is refused: {entry.file} has the sha256 {self._sha256.hexdigest()}, "
                f"and index.json says {entry.sha256}."
            )
        self._part.flush()
        os.fsync(self._part.fileno())


def _new_part(cache: Path) -> BinaryIO:
    cache.mkdir(parents=True, exist_ok=True)
    part = (cache / f"{uuid.uuid4().hex}.part").open("xb")
    if os.geteuid() == 0:  # a command of root's: the bot that serves is somebody else, and the directory is its own
        owner = cache.parent.stat()
        for path in (cache, part.name):
            os.chown(path, owner.st_uid, owner.st_gid)
    return part


def _remove_part(part: BinaryIO) -> None:
    part.close()
    Path(part.name).unlink(missing_ok=True)


Seen = tuple[int, int, int]
"""A file's inode, size in bytes, and when it was changed last (ns), its times included."""


def _seen(file: BinaryIO) -> Seen:
    found = os.fstat(file.fileno())
    return found.st_ino, found.st_size, found.st_ctime_ns


def _prune(cache: Path, keep: int, newest: Path) -> None:
    """Remove what was not used for longest until `keep` bytes are left; never `newest`."""
    for part in cache.glob("*.part"):
        with contextlib.suppress(FileNotFoundError):  # its fetch ended meanwhile
            if time.time() - part.stat().st_mtime > ABANDONED:
                part.unlink()
    kept: list[tuple[float, int, Path]] = []
    for path in cache.glob("*.tar.gz"):
        with contextlib.suppress(FileNotFoundError):  # another bot on this machine removed it
            kept.append(((stat := path.stat()).st_mtime, stat.st_size, path))
    total = 0
    for _, size, path in sorted(kept, reverse=True):
        total += size
        if total > keep and path != newest:
            path.unlink(missing_ok=True)
