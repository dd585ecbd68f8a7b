"""What every part uses: limits that more than one of them keeps, and the three ways in which something ends."""

from __future__ import annotations

import errno
from typing import Any

CHUNK = 1 << 20
LONGEST = 1 << 20
"""Bytes of the longest request, and of the longest header in an archive."""
LINE = 4096
"""Characters of a line of output; what is longer is cut into several."""
SPARE = 64 << 20
"""Bytes that stay free on the disk whatever is uploaded or unpacked."""
PATIENCE = 10.0
"""Seconds for which the lock is waited for."""
GZIP = "/usr/bin/gzip"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DISK_FULL = "the disk of this server is full"
"""How every request and job says it that failed for want of room."""
Json = dict[str, Any]


class Refused(Exception):
    """A request that is answered with an error; nothing was done. `more` are further keys of the error."""

    def __init__(self, code: str, message: str, **more: object) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message, **more}


class Failed(Exception):
    """A job's effect did not come about; the message is a sentence."""


class Stopped(BaseException):
    """Raised inside a job by its timeout or by SIGTERM; no handler for ordinary errors may catch it."""


def no_room(fault: BaseException) -> bool:
    """Whether it is the system's word for a disk that is full."""
    return isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT)
