"""The disk of a sandbox's server: runs the real chom-host on it, and is full for as long as a mark says so.

`python disk.py MARK CHOM-HOST ARGUMENTS…`. While the file MARK exists, nothing is free, and what would need a new file
or directory meets ENOSPC, as on a file system without room; small additions to files that are there still fit.
"""

from __future__ import annotations

import errno
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def main(argv: list[str]) -> None:
    """Become the program."""
    mark, program, *rest = Path(argv[0]), *argv[1:]
    looked = os.statvfs

    def statvfs(path: Any) -> os.statvfs_result:
        seen = looked(path)
        return os.statvfs_result((*seen[:3], 0, 0, *seen[5:10])) if mark.exists() else seen

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        path = args[0] if event in ("open", "os.mkdir") else None
        if not isinstance(path, str | bytes) or (event == "open" and not args[2] & os.O_CREAT):
            return
        name = os.fsdecode(path)
        if mark.exists() and not Path(name).exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)

    os.statvfs = statvfs
    sys.addaudithook(refuse)
    sys.argv = [program, *rest]
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
