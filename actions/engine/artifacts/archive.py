"""Looks through a release's tar.gz before anybody sees its plan, by the very scan that chom-host unpacks it with."""

from __future__ import annotations

import re
from pathlib import Path

from actions.host.chom_host.archives import BadArchive, Scan, opened_archive, walk

MOST = 4 << 30
"""Bytes of the largest release, unpacked."""
_MIGRATION = re.compile(r"database/migrations/([^/]+)\.php")

UnsafeArchive = BadArchive
"""The archive must not be unpacked; the message names the member."""


def scan(path: Path, most: int = MOST) -> tuple[str, ...]:
    """The migrations in it (file names under database/migrations without ".php", sorted).

    Reads the whole archive: seconds for a big one, so call it from a thread. Raises UnsafeArchive for devices, pipes,
    absolute or ".." names, setuid, setgid or sticky bits, links out, members behind a link, names that come twice, too
    much of anything, and what is no whole tar.gz of a release; OSError where the file cannot be read.
    """
    migrations: set[str] = set()
    look, nested = Scan(most), ""
    with path.open("rb") as file, opened_archive(file, most) as tar:
        for name, member in walk(tar, look):
            match = _MIGRATION.fullmatch(name)
            if match and member.isreg():
                migrations.add(match[1])
            if name.endswith("/artisan"):
                nested = nested or name
    if not look.found("artisan"):
        where = f" (there is {nested!r}: pack the files themselves, not their directory)" if nested else ""
        raise UnsafeArchive(f"the archive has no artisan at its top{where}")
    return tuple(sorted(migrations))
