"""Files that survive a loss of power, the lock, and the logs that operators read."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import time
from collections.abc import Generator
from pathlib import Path
from typing import Optional, cast

from .base import PATIENCE, Failed, Json
from .settings import Settings


def sync_dir(path: Path) -> None:
    """Names in that directory survive a loss of power."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_filesystem(path: Path) -> None:
    """All that was written to that directory's file system is on the disk. Raises OSError, also where it did not get
    there; `os.sync` would wait for every other disk of the server, and tells nothing."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if libc.syncfs(fd):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        os.close(fd)


def write_new(path: Path, data: bytes, mode: int = 0o600, sync: bool = True) -> None:
    """A file that does not exist yet, on the disk when this returns unless not `sync`; its name is the caller's to
    sync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def write_whole(path: Path, data: bytes, mode: int = 0o600, last: bool = False) -> None:
    """The file is the old one or the new one, never a part, and the new one is on the disk when this returns.

    With `last`, all that was written to its file system before is on the disk before the new one can be seen.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        write_new(part, data, mode, sync=not last)
        if last:
            sync_filesystem(path.parent)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def write_room(path: Path, size: int) -> None:
    """A file that only takes room on the disk, for what has to be written however full it is by then.

    Its blocks are taken at once; nobody asks for it after a loss of power, so it is not waited for.
    """
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(fd, 0, size)
    finally:
        os.close(fd)


def write_in_room(room: Path, path: Path, data: bytes) -> bool:
    """As `write_whole`, in the place of `room`, which needs no more of the disk; False where the data is longer."""
    try:
        fd = os.open(room, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    with os.fdopen(fd, "wb") as file:
        if len(data) > os.fstat(fd).st_size:
            return False
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(fd)
    room.replace(path)
    sync_dir(path.parent)
    return True


def append_json(path: Path, *records: Json) -> None:
    """Lines at the end of a file, on the disk when this returns. The caller holds the lock."""
    with path.open("ab+") as file:
        torn = b""
        if file.tell():
            file.seek(-1, os.SEEK_END)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + b"".join(json.dumps(record).encode() + b"\n" for record in records))
        file.flush()
        os.fsync(file.fileno())


def read_json_lines(path: Path) -> list[Json]:
    """The lines of such a file. A line that a loss of power tore is left out: its effect is asked for again."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    records: list[Json] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            record: object = json.loads(line)
            if isinstance(record, dict):
                records.append(cast(Json, record))
    return records


def read_json(path: Path) -> Optional[Json]:
    """The object in a file, None where there is no file."""
    try:
        return cast(Json, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def open_lock(settings: Settings) -> int:
    return os.open(Path(settings.state, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def locked(settings: Settings) -> Generator[None, None, None]:
    """The state is ours alone. Raises Failed after PATIENCE seconds; closing the descriptor gives it back."""
    fd = open_lock(settings)
    try:
        deadline = time.monotonic() + PATIENCE
        while not try_lock(fd):
            if time.monotonic() > deadline:
                raise Failed(f"another chom-host has held {settings.state}/lock for {PATIENCE:g} s")
            time.sleep(0.005)
        yield
    finally:
        os.close(fd)
