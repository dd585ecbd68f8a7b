"""Tar files are looked through before anything is unpacked: no links out, no devices, no setuid."""

from __future__ import annotations

import contextlib
import gzip
import os
import tarfile
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Protocol, cast

from .base import CHUNK, LONGEST, Failed
from .redaction import shown

MEMBERS = 200_000
"""Members of the largest archive."""


class Source(Protocol):
    """A .tar.gz, as far as it is asked."""

    def read(self, size: int = ..., /) -> bytes: ...

    def seek(self, to: int, whence: int = ..., /) -> int: ...


class BadArchive(Failed):
    """The archive is refused; the message names the member."""


class Bounded:
    """An unpacked stream that ends in BadArchive instead of filling memory or disk."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit, self._ends = file, limit, 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST:
            raise BadArchive(f"the archive has a header of {size} bytes, which no honest archive has")
        data = self._file.read(size)
        self._ends += size > 0 and not data
        if self._ends > 3:  # tarfile would read on for ever behind the end of some broken headers
            raise BadArchive("the archive ends too early")
        self._guard()
        return data

    def seek(self, to: int) -> int:
        at = self._file.tell()
        while at < to and self._file.read(min(to - at, CHUNK)):
            at = self._file.tell()
            self._guard()
        return at

    def tell(self) -> int:
        return self._file.tell()

    def _guard(self) -> None:
        if self._file.tell() > self._limit:
            raise BadArchive(f"the archive unpacks to more than {self._limit} bytes")


class Scan:
    """Looks at one member after the other and lets none pass that could write outside of the release."""

    def __init__(self, most: int) -> None:
        self._most, self.total, self.members = most, 0, 0
        self._kinds: dict[str, str] = {"": "implied"}

    def look(self, member: tarfile.TarInfo) -> str:
        """The member's path below the release ("" for its top). Raises BadArchive."""
        name, label = self._name(member), f"the archive's member “{shown(member.name)}”"
        self.members += 1
        self.total += max(member.size, 0)
        if self.members > MEMBERS:
            raise BadArchive(f"the archive has more than {MEMBERS} members")
        if member.size < 0 or self.total > self._most:
            raise BadArchive(f"{label} makes the release larger than the {self._most} bytes that are allowed")
        if member.mode & 0o7000 or member.mode < 0:
            raise BadArchive(f"{label} has a setuid, setgid or sticky bit (mode {member.mode:o})")
        kind = self._kind(member, label)
        if member.islnk() and self._kinds.get(self._target(member, label)) != "file":
            raise BadArchive(f"{label} is a hard link to “{shown(member.linkname)}”, which is no file before it")
        self._place(name, kind, label)
        if kind == "link":
            self._symlink(name, member.linkname, label)
        return name

    def found(self, name: str) -> bool:
        return self._kinds.get(name) == "file"

    def _name(self, member: tarfile.TarInfo) -> str:
        return self.clean(member.name, f"the archive's member “{shown(member.name)}”")

    def _target(self, member: tarfile.TarInfo, label: str) -> str:
        return self.clean(member.linkname, f"{label} is a hard link out: “{shown(member.linkname)}”")

    @staticmethod
    def clean(path: str, label: str) -> str:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/"):
            raise BadArchive(f"{label} has an absolute name")
        if ".." in parts:
            raise BadArchive(f"{label} has “..” in its name")
        if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in path):
            raise BadArchive(f"{label} has a control character or a byte that is not UTF-8 in its name")
        if len(path.encode()) > 1024 or any(len(part.encode()) > 255 for part in parts):
            raise BadArchive(f"{label} has a name that is too long")
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
        raise BadArchive(f"{label} is {whats.get(member.type, 'neither a file, a directory nor a link')}")

    def _place(self, name: str, kind: str, label: str) -> None:
        """No name twice, and nothing inside of a file or behind a link."""
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            above = self._kinds.setdefault(parent, "implied")
            if above in ("file", "link"):
                raise BadArchive(f"{label} lies behind “{shown(parent)}”, which is a {above}")
        before = self._kinds.get(name)
        if before is not None and not (before == "implied" and kind == "directory"):
            raise BadArchive(f"{label} is there twice")
        self._kinds[name] = kind

    @staticmethod
    def _symlink(name: str, target: str, label: str) -> None:
        """Leading ".." climb real directories (see _place); a ".." after a name could climb out of a link's target."""
        says = f"{label} is a link to “{shown(target)}”"
        parts = [part for part in target.split("/") if part not in ("", ".")]
        up = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
        if target.startswith("/") or up > name.count("/") or ".." in parts[up:] or not target:
            raise BadArchive(f"{says}, which points out of the release")
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in target) or len(target.encode()) > 1024:
            raise BadArchive(f"{says}, which is no honest name")


@contextlib.contextmanager
def opened_archive(file: Source, most: int) -> Generator[tarfile.TarFile, None, None]:
    """The tar in an open .tar.gz, from its beginning; what a broken one does is BadArchive."""
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=cast("IO[bytes]", file), mode="rb") as plain:
            stream = cast("IO[bytes]", Bounded(cast("IO[bytes]", plain), most + (256 << 20)))
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
        raise BadArchive(f"the archive is broken: {fault}") from None


def walk(tar: tarfile.TarFile, scan: Scan) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The members, each let pass by the scan, none kept in memory; then the rest, for its checksum."""
    while (member := tar.next()) is not None:
        yield scan.look(member), member
        tar.members.clear()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  it would keep all
    while tar.fileobj.read(CHUNK):
        continue


def unpack(file: Source, into: Path, most: int) -> int:
    """Write the archive's members below a fresh directory; links last, so that nothing is ever written through one."""
    scan, links = Scan(most), list[tuple[Path, str]]()
    with opened_archive(file, most) as tar:
        for name, member in walk(tar, scan):
            path = into / name
            if member.isdir():
                path.mkdir(mode=0o750, parents=True, exist_ok=True)
                continue
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            if member.issym():
                links.append((path, member.linkname))
            elif member.islnk():
                os.link(into / scan.clean(member.linkname, ""), path)
            else:
                _unpack_file(tar, member, path)
    for path, target in links:
        path.symlink_to(target)
    return scan.members


def _unpack_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        left = member.size
        source = tar.fileobj
        assert source is not None, "it was opened with one"
        source.seek(member.offset_data)
        while left:
            data = source.read(min(left, CHUNK))
            if not data:
                raise BadArchive(f"the archive ends inside of “{shown(member.name)}”")
            out.write(data)
            left -= len(data)
        os.fchmod(out.fileno(), 0o750 if member.mode & 0o100 else 0o640)
