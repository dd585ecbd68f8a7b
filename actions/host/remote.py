"""Runs the programs of nginx/ on a server over an administrator's login; nothing of them is left there."""

from __future__ import annotations

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

from actions.host import zipped
from actions.host.install import AdminLogin, CannotInstall, run

_PYTHON = "/usr/bin/python3 -I -"
_START = """\
import base64, json, os, sys
there = os.memfd_create("chom")
with os.fdopen(there, "wb", closefd=False) as archive:
    archive.write(base64.b64decode({archive!r}))
sys.path.insert(0, f"/proc/self/fd/{{there}}")
from nginx.main import main
main({what!r}, json.loads({told!r}))
"""
"""Python imports from a zip archive in memory as from one on a disk."""


async def ask(login: AdminLogin, what: str, **told: object) -> dict[str, Any]:
    """What one act of nginx/main.py says. Raises CannotInstall, with its sentence where it says that it cannot."""
    said = await run(login, program(what, told), _PYTHON, failing=True)
    try:
        answer: dict[str, Any] = json.loads(said)
    except ValueError:
        raise CannotInstall(f"{login.address} answered something else than was asked for: {said[:200]!r}") from None
    if "cannot" in answer:
        raise CannotInstall(f"{login.address}: {answer['cannot']}")
    return answer


def program(what: str, told: dict[str, object]) -> str:
    """What Python reads from its stdin there: all of nginx/, and one call of its main."""
    return _START.format(archive=_archive(), what=what, told=json.dumps(told))


@cache
def _archive() -> str:
    return base64.b64encode(zipped(Path(__file__).parent / "nginx")).decode()
