"""An artifact comes in by its sha256, or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import select
from importlib import import_module
from pathlib import Path

from .base import CHUNK, SPARE, Json, Refused
from .disk import free_bytes, sha256_of
from .head_start import HeadStart
from .settings import Settings

AHEAD = 900.0
"""Seconds for which a session that was opened ahead waits for an upload."""
_ANNOUNCED = 100
"""Bytes of the longest line that announces one."""


def announced() -> str:
    """The upload that comes, which the first line of stdin says; "" where nobody said anything.

    By then all that it uses is in memory: whoever opens such a session ahead does not wait for this program's start.
    """
    import_module(".archives", __package__)
    there, _, _ = select.select([0], [], [], AHEAD)
    line = b""
    while there and len(line) < _ANNOUNCED and (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return f"put {line.decode('ascii', 'backslashreplace')}" if line else ""


def put(settings: Settings, sha256: str, size: int) -> Json:
    """Keep what comes on stdin, if it is what was announced. Raises Refused.

    It is not waited for until it is on the disk: `holds` and `stage` read all of it anew, and after a loss of power
    what is not whole is sent again.
    """
    target = settings.artifact(sha256)
    if target.exists():
        with target.open("rb") as file:
            if sha256_of(file) == sha256:
                return {"sha256": sha256, "bytes": size, "stored": False}
    room = free_bytes(settings.incoming) - SPARE
    if size > settings.max_artifact:
        raise Refused("too large", f"{size} bytes are more than the {settings.max_artifact} that are allowed")
    if size > room:
        raise Refused("disk full", f"{size} bytes are needed and only {max(room, 0)} can be used on this disk")
    part = settings.incoming / f".{sha256}.{os.getpid()}.part"
    try:
        _receive(settings, part, sha256, size)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return {"sha256": sha256, "bytes": size, "stored": True}


def _receive(settings: Settings, part: Path, sha256: str, size: int) -> None:
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    digest, left = hashlib.sha256(), size
    pieces = _Pieces(0)
    with os.fdopen(fd, "wb") as file:
        beside = HeadStart(settings, sha256, part)
        try:
            while left and (data := pieces.next(left)):
                file.write(data)
                file.flush()
                beside.came(len(data))
                digest.update(data)
                left -= len(data)
            if left:
                raise Refused("wrong size", f"the upload ended after {size - left} of {size} bytes")
            if digest.hexdigest() != sha256:
                raise Refused("wrong checksum", f"what arrived has the sha256 {digest.hexdigest()}, not {sha256}")
            beside.keep()
        finally:
            beside.drop()


_F_SETPIPE_SZ = 1031
"""Linux's number for it; Python 3.9's fcntl has no name for it yet."""


class _Pieces:
    """What comes on a descriptor, always into the same memory; of a pipe as much at once as it may hold."""

    def __init__(self, fd: int) -> None:
        self._fd, self._memory = fd, memoryview(bytearray(CHUNK))
        with contextlib.suppress(OSError):  # no pipe, or no more than this for this user: then in smaller pieces
            fcntl.fcntl(fd, _F_SETPIPE_SZ, CHUNK)

    def next(self, most: int) -> memoryview:
        """At least a byte and at most so many, until the next call; nothing at the end."""
        return self._memory[: os.readv(self._fd, [self._memory[:most]])]
