"""A working tree as an archive's members: in one order, with one look of rights and owners, and every fault at once."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from actions.engine.artifacts.archive import MOST
from actions.engine.artifacts.packing.ignored import Ignored
from actions.engine.words import quote
from actions.host.chom_host.archives import BadArchive, Scan

MOST_FAULTS = 20
"""So many are said; a tree that is wrong altogether has thousands."""
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}
_SPECIAL = stat.S_ISUID | stat.S_ISGID | stat.S_ISVTX


@dataclass(frozen=True, slots=True)
class Member:
    """One file, directory or link; `info` is what the archive says of it, the same on every machine."""

    name: str
    path: Path
    info: tarfile.TarInfo

    @property
    def is_file(self) -> bool:
        """Whether there is content to read."""
        return self.info.isreg()


@dataclass(slots=True)
class Tree:
    """What was found."""

    members: list[Member] = field(default_factory=list[Member])
    """Ordered by the bytes of their names, so that a directory stands before what is in it."""
    faults: list[str] = field(default_factory=list[str])
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])
    notes: tuple[str, ...] = ()

    def member(self, name: str) -> Member | None:
        """The member of that name."""
        return next((member for member in self.members if member.name == name), None)

    def has_file(self, name: str) -> bool:
        """Whether it is packed as a file."""
        found = self.member(name)
        return found is not None and found.is_file


def tree_of(directory: Path, ignored: Ignored, out: Path) -> Tree:
    """Everything below `directory` that is not left out; never `out`, where artifacts are written. Raises OSError."""
    left_out, notes, faults = Counter[str](), list[str](), list[str]()
    members: list[Member] = []
    for name, path in _walk(directory, "", ignored, left_out, out):
        found = path.lstat()
        if fault := _fault(name, found):
            faults.append(fault)
        if stat.S_IFMT(found.st_mode) not in _KINDS:
            members.append(Member(name, path, _info(name, path, found, directory, notes)))
    members.sort(key=lambda member: os.fsencode(member.name))
    faults += _refused(members)
    if more := len(faults) - MOST_FAULTS:
        faults = faults[:MOST_FAULTS] + ([f"… and {more} more."] if more > 0 else [])
    return Tree(members, faults, dict(left_out), tuple(notes))


def _walk(
    directory: Path, below: str, ignored: Ignored, left_out: Counter[str], out: Path
) -> Iterator[tuple[str, Path]]:
    with os.scandir(directory) as found:
        entries = list(found)
    for entry in entries:
        name, path = f"{below}{entry.name}", Path(entry.path)
        is_directory = entry.is_dir(follow_symlinks=False)
        if is_directory and path == out:
            continue
        if pattern := ignored.pattern(name, is_directory):
            left_out[pattern] += 1
            continue
        yield name, path
        if is_directory:
            yield from _walk(path, f"{name}/", ignored, left_out, out)


def _fault(name: str, found: os.stat_result) -> str:
    """A sentence for what no archive may hold, "" for the rest."""
    if kind := _KINDS.get(stat.S_IFMT(found.st_mode)):
        return f"{quote(name)} is {kind}; take it away, or name it in .chomignore."
    if stat.S_ISREG(found.st_mode) and (special := found.st_mode & _SPECIAL):
        return f"{quote(name)} has a setuid, setgid or sticky bit ({special:o}); chmod u-s,g-s,-t it."
    return ""


def _info(name: str, path: Path, found: os.stat_result, top: Path, notes: list[str]) -> tarfile.TarInfo:
    """The rights are one of two, whatever the umask was; of no owner, of no time."""
    info = tarfile.TarInfo(name)
    if stat.S_ISLNK(found.st_mode):
        info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, _target(name, path, top, notes)
    elif stat.S_ISDIR(found.st_mode):
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    else:
        info.size, info.mode = found.st_size, 0o755 if found.st_mode & stat.S_IXUSR else 0o644
    return info


def _target(name: str, path: Path, top: Path, notes: list[str]) -> str:
    """A link's target; one that is absolute and leads into the tree is told from where the link stands."""
    target = os.readlink(path)  # noqa: PTH115  as it is written, not as a Path would tidy it
    if not target.startswith("/"):
        return target
    inside = os.path.relpath(os.path.normpath(target), top)
    if inside == ".." or inside.startswith("../"):
        return target
    notes.append(f"{name} is a link to {target}; it is packed as a link within the release.")
    return os.path.relpath(inside, os.path.dirname(name) or ".")  # noqa: PTH120  names, not paths of this machine


def _refused(members: list[Member]) -> Iterator[str]:
    """What chom-host would refuse, found by its own scan."""
    scan = Scan(MOST)
    for member in members:
        try:
            scan.look(member.info)
        except BadArchive as fault:
            said = str(fault).removeprefix("the archive's member ")
            yield f"{said[:1].upper()}{said[1:]}."


def sha256_of(path: Path) -> str:
    """Of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
