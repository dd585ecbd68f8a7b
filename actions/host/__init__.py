"""What lives on a server: chom-host, the files it needs, and the code that installs them."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path

AGENT = Path(__file__).parent / "chom_host"
"""chom-host's modules."""
_SHEBANG = b"#!/usr/bin/python3 -ISXutf8\n"


@cache
def packed() -> bytes:
    """The one file that every server runs; its sha256 is checked on each connection.

    A zip archive that Python starts like a script.
    """
    return _SHEBANG + zipped(AGENT)


def zipped(package: Path) -> bytes:
    """A package as a zip archive, which Python imports from, or starts where the package has a __main__.

    It is the same to the byte wherever it is packed, and nothing in it is compressed, so that an operator reads on the
    server what runs there: `less /usr/local/lib/chom/chom-host`.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(package.rglob("*.py")):
            name = path.relative_to(package.parent).as_posix()
            entry = zipfile.ZipInfo("__main__.py" if name == f"{package.name}/__main__.py" else name)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()
