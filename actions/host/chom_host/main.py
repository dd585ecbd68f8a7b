"""The way in: what sshd's forced command may be asked for, and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from zipimport import zipimporter

from .base import Failed, Json, Refused
from .logs import log_line
from .settings import Settings, load_settings


def enter(settings: Settings, asked: str) -> int:
    """What the client asked for, or its refusal. The exit status."""
    if asked == "put" and not (asked := _of("uploads").announced()):
        return 0
    upload = re.fullmatch(r"put ([0-9a-f]{64}) ([1-9][0-9]{0,15})", asked)
    config = re.fullmatch(r"config (?:look|put ([0-9a-f]{64})) ([1-9][0-9]{0,6})", asked)
    if asked == "check":
        answer({"result": _of("readiness").check(settings)})
        return 0
    if asked != "channel" and upload is None and config is None:
        shown = _of("redaction").shown
        client = shown(os.environ.get("SSH_CONNECTION", "").partition(" ")[0])
        log_line(settings, "chom-host", f"refused: {client or 'somebody'} asked for “{shown(asked)}”")
        answer(
            {
                "error": {
                    "code": "refused",
                    "message": "this key opens a channel, puts an artifact or a configuration, or checks, nothing else",
                }
            }
        )
        return 77
    for path in (settings.jobs, settings.incoming, Path(settings.logs)):
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    if upload is not None:
        return _answered(settings, lambda: _of("uploads").put(settings, upload.group(1), int(upload.group(2))))
    if config is not None:
        sha256, size, edits = config.group(1), int(config.group(2)), _of("edits")
        act = (lambda: edits.put_edits(settings, sha256, size)) if sha256 else lambda: edits.compare(settings, size)
        return _answered(settings, act)
    return _of("channel").Channel(settings, sha256_of_self()).serve()


def _of(name: str) -> Any:
    """The module for that way in, and no other: each session reads and compiles what it uses, 0.1 s for all of it."""
    return import_module(f".{name}", __package__)


def _answered(settings: Settings, act: Callable[[], Json]) -> int:
    """The exit status."""
    try:
        answer({"result": act()})
    except Refused as refused:
        log_line(settings, "chom-host", f"refused: {refused.error['code']}: {refused}")
        answer({"error": refused.error})
        return 1
    except Failed as failed:
        answer({"error": {"code": "host error", "message": str(failed)}})
        return 1
    return 0


def answer(message: Json) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def sha256_of_self() -> str:
    """Of the one file that this runs from."""
    assert isinstance(__loader__, zipimporter)
    return hashlib.sha256(Path(__loader__.archive).read_bytes()).hexdigest()


def main(argv: Sequence[str]) -> int:
    """`chom-host [--config PATH]`, with what the client asked for in SSH_ORIGINAL_COMMAND."""
    os.umask(0o027)
    config = Path("/etc/chom/host.json")
    if argv:
        if len(argv) != 2 or argv[0] != "--config":
            sys.stderr.write("chom-host takes --config PATH and nothing else\n")
            return 64
        config = Path(argv[1])
    try:
        settings = load_settings(config)
        return enter(settings, os.environ.get("SSH_ORIGINAL_COMMAND", ""))
    except ValueError as fault:
        answer({"error": {"code": "bad settings", "message": str(fault)}})
        return 78
    except OSError as fault:
        answer({"error": _of("redaction").why_not(fault)})
        return 71
