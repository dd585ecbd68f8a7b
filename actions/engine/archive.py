"""Looks through a release's tar.gz before anybody sees its plan: what it would put where, and whether that is safe.

The refusals are chom_host.py's own, which holds its copy because it has to be one file; tests/adapters/test_archive.py
holds the two against each other.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import tarfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, cast

MOST = 4 << 30
"""Bytes of the largest release, unpacked."""
_MEMBERS = 200_000
_LONGEST = 1 << 20
"""Bytes of the longest header."""
_CHUNK = 1 << 20
_MIGRATION = re.compile(r"database/migrations/([^/]+)\.php")


class UnsafeArchive(Exception):
    """The archive must not be unpacked; the message names the member."""


def scan(path: Path, most: int = MOST) -> tuple[str, ...]:
    """The migrations in it (file names under database/migrations without ".php", sorted).

    Reads the whole archive: seconds for a big one, so call it from a thread. Raises UnsafeArchive for devices, pipes,
    absolute or ".." names, setuid, setgid or sticky bits, links out, members behind a link, names that come twice, too
    much of anything, and what is no whole tar.gz of a release; OSError where the file cannot be read.
    """
    migrations: set[str] = set()
    look, nested = _Scan(most), ""
    with path.open("rb") as file, _opened_archive(file, most) as tar:
        for name, member in _walk(tar, look):
            match = _MIGRATION.fullmatch(name)
            if match and member.isreg():
                migrations.add(match[1])
            if name.endswith("/artisan"):
                nested = nested or name
    if not look.found("artisan"):
        where = f" (there is {nested!r}: pack the files themselves, not their directory)" if nested else ""
        raise UnsafeArchive(f"the archive has no artisan at its top{where}")
    return tuple(sorted(migrations))


class _Bounded:
    """An unpacked stream that ends in UnsafeArchive instead of filling memory or disk."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit, self._ends = file, limit, 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _LONGEST:
            raise UnsafeArchive(f"the archive has a header of {size} bytes, which no honest archive has")
        data = self._file.read(size)
        self._ends += size > 0 and not data
        if self._ends > 3:  # tarfile would read on for ever behind the end of some broken headers
            raise UnsafeArchive("the archive ends too early")
        self._guard()
        return data

    def seek(self, to: int) -> int:
        at = self._file.tell()
        while at < to and self._file.read(min(to - at, _CHUNK)):
            at = self._file.tell()
            self._guard()
        return at

    def tell(self) -> int:
        return self._file.tell()

    def _guard(self) -> None:
        if self._file.tell() > self._limit:
            raise UnsafeArchive(f"the archive unpacks to more than {self._limit} bytes")


class _Scan:
    """Looks at one member after the other and lets none pass that could write outside of the release."""

    def __init__(self, most: int) -> None:
        self._most, self.total, self.members = most, 0, 0
        self._kinds: dict[str, str] = {"": "implied"}

    def look(self, member: tarfile.TarInfo) -> str:
        """The member's path below the release ("" for its top). Raises UnsafeArchive."""
        name, label = self._name(member), f"the archive's member “{_shown(member.name)}”"
        self.members += 1
        self.total += max(member.size, 0)
        if self.members > _MEMBERS:
            raise UnsafeArchive(f"the archive has more than {_MEMBERS} members")
        if member.size < 0 or self.total > self._most:
            raise UnsafeArchive(f"{label} makes the release larger than the {self._most} bytes that are allowed")
        if member.mode & 0o7000 or member.mode < 0:
            raise UnsafeArchive(f"{label} has a setuid, setgid or sticky bit (mode {member.mode:o})")
        kind = self._kind(member, label)
        if member.islnk() and self._kinds.get(self._target(member, label)) != "file":
            raise UnsafeArchive(f"{label} is a hard link to “{_shown(member.linkname)}”, which is no file before it")
        self._place(name, kind, label)
        if kind == "link":
            self._symlink(name, member.linkname, label)
        return name

    def found(self, name: str) -> bool:
        return self._kinds.get(name) == "file"

    def _name(self, member: tarfile.TarInfo) -> str:
        return self.clean(member.name, f"the archive's member “{_shown(member.name)}”")

    def _target(self, member: tarfile.TarInfo, label: str) -> str:
        return self.clean(member.linkname, f"{label} is a hard link out: “{_shown(member.linkname)}”")

    @staticmethod
    def clean(path: str, label: str) -> str:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/"):
            raise UnsafeArchive(f"{label} has an absolute name")
        if ".." in parts:
            raise UnsafeArchive(f"{label} has “..” in its name")
        if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in path):
            raise UnsafeArchive(f"{label} has a control character or a byte that is not UTF-8 in its name")
        if len(path.encode()) > 1024 or any(len(part.encode()) > 255 for part in parts):
            raise UnsafeArchive(f"{label} has a name that is too long")
        return "/".join(parts)

    @staticmethod
    def _kind(member: tarfile.TarInfo, label: str) -> str:
        if member.issym():
            return "link"
        if member.isdir():
            return "directory"
        if member.islnk() or (member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None):
            return "file"
        whats = {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a named pipe"}
        raise UnsafeArchive(f"{label} is {whats.get(member.type, 'neither a file, a directory nor a link')}")

    def _place(self, name: str, kind: str, label: str) -> None:
        """No name twice, and nothing inside of a file or behind a link."""
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            above = self._kinds.setdefault(parent, "implied")
            if above in ("file", "link"):
                raise UnsafeArchive(f"{label} lies behind “{_shown(parent)}”, which is a {above}")
        before = self._kinds.get(name)
        if before is not None and not (before == "implied" and kind == "directory"):
            raise UnsafeArchive(f"{label} is there twice")
        self._kinds[name] = kind

    @staticmethod
    def _symlink(name: str, target: str, label: str) -> None:
        """Leading ".." climb real directories (see _place); a ".." after a name could climb out of a link's target."""
        says = f"{label} is a link to “{_shown(target)}”"
        parts = [part for part in target.split("/") if part not in ("", ".")]
        up = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
        if target.startswith("/") or up > name.count("/") or ".." in parts[up:] or not target:
            raise UnsafeArchive(f"{says}, which points out of the release")
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in target) or len(target.encode()) > 1024:
            raise UnsafeArchive(f"{says}, which is no honest name")


@contextlib.contextmanager
def _opened_archive(file: IO[bytes], most: int) -> Generator[tarfile.TarFile, None, None]:
    """The tar in an open .tar.gz, from its beginning; what a broken one does is UnsafeArchive."""
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as plain:
            stream = cast("IO[bytes]", _Bounded(cast("IO[bytes]", plain), most + (256 << 20)))
            with tarfile.TarFile(fileobj=stream, mode="r", encoding="utf-8", errors="surrogateescape") as tar:
                yield tar
    except (
        tarfile.TarError,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
        ValueError,
        OverflowError,
        RecursionError,
    ) as fault:
        raise UnsafeArchive(f"the archive is broken: {fault}") from None


def _walk(tar: tarfile.TarFile, scan: _Scan) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The members, each let pass by the scan, none kept in memory; then the rest, for its checksum."""
    while (member := tar.next()) is not None:
        yield scan.look(member), member
        tar.members.clear()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  it would keep all
    while cast("IO[bytes]", tar.fileobj).read(_CHUNK):
        continue


def _shown(value: str) -> str:
    """For a sentence: without control characters, and not longer than fits."""
    plain = "".join(c if c.isprintable() else "?" for c in value)
    return plain if len(plain) <= 100 else f"{plain[:100]}…"
