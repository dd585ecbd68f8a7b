"""The database is backed up: one consistent dump, compressed, read back, and kept for some days."""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..arguments import RELEASE, number
from ..base import CHUNK, GZIP, SPARE, Failed
from ..disk import changed, free_bytes
from ..dotenv import Database, database
from ..files import sync_dir, write_new, write_whole
from ..work import Command, Verb, Work

DAY = 86400
ROOM = 1.5
"""A backup may be so many times as large as the newest one before it."""
_DUMP = [
    "--single-transaction",  # one moment of all InnoDB tables, and nobody is locked out meanwhile
    "--quick",
    "--skip-lock-tables",
    "--routines",
    "--triggers",
    "--events",
    "--hex-blob",
    "--no-tablespaces",
    "--default-character-set=utf8mb4",
]
_END = b"-- Dump completed"
_BACKUP = re.compile(r"[A-Za-z0-9_.-]+_[0-9]{8}_[0-9]{6}\.(sql|sqlite)\.gz")
_GZIP = 31
"""zlib's number for a stream with a gzip header."""


def backup(work: Work, name: str, days: int) -> str:
    source, place = database(work.settings), Path(work.settings.backups, "database")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = place / f"{Path(source.name).stem}_{name}.{'sqlite' if source.sqlite else 'sql'}.gz"
    if source.sqlite and not Path(source.name).exists():
        return f"there is no database yet ({source.name})"
    done = "is there already" if target.exists() else _make(work, source, target)
    old = _forget_old(place, target, days)
    gone = f"; {old} older than {days} days {'was' if old == 1 else 'were'} removed" if old else ""
    return f"{target.name} {done}{gone}"


def _make(work: Work, source: Database, target: Path) -> str:
    """The backup appears under its name when it was read back, and not before. Raises Failed."""
    place, part = target.parent, target.with_name(f".{target.name}.part")
    _room(place)
    part.unlink(missing_ok=True)
    try:
        (_copy if source.sqlite else _dump)(work, source, part)
        seen = _read_back(work, part, source)
        write_whole(target.with_name(f"{target.name}.sha256"), f"{seen.sha256}  {target.name}\n".encode())
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    sync_dir(place)
    tables = f"{seen.tables} table{'' if seen.tables == 1 else 's'}"
    return f"was made and read back: {tables}, {_size(target.stat().st_size)}"


def _room(place: Path) -> None:
    """Raises Failed where a backup a little larger than the newest one would fill the disk."""
    newest = max(_backups(place), key=changed, default=None)
    need = int(newest.stat().st_size * ROOM) if newest else 0
    room = free_bytes(place) - SPARE
    if room <= need:
        raise Failed(
            f"{place} has room for {_size(max(room, 0))} and the backup may need {_size(need)}: make room there"
        )


def _dump(work: Work, source: Database, part: Path) -> None:
    """mariadb-dump into gzip, the password in a file that only this user can read and that is gone afterwards."""
    options = work.directory / f"dump.{work.claim['attempt']}.cnf"
    options.unlink(missing_ok=True)
    write_new(options, _options(source).encode())
    try:
        fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        out, into = os.pipe2(os.O_CLOEXEC)
        dump = [work.settings.dump, f"--defaults-extra-file={options}", *_DUMP, source.name]
        # gzip first: where it fails, the dump dies of its broken pipe, and that is not the reason
        work.run(
            Command("gzip", [GZIP, "-6"], Path("/"), stdin=out, stdout=fd),
            Command("mariadb-dump", dump, Path("/"), stdout=into, explains=True),
        )
    finally:
        options.unlink(missing_ok=True)


def _options(source: Database) -> str:
    """What the client is told: to connect as the application does, which asks the database for no certificate.

    From MariaDB 11.4 on (Debian 13) the client alone insists on TLS with a certificate that it can check, and does not
    connect to a database without (MDEV-28634). TLS is still used where there is; older clients pass over "loose-".
    """
    told = {"user": source.user, "password": source.password}
    told |= {"socket": source.socket} if source.socket else {"host": source.host, "port": source.port}
    quoted = (
        (name, value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")) for name, value in told.items()
    )
    return "[client]\nloose-ssl-verify-server-cert=0\n" + "".join(f'{name}="{value}"\n' for name, value in quoted)


def _copy(work: Work, source: Database, part: Path) -> None:
    """SQLite's own backup, which is consistent while others write; then compressed."""
    plain = work.directory / "copy.sqlite"
    plain.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"file:{source.name}?mode=ro", uri=True)) as live, closing(_sqlite(plain)) as copy:
            live.backup(copy)
        packer = zlib.compressobj(6, wbits=_GZIP)
        with plain.open("rb") as read, part.open("xb") as write:
            while data := read.read(CHUNK):
                write.write(packer.compress(data))
            write.write(packer.flush())
    except sqlite3.Error as fault:
        raise Failed(f"the database cannot be read: {fault}") from None
    finally:
        plain.unlink(missing_ok=True)


def _sqlite(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path)


# ---- reading back -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What is on the disk."""

    sha256: str
    tables: int


def _read_back(work: Work, part: Path, source: Database) -> Seen:
    """From the disk and not from memory. Raises Failed where it is not a whole backup."""
    digest = hashlib.sha256()
    with part.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            pieces = _unpacked(file, digest.update)
            tables = _sqlite_tables(work, pieces) if source.sqlite else _dumped_tables(pieces)
        except (zlib.error, EOFError) as fault:
            raise Failed(f"what was written cannot be read back: {fault}") from None
    return Seen(digest.hexdigest(), tables)


def _unpacked(file: IO[bytes], heard: Callable[[bytes], object]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=_GZIP)
    while data := file.read(CHUNK):
        heard(data)
        yield unpacker.decompress(data)
    if not unpacker.eof:
        raise EOFError("it ends too early")


def _dumped_tables(pieces: Iterator[bytes]) -> int:
    """How many tables the dump holds. Raises Failed where it has no end."""
    tables, tail = 0, b"\n"
    for piece in pieces:
        whole = tail + piece
        tables += whole.count(b"\nCREATE TABLE ") - tail.count(b"\nCREATE TABLE ")
        tail = whole[-200:]
    if _END not in tail:
        raise Failed(f"the dump has no end (“{_END.decode()}”), so it is not whole")
    return tables


def _sqlite_tables(work: Work, pieces: Iterator[bytes]) -> int:
    plain = work.directory / "read-back.sqlite"
    try:
        with plain.open("wb") as file:
            for piece in pieces:
                file.write(piece)
        with closing(_sqlite(plain)) as found:
            ((said,),) = found.execute("pragma quick_check(1)").fetchall()
            ((tables,),) = found.execute("select count(*) from sqlite_master where type='table'").fetchall()
    except sqlite3.Error as fault:
        raise Failed(f"what was written cannot be read back: {fault}") from None
    finally:
        plain.unlink(missing_ok=True)
    if said != "ok":
        raise Failed(f"what was written is not whole: {said}")
    return int(tables)


# ---- what is kept -----------------------------------------------------------------------------------------------


def _backups(place: Path) -> list[Path]:
    return [path for path in place.iterdir() if _BACKUP.fullmatch(path.name)]


def _forget_old(place: Path, made: Path, days: int) -> int:
    """Backups of earlier days, and what was never finished; how many backups went. The one just made stays."""
    now = time.time()
    old = [path for path in _backups(place) if path != made and changed(path) < now - days * DAY]
    for path in old:
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.sha256").unlink(missing_ok=True)
    for part in place.glob(".*.part"):
        if changed(part) < now - DAY:
            part.unlink(missing_ok=True)
    return len(old)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"


VERBS = {"backup": Verb({"name": RELEASE, "days": number(1, 3650)}, backup, aside=True)}
