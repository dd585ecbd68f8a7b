"""nginx's own files: read as it reads them, and changed so that what it refuses is never left behind."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any, Optional

Json = dict[str, Any]


class Cannot(Exception):
    """A sentence; nothing more was changed."""


def configuration() -> dict[str, str]:
    """nginx's files, by their paths, as it reads them. Raises Cannot where it refuses its own, in its own words."""
    try:
        done = subprocess.run(["nginx", "-T"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Cannot("there is no nginx on this server") from None
    if done.returncode:
        raise Cannot(f"nginx does not accept its own configuration; mend that first: {done.stderr.strip()[-500:]}")
    parts = re.split(r"^# configuration file (.+):\n", done.stdout, flags=re.M)
    return {parts[at]: parts[at + 1] for at in range(1, len(parts) - 1, 2)}


def change(path: Path, before: str, text: str, what: str) -> None:
    """Tested by nginx before it counts, then reloaded. Raises Cannot: refused "with WHAT", the file is as `before`."""
    _put(path, text)
    if refused := _failed("nginx", "-t"):
        _put(path, before)
        raise Cannot(f"nginx refuses {path} with {what}, so it is as it was: {refused}")
    if refused := _failed("systemctl", "reload", "nginx"):
        raise Cannot(f"{path} was written, and nginx was not reloaded: {refused}")


def _failed(*argv: str) -> Optional[str]:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stderr.strip()[-500:] or "it said nothing" if done.returncode else None


def _put(path: Path, text: str) -> None:
    """Into the same file, which keeps its owner, its mode and the links to it."""
    with path.open("r+", encoding="utf-8") as file:
        file.write(text)
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
