"""chom-host as a server has it: one file, packed once for all tests that run it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from actions.host import packed

AGENT_SHA256 = hashlib.sha256(packed()).hexdigest()


def agent() -> Path:
    """Its path; the same for every process that runs tests of the same chom-host."""
    path = Path(tempfile.gettempdir()) / f"chom-host-{os.getuid()}-{AGENT_SHA256[:16]}"
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(packed())
        fresh.chmod(0o755)
        fresh.replace(path)
    return path
