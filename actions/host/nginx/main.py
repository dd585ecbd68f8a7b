"""What is asked of these programs from outside: one act, and one JSON object as its answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from .adopting import look, take
from .routing import locate, route, unroute
from .site import Cannot, Json

ACTS: dict[str, Callable[..., Json]] = {
    "look": look,
    "take": take,
    "locate": locate,
    "route": route,
    "unroute": unroute,
}


def main(what: str, told: dict[str, Any]) -> None:
    """Print what was found or done; or why not, with status 1."""
    try:
        said = ACTS[what](**told)
    except Cannot as cannot:
        said = {"cannot": str(cannot)}
    except OSError as fault:
        said = {"cannot": f"{fault.filename or 'this server'}: {fault.strerror or fault}"}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.exit(1 if "cannot" in said else 0)
