"""Looks through a release's tar.gz before anybody sees its plan, by the very scan that chom-host unpacks it with."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from actions.engine.contents import Contents, Gathering
from actions.host.chom_host.archives import BadArchive, Scan, opened_archive, walk

MOST = 4 << 30
"""Bytes of the largest release, unpacked."""
_CHUNK = 1 << 20

UnsafeArchive = BadArchive
"""The archive must not be unpacked; the message names the member."""


def scan(path: Path, most: int = MOST) -> Contents:
    """What is in it.

    Reads the whole archive: seconds for a big one, so call it from a thread. Raises UnsafeArchive for devices, pipes,
    absolute or ".." names, setuid, setgid or sticky bits, links out, members behind a link, names that come twice, too
    much of anything, and what is no whole tar.gz of a release; OSError where the file cannot be read.
    """
    gathered, look, nested = Gathering(), Scan(most), ""
    with path.open("rb") as file, opened_archive(file, most) as tar:
        for name, member in walk(tar, look):
            if member.isreg():
                gathered.take(name, member.size, lambda tar=tar, member=member: _bytes(tar, member))
            elif member.issym() or member.islnk():
                gathered.note(name, f"→ {member.linkname}", 0)
            if name.endswith("/artisan"):
                nested = nested or name
    if not look.found("artisan"):
        where = f" (there is {nested!r}: pack the files themselves, not their directory)" if nested else ""
        raise UnsafeArchive(f"the archive has no artisan at its top{where}")
    return gathered.contents()


def _bytes(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    source, left = tar.fileobj, member.size
    assert source is not None, "it was opened with one"
    source.seek(member.offset_data)
    while left:
        part = source.read(min(left, _CHUNK))
        if not part:
            raise UnsafeArchive("the archive ends too early")
        left -= len(part)
        yield part
