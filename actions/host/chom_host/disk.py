"""What lies on the disk: how much room is left, whether a file is what it should be, and trees that have to go."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import IO

from .base import CHUNK
from .settings import Settings


def free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


FULL = 1 << 20
"""A disk with fewer free bytes is full: a command that failed there failed for want of room."""


def is_full(settings: Settings) -> bool:
    """Whether a disk that a deploy writes to is full."""
    return any(free_bytes(Path(place)) < FULL for place in (settings.www, settings.state))


def sha256_of(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while data := file.read(CHUNK):
        digest.update(data)
    return digest.hexdigest()


def remove_tree(path: Path) -> bool:
    """Remove a directory below releases/; it loses its name first, so that half of it is never taken for a release."""
    if not path.is_symlink() and not path.exists():
        return False
    gone = path if path.name.startswith(".") else path.with_name(f".{path.name}.gone")
    if gone != path:
        if gone.exists():
            shutil.rmtree(gone)
        path.rename(gone)
    shutil.rmtree(gone)
    return True


def changed(path: Path) -> float:
    """When a file was last written; now, for one that another program has just moved away."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()
