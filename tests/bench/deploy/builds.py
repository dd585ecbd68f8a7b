"""The artifacts: the lab's Laravel with 20 MB that nothing compresses, and in each a migration of its own.

Every deploy of the bench applies one migration, whatever tool does it. The large part is compressed once: a .gz file
may have several members, so that each artifact is that part and a small one behind it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from pathlib import Path

from tests.lab.laravel import APP, Build, migration

ASSETS, ASSET = 80, 1 << 18
"""Files of random bytes in public/assets, and the bytes of each."""


def _members(files: dict[str, bytes]) -> bytes:
    """Tar members without the end of an archive."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(body), 0o755 if name == "artisan" else 0o644
            tar.addfile(member, io.BytesIO(body))
        end = tar.offset
    return raw.getvalue()[:end]


def large() -> bytes:
    """The part that all artifacts have, as one gzip member."""
    chance = random.Random(4)
    files = {str(p.relative_to(APP)): p.read_bytes() for p in sorted(APP.rglob("*")) if p.is_file()}
    files |= {f"public/assets/a{number:02}.bin": chance.randbytes(ASSET) for number in range(ASSETS)}
    return gzip.compress(_members(files), 1, mtime=0)


def artifact(common: bytes, number: int) -> bytes:
    """The tar.gz of one version."""
    small = {
        "version.php": f"<?php return '{version(number)}';\n".encode(),
        f"database/migrations/2026_02_01_{number:06}_add_c{number}.php": _migration(number).encode(),
    }
    return common + gzip.compress(_members(small) + bytes(1024), 1, mtime=0)


def _migration(number: int) -> str:
    """A column so small that a table holds one for each deploy."""
    return migration(f"c{number}").replace("->string(", "->boolean(")


def version(number: int) -> str:
    """As it is typed."""
    return f"v1.{number}"


def publish(directory: Path, count: int) -> None:
    """So many versions with the index.json that lists them."""
    directory.mkdir(parents=True)
    common, releases = large(), list[dict[str, object]]()
    for number in range(count):
        body, file = artifact(common, number), f"chom-{version(number)}.tar.gz"
        (directory / file).write_bytes(body)
        found = {"version": version(number), "commit": Build(version(number)).commit, "file": file, "size": len(body)}
        releases.append({**found, "sha256": hashlib.sha256(body).hexdigest(), "made": "2026-11-01T10:00:00Z"})
    (directory / "index.json").write_text(json.dumps({"releases": releases}))
