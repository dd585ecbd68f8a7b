"""The life of a job's process: from the open gate to a result on the disk, whatever stops it."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from pathlib import Path
from typing import NoReturn

from .base import DISK_FULL, Failed, Json, Stopped, no_room
from .disk import is_full
from .files import write_in_room, write_whole
from .logs import log_line, utc
from .processes import end_session, step_aside
from .redaction import env_secrets, redact
from .settings import Settings
from .verbs import JOB_VERBS
from .work import Work


def run_job(settings: Settings, directory: Path, claim: Json) -> None:
    """The whole life of a job's process, from the open gate to its result on the disk."""
    os.umask(0o027)
    os.chdir("/")
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(directory / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    work = Work(settings, directory, claim, env_secrets(settings.shared_dir / ".env"), log)
    work.written = os.fstat(log).st_size
    args = " ".join(f"{k}={v}" for k, v in claim["args"].items())
    again = f", attempt {claim['attempt']}" if claim["attempt"] > 1 else ""
    work.note(f"begins: {claim['verb']} {args} (fence {claim['fence']}, {claim['timeout']} s at most{again})")
    began = time.monotonic()
    ok, summary = _outcome(work)
    end_session(os.getpid(), leave=os.getpid())
    summary = redact(summary, work.known)[:2000]
    _record(directory, {"ok": ok, "summary": summary, "lines": list(work.tail), "applied": work.applied, "at": utc()})
    work.note(f"{'ended' if ok else 'FAILED'} after {time.monotonic() - began:.1f} s: {summary}")


ROOM = 64 << 10
"""Bytes that a job takes for its result before it begins, so that a full disk does not lose it."""


def _record(directory: Path, result: Json) -> None:
    """The result, on the disk; where that has no room for long lines, without them."""
    room, target = directory / "room", directory / "result.json"
    if write_in_room(room, target, json.dumps(result).encode()):
        return
    try:
        write_whole(target, json.dumps(result).encode())
        room.unlink(missing_ok=True)
    except OSError as fault:
        if not no_room(fault) or not write_in_room(room, target, json.dumps({**result, "lines": []}).encode()):
            raise


def _outcome(work: Work) -> tuple[bool, str]:
    """(it succeeded, a sentence). The timer and SIGTERM can strike only inside."""
    verb = JOB_VERBS[work.claim["verb"]]
    try:
        try:
            _arm(work.claim["timeout"])
            if verb.aside:
                step_aside()
            return True, verb.effect(work, **work.claim["args"])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except Stopped as stopped:
        return False, str(stopped)
    except Failed as failed:
        return False, f"{failed}; {DISK_FULL}" if is_full(work.settings) else str(failed)
    except OSError as fault:
        if no_room(fault):
            return False, f"{DISK_FULL} ({fault})"
        return False, f"the server could not do it: {fault}"
    except Exception as fault:  # noqa: BLE001  a fault of ours is a failed job with a reason, not a lost one
        log_line(work.settings, "chom-host", redact(traceback.format_exc(), work.known))
        return False, f"chom-host itself failed ({type(fault).__name__}: {fault}); its log has the details"


def _arm(timeout: int) -> None:
    def late(number: int, frame: object) -> NoReturn:
        raise Stopped(f"it did not end within {timeout} s and was stopped, with everything that it had started")

    def told(number: int, frame: object) -> NoReturn:
        raise Stopped("it was stopped by SIGTERM on the server, with everything that it had started")

    signal.signal(signal.SIGALRM, late)
    signal.signal(signal.SIGTERM, told)
    signal.setitimer(signal.ITIMER_REAL, timeout)
