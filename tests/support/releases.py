"""Makes artifacts: a directory with index.json and small tar.gz files that chom-host can stage."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

MADE = datetime(2026, 11, 1, 10, tzinfo=UTC)


def member(name: str, content: bytes | str = b"", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    """One member; `more` are attributes of TarInfo (type, mode, linkname, …)."""
    data = content.encode() if isinstance(content, str) else content
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar_gz(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """The members as the bytes of a tar.gz, the same bytes each time."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue(), mtime=0)


def release(version: str, migrations: Mapping[str, str] | None = None, *, size: int = 0) -> bytes:
    """A release's tar.gz: artisan, public/index.php (says its version) and migrations (name -> PHP text).

    `size` adds a file of that many bytes that do not compress.
    """
    files: dict[str, bytes] = {"artisan": b"<?php\n", "public/index.php": f"<?php // {version}\n".encode()}
    for name, text in (migrations or {}).items():
        files[f"database/migrations/{name}.php"] = f"<?php {text}\n".encode()
    if size:
        files["public/big.bin"] = b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(size // 32))
    return tar_gz(member(name, data) for name, data in files.items())


def entry(version: str, data: bytes, age: int = 0) -> dict[str, object]:
    """The version's entry in index.json, made `age` days before the newest."""
    return {
        "version": version,
        "commit": hashlib.sha1(version.encode()).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "file": f"chom-{version}.tar.gz",
        "size": len(data),
        "made": (MADE - timedelta(days=age)).isoformat(),
    }


def source(directory: Path, versions: Mapping[str, bytes]) -> Path:
    """A source of these versions, the newest first."""
    directory.mkdir(parents=True, exist_ok=True)
    entries = [entry(version, data, age) for age, (version, data) in enumerate(versions.items())]
    for version, data in versions.items():
        (directory / f"chom-{version}.tar.gz").write_bytes(data)
    (directory / "index.json").write_text(json.dumps({"releases": entries}))
    return directory
