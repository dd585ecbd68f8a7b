"""The logs that operators read."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Optional

from .settings import Settings


def utc(at: Optional[float] = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def log_line(settings: Settings, stem: str, text: str) -> None:
    """One line, with the time, to what operators read. Where that fails, sshd's client and the journal hear of it."""
    line = f"{utc()} {text}\n".encode("utf-8", "backslashreplace")
    try:
        fd = os.open(
            Path(settings.logs, f"{stem}.log"),
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
            0o640,
        )
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError as fault:
        sys.stderr.write(f"chom-host cannot write to {settings.logs}/{stem}.log: {fault}\n")
