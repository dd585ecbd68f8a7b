"""A job is claimed, with its process, before that process is let go: what it is can be told from the disk alone."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from .arguments import checked
from .base import LINE, Json, Refused
from .fence import raise_fence
from .files import read_json, sync_dir, write_new, write_room, write_whole
from .logs import log_line, utc
from .processes import boot_clock, boot_id, end_session, has_token, process, session_members
from .redaction import env_secrets, redact
from .run import ROOM, run_job
from .server import applied_migration, record_migrations
from .settings import Settings
from .verbs import JOB_SHAPES
from .work import MAX_LOG

OVERDUE = 15.0
"""Seconds after its timeout when a job that did not end itself is ended by whoever looks."""


def job_dir(settings: Settings, job: str) -> Path:
    """“~” is in no job id, so two ids never meet in one name."""
    return settings.jobs / job.replace("/", "~")


def alive(claim: Json) -> bool:
    """Whether the claim's process runs, or one that it started: a migration goes on when its watcher is killed."""
    if claim["boot"] != boot_id():
        return False
    leader = process(claim["pid"])
    if leader is not None and leader.start != claim["start"]:
        return False  # a number is not given again while its session lives
    if leader is not None and not leader.zombie:
        running = [leader.pid]
    else:
        running = [p.pid for p in session_members(claim["pid"]) if has_token(p.pid, claim["token"])]
    if running and boot_clock() > claim["deadline"] + OVERDUE:
        end_session(claim["pid"], leave=0)
        return False
    return bool(running)


def state_of(settings: Settings, directory: Path, claim: Json) -> Json:
    """What PROTOCOL.md calls a job's state."""
    result = read_json(directory / "result.json")
    if result is None and alive(claim):
        return {"state": "running", "ok": False, "summary": "", "lines": [], "applied": []}
    result = result or read_json(directory / "result.json")  # it may have ended between the two looks
    if result is not None:
        return {"state": "ended", **{key: result[key] for key in ("ok", "summary", "lines", "applied")}}
    lines, applied = _lost_output(settings, directory, claim)
    why = "this server lost the job: its process is gone and left no result"
    return {"state": "lost", "ok": False, "summary": why, "lines": lines, "applied": applied}


def _lost_output(settings: Settings, directory: Path, claim: Json) -> tuple[list[str], list[str]]:
    """The last lines of a lost job, and the migrations its command had time to apply, which are recorded."""
    known = env_secrets(settings.shared_dir / ".env")
    lines: list[str] = []
    for path in [directory / "log", *sorted(directory.glob("raw.*"))]:
        with contextlib.suppress(FileNotFoundError):
            lines += path.read_bytes()[-MAX_LOG:].decode("utf-8", "replace").splitlines()
    names = [applied_migration(line) for line in lines] if claim["verb"] == "migrate" else []
    return [redact(line, known)[:LINE] for line in lines[-20:]], list(dict.fromkeys(name for name in names if name))


def begin(settings: Settings, args: Json) -> Json:
    """Fence check, claim and start in one step; the caller holds the lock. The job's state. Raises Refused."""
    verb, job_args = args["verb"], checked(JOB_SHAPES, args["verb"], args["args"])
    _check_services(settings, job_args.get("services", []))
    raise_fence(settings, args["fence"])
    directory = job_dir(settings, args["job"])
    claim = read_json(directory / "claim.json")
    attempt = 1
    if claim is not None:
        if (claim["verb"], claim["args"]) != (verb, job_args):
            raise Refused("job mismatch", f"{args['job']} was begun as {claim['verb']} with other arguments")
        state = state_of(settings, directory, claim)
        if state["state"] != "lost" or not args["retry_lost"]:
            return state
        if state["applied"]:
            record_migrations(settings, job_args["release"], state["applied"])
        attempt = claim["attempt"] + 1
    token = os.urandom(16).hex()
    fresh = {**{k: args[k] for k in ("job", "verb", "fence", "timeout", "log")}, "args": job_args}
    fresh.update(attempt=attempt, token=token, boot=boot_id(), at=utc(), deadline=boot_clock() + args["timeout"])
    spawn(settings, directory, fresh)
    return {"state": "running", "ok": False, "summary": "", "lines": [], "applied": []}


def _check_services(settings: Settings, named: Sequence[str]) -> None:
    for service in named:
        if service not in settings.services:
            there = ", ".join(settings.services) or "none"
            raise Refused("bad argument", f"“{service}” is not a service this server may reload; it may reload {there}")


def spawn(settings: Settings, directory: Path, claim: Json) -> None:
    """Fork the job. It waits at the gate until the claim that names it is on the disk; if that fails, it goes away."""
    gate, opener = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(opener)
            os.setsid()
            _detach(keep=gate)
            if os.read(gate, 1) == b"g":
                os.close(gate)
                run_job(settings, directory, {**claim, "pid": os.getpid()})
                status = 0
        except BaseException:  # noqa: BLE001  it has no result now, so it is lost; why is written down
            log_line(settings, "chom-host", f"{claim['job']}: {redact(traceback.format_exc())}")
        finally:
            os._exit(status)
    try:
        os.close(gate)
        there = process(pid)
        if there is None:
            raise OSError("the job's process died at once")
        _write_claim(settings, directory, {**claim, "pid": pid, "start": there.start})
        os.write(opener, b"g")
    finally:
        os.close(opener)


def _detach(keep: int) -> None:
    """Let go of the connection: sshd closes it only when nobody holds its pipes; and of the lock."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208  a Path would open one more while it lists
        if int(entry) > 2 and int(entry) != keep:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(entry))


def _write_claim(settings: Settings, directory: Path, claim: Json) -> None:
    data = json.dumps(claim, sort_keys=True).encode()
    if claim["attempt"] > 1:
        if not (directory / "room").exists():
            write_room(directory / "room", ROOM)
        write_whole(directory / "claim.json", data)
        return
    fresh = settings.jobs / f".new.{os.getpid()}.{time.monotonic_ns()}"
    fresh.mkdir(mode=0o700)
    try:
        (fresh / "log").touch(mode=0o600)
        write_room(fresh / "room", ROOM)
        write_new(fresh / "claim.json", data)  # what stands before it rides along: one wait for the disk, not four
        sync_dir(fresh)
        fresh.rename(directory)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_dir(settings.jobs)
