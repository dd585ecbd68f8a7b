"""Where chom-bot begins: what goes wrong before a command, or in writing its answer, ends in a sentence."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main() -> None:
    """Run the command line; nothing of it is imported before. Raises SystemExit."""
    try:
        _begin()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped before it began.\n")
        sys.exit(130)
    except OSError as fault:
        if fault.errno not in _NO_ROOM or _takes_more():
            raise
        sys.stderr.write(f"The answer could not be written: {(fault.strerror or str(fault)).lower()}.\n")
        sys.exit(2)


def _begin() -> None:
    """The command line; an action that is none ends it, whatever was typed."""
    registry = import_module("actions.engine.registry")
    try:
        import_module("bot.cli").cli()
    except registry.BadAction as wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.exit(2)


def _takes_more() -> bool:
    """Whether stdout can be written to; where it cannot, what it still holds is dropped: the exit would try again."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


if __name__ == "__main__":
    main()
