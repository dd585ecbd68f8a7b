"""A tar.gz that says nothing of when, where and by whom it was packed."""

from __future__ import annotations

import hashlib
import os
import struct
import tarfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from actions.engine.artifacts.packing.tree import Member

LEVEL = 6
_HEADER = b"\x1f\x8b\x08\x00" + b"\x00\x00\x00\x00" + b"\x00\xff"
"""gzip without a name, without a time, of no operating system."""


@dataclass(frozen=True, slots=True)
class Tarball:
    """What was written; sizes in bytes."""

    sha256: str
    size: int
    tar_sha256: str
    """Of the tar inside, which another zlib than this one compresses to other bytes."""
    unpacked: int


def write(members: Sequence[Member], path: Path) -> Tarball:
    """Write them in this order, and see that they are on the disk. Raises OSError, also for what changes meanwhile."""
    with path.open("wb") as file:
        stream = _Gzip(file)
        with tarfile.TarFile(
            fileobj=cast("IO[bytes]", stream), mode="w", format=tarfile.PAX_FORMAT, encoding="utf-8"
        ) as tar:
            for member in members:
                _add(tar, member)
        stream.finish()
        file.flush()
        os.fsync(file.fileno())
    unpacked = sum(member.info.size for member in members)
    return Tarball(stream.sha256.hexdigest(), stream.written, stream.plain.hexdigest(), unpacked)


def _add(tar: tarfile.TarFile, member: Member) -> None:
    if not member.is_file:
        return tar.addfile(member.info)
    with member.path.open("rb") as content:
        now = os.fstat(content.fileno()).st_size
        if now != member.info.size:
            raise OSError(0, "it changed while it was packed", str(member.path))
        return tar.addfile(member.info, content)


class _Gzip:
    """A file object for tarfile, which only writes and asks where it is."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._crc, self._length = 0, 0
        self.sha256, self.plain, self.written = hashlib.sha256(), hashlib.sha256(), 0
        self._put(_HEADER)

    def write(self, data: bytes) -> int:
        self._crc, self._length = zlib.crc32(data, self._crc), self._length + len(data)
        self.plain.update(data)
        self._put(self._deflate.compress(data))
        return len(data)

    def tell(self) -> int:
        return self._length

    def finish(self) -> None:
        self._put(self._deflate.flush())
        self._put(struct.pack("<II", self._crc, self._length & 0xFFFFFFFF))

    def _put(self, data: bytes) -> None:
        self.sha256.update(data)
        self.written += len(data)
        self._file.write(data)
