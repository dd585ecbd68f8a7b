"""chom-host as a server has it: one file, packed once for all tests that run it."""

from __future__ import annotations

import hashlib
import io
import os
import py_compile
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from actions.host import packed

AGENT_SHA256 = hashlib.sha256(packed()).hexdigest()


def agent() -> Path:
    """Its path; the same for every process that runs tests of the same chom-host."""
    return _kept(f"chom-host-{os.getuid()}-{AGENT_SHA256[:16]}", packed)


def compiled() -> Path:
    """The same with each module's bytecode beside it: it starts in two thirds of the time, and has another sha256."""
    return _kept(f"chom-host-{os.getuid()}-{AGENT_SHA256[:16]}-{sys.implementation.cache_tag}", _with_bytecode)


def _kept(name: str, make: Callable[[], bytes]) -> Path:
    path = Path(tempfile.gettempdir()) / name
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.write_bytes(make())
        fresh.chmod(0o755)
        fresh.replace(path)
    return path


def _with_bytecode() -> bytes:
    found = io.BytesIO(packed())
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    with zipfile.ZipFile(found, "a") as archive, tempfile.TemporaryDirectory() as directory:
        for name in archive.namelist():
            source = Path(directory) / "module.py"
            source.write_bytes(archive.read(name))
            made = py_compile.compile(str(source), dfile=name, doraise=True, invalidation_mode=unchecked)
            assert made is not None
            archive.writestr(f"{name}c", Path(made).read_bytes())
    return found.getvalue()
