#!/usr/bin/python3 -ISXutf8
"""chom-host: all that the bot's SSH key can run on a server, and why a job there happens at most once.

sshd starts this one file by a forced command; it speaks PROTOCOL.md. It has to run on a bare server, so it is
standard library only and runs on Python 3.9. From top to bottom: settings and durable files, redaction, arguments,
processes, jobs (claim, state, the forked process that does the work), archives, FastCGI, the job verbs, the channel.

What holds whatever is killed, and where:
- A claim is a directory renamed into place, and it names its process before that process is let go: a job without a
  live process of that name and without a result is lost, never running for ever and never begun twice.
- The fence is checked, and the claim made, under one flock.
- A job is a fork in a session of its own: it outlives this program and the connection. Its output goes to files, so
  that a command does not die of a broken pipe when its watcher does.
- Nothing here meets a shell, and no path or service name comes over the wire.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, Any, NoReturn, Optional, cast

PROTOCOL = 1
LONGEST = 1 << 20
"""Bytes of the longest request, and of the longest header in an archive."""
CHUNK = 1 << 20
LINE = 4096
"""Characters of a line of output; what is longer is cut into several."""
MAX_LOG = 8 << 20
"""Bytes of a job's log; what comes after is dropped, and the log says so."""
MAX_RAW = 64 << 20
"""Bytes of a command's output that are on the disk at once."""
SPARE = 64 << 20
"""Bytes that stay free on the disk whatever is uploaded or unpacked."""
MEMBERS = 200_000
"""Members of the largest archive."""
PATIENCE = 10.0
"""Seconds for which the lock is waited for."""
OVERDUE = 15.0
"""Seconds after its timeout when a job that did not end itself is ended by whoever looks."""
REMEMBERED = 90 * 86400
"""Seconds for which ended jobs are known."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

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


# ---- settings and durable files ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """/etc/chom/host.json; the defaults are the seed's layout."""

    www: str = "/var/www"
    link: str = "chom"
    current: str = "chom_current"
    state: str = "/var/lib/chom-host"
    logs: str = "/var/log/chom"
    php: str = "/usr/bin/php"
    fpm_socket: str = "/run/php/php8.2-fpm.sock"
    """A Unix socket's path, or host:port."""
    health_host: str = "localhost"
    """The Host header of a health check."""
    services: tuple[str, ...] = ("php8.2-fpm",)
    sudo: str = "/usr/bin/sudo"
    systemctl: str = "/usr/bin/systemctl"
    shared: tuple[str, ...] = (".env", "storage")
    caches: tuple[str, ...] = ("config:cache", "route:cache", "view:cache")
    max_artifact: int = 2 << 30
    """Bytes of the largest upload."""
    max_unpacked: int = 4 << 30
    """Bytes of the largest release."""

    @property
    def releases(self) -> Path:
        return Path(self.www, "releases")

    @property
    def shared_dir(self) -> Path:
        return Path(self.www, "shared")

    @property
    def current_link(self) -> Path:
        return Path(self.www, self.current)

    @property
    def jobs(self) -> Path:
        return Path(self.state, "jobs")

    @property
    def incoming(self) -> Path:
        return Path(self.state, "incoming")

    def release(self, id_: str) -> Path:
        return self.releases / id_

    def artifact(self, sha256: str) -> Path:
        return self.incoming / f"{sha256}.tar.gz"


_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@_.-]{0,63}")
_SHARED = re.compile(r"(?!.*\.\.)[A-Za-z0-9_.][A-Za-z0-9_./-]{0,127}")
_CACHE = re.compile(r"[a-z][a-z0-9-]{0,31}(:[a-z][a-z0-9-]{0,31})?")
_ABSOLUTE = re.compile(r"/[^\x00-\x1f]{0,1023}")
_SETTING = {"link": _NAME, "current": _NAME, "health_host": re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,253}")}
_SETTINGS = {"services": _SERVICE, "shared": _SHARED, "caches": _CACHE}


def load_settings(path: Path) -> Settings:
    """The settings file, checked. Raises ValueError with a sentence; a missing file is the defaults."""
    try:
        told: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (ValueError, RecursionError) as fault:
        raise ValueError(f"{path} is not JSON: {fault}") from None
    return read_settings(told, str(path))


def read_settings(told: object, path: str) -> Settings:
    """The settings in what a file of that name says. Raises ValueError with a sentence."""
    if not isinstance(told, dict):
        raise ValueError(f"{path} has to hold one JSON object")
    known = {f.name for f in fields(Settings)}
    values: Json = {}
    for key, value in cast(Json, told).items():
        if key not in known:
            raise ValueError(f"{path}: {key!r} is no setting; there are {', '.join(sorted(known))}")
        values[key] = _setting(path, key, value)
    return Settings(**values)


def _setting(path: str, key: str, value: object) -> object:
    if key in ("max_artifact", "max_unpacked"):
        if type(value) is not int or value <= 0:
            raise ValueError(f"{path}: {key} has to be a number of bytes above 0")
        return value
    if key in _SETTINGS:
        words = cast("list[object]", value) if isinstance(value, list) else [None]
        if not all(isinstance(word, str) and _SETTINGS[key].fullmatch(word) for word in words):
            raise ValueError(f"{path}: {key} has to be a list of names")
        return tuple(cast("list[str]", words))
    pattern = _SETTING.get(key, _ABSOLUTE)
    by_port = key == "fpm_socket" and isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]+:[0-9]{1,5}", value)
    if not isinstance(value, str) or not (pattern.fullmatch(value) or by_port):
        what = "an absolute path" if pattern is _ABSOLUTE else "a plain name"
        raise ValueError(f"{path}: {key} has to be {what}, not {value!r}")
    return value


def sync_dir(path: Path) -> None:
    """Names in that directory survive a loss of power."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A file that does not exist yet, on the disk when this returns; its name is the caller's to sync."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """The file is the old one or the new one, never a part, and the new one is on the disk when this returns."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    try:
        write_new(part, data, mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_dir(path.parent)


def append_json(path: Path, *records: Json) -> None:
    """Lines at the end of a file, on the disk when this returns. The caller holds the lock."""
    with path.open("ab+") as file:
        torn = b""
        if file.tell():
            file.seek(-1, os.SEEK_END)
            torn = b"" if file.read(1) == b"\n" else b"\n"
        file.write(torn + b"".join(json.dumps(record).encode() + b"\n" for record in records))
        file.flush()
        os.fsync(file.fileno())


def read_json_lines(path: Path) -> list[Json]:
    """The lines of such a file. A line that a loss of power tore is left out: its effect is asked for again."""
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    records: list[Json] = []
    for line in lines:
        with contextlib.suppress(ValueError):
            record: object = json.loads(line)
            if isinstance(record, dict):
                records.append(cast(Json, record))
    return records


def read_json(path: Path) -> Optional[Json]:
    """The object in a file, None where there is no file."""
    try:
        return cast(Json, json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None


def open_lock(settings: Settings) -> int:
    return os.open(Path(settings.state, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def locked(settings: Settings) -> Generator[None, None, None]:
    """The state is ours alone. Raises Failed after PATIENCE seconds; closing the descriptor gives it back."""
    fd = open_lock(settings)
    try:
        deadline = time.monotonic() + PATIENCE
        while not try_lock(fd):
            if time.monotonic() > deadline:
                raise Failed(f"another chom-host has held {settings.state}/lock for {PATIENCE:g} s")
            time.sleep(0.005)
        yield
    finally:
        os.close(fd)


def utc(at: Optional[float] = None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def log_line(settings: Settings, stem: str, text: str) -> None:
    """One line, with the time, to what operators read. Where that fails, sshd's client and the journal hear of it."""
    line = f"{utc()} {text}\n".encode("utf-8", "backslashreplace")
    try:
        fd = os.open(
            Path(settings.logs, f"{stem}.log"),
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC,
            0o640,
        )
        try:
            os.write(fd, line)
        finally:
            os.close(fd)
    except OSError as fault:
        sys.stderr.write(f"chom-host cannot write to {settings.logs}/{stem}.log: {fault}\n")


def free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


# ---- redaction --------------------------------------------------------------------------------------------------

HIDDEN = "[redacted]"
_SECRET_NAME = r"password|passwd|passphrase|secret|token|api_?key|app_?key|private_?key|access_?key|credential|dsn"
_PATTERNS = (
    # NAME=value, "name": "value", 'name' => 'value' and name: value, where the name says that it is a secret
    (
        re.compile(
            r"(?i)\b([a-z0-9_.-]{0,40}(?:" + _SECRET_NAME + r"|authorization)[a-z0-9_.-]{0,40}[\"']?\s{0,4}(?:=>|[=:])"
            r"\s{0,4})(\"[^\"]*\"?|'[^']*'?|(?:bearer|basic)\s+\S+|[^\s,;&]+)"
        ),
        r"\1" + HIDDEN,
    ),
    # scheme://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,64}:)\S{1,256}@"), r"\1" + HIDDEN + "@"),
    # what is a secret by its shape: Slack, GitHub, GitLab, Stripe, AWS, JWT, Laravel's APP_KEY
    (
        re.compile(
            r"\b(?:xox[a-z]-|xapp-|gh[pousr]_|github_pat_|glpat-|[rs]k_live_|AKIA|ASIA)[A-Za-z0-9_-]{10,}"
            r"|\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]{10,}|\bbase64:[A-Za-z0-9+/=]{20,}"
        ),
        HIDDEN,
    ),
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]{0,20}[ -/]{0,4}[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


def redact(text: str, known: Sequence[str] = ()) -> str:
    """The text without what looks like a secret, without the values in `known`, and without control characters."""
    text = _CONTROL.sub("", text)
    for value in known:
        text = text.replace(value, HIDDEN)
    for pattern, by in _PATTERNS:
        text = pattern.sub(by, text)
    return text


def env_secrets(path: Path) -> tuple[str, ...]:
    """The secret values in a .env file, the longest first. Short ones are common words and are left to the patterns."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()  # no such file, or not ours to read: then no command of ours can print it either
    found: set[str] = set()
    for line in lines:
        name, sep, value = line.strip().partition("=")
        value = value.strip().strip("\"'")
        if sep and len(value) >= 8 and re.search(rf"(?i){_SECRET_NAME}|_key$|_url$|_pass$|_salt$", name.strip()):
            found.add(value)
    return tuple(sorted(found, key=len, reverse=True))


# ---- arguments --------------------------------------------------------------------------------------------------

Check = Callable[[object], object]
_SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,63}"


def _text(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: object) -> object:
        if isinstance(value, str) and compiled.fullmatch(value):
            return value
        raise ValueError(f"has to be {what}")

    return check


def _number(low: int, high: int) -> Check:
    def check(value: object) -> object:
        if type(value) is int and low <= value <= high:
            return value
        raise ValueError(f"has to be a whole number from {low} to {high}")

    return check


def _list(of: Check, most: int = 100) -> Check:
    def check(value: object) -> object:
        if not isinstance(value, list) or len(cast("list[object]", value)) > most:
            raise ValueError(f"has to be a list of at most {most}")
        return [of(one) for one in cast("list[object]", value)]

    return check


def _flag(value: object) -> object:
    if isinstance(value, bool):
        return value
    raise ValueError("has to be true or false")


def _anything(value: object) -> object:
    if isinstance(value, dict):
        return cast(Json, value)
    raise ValueError("has to be an object")


RELEASE = _text(r"[0-9]{8}_[0-9]{6}", "a release, YYYYmmdd_HHMMSS")
SHA256 = _text(r"[0-9a-f]{64}", "a sha256, 64 hex digits")
JOB = _text(rf"{_SEGMENT}(?:/{_SEGMENT}){{1,4}}", "run/step/way, of letters, digits, “.”, “_” and “-”")
FENCE = _number(0, 1 << 53)

VERBS: Mapping[str, Mapping[str, Check]] = {
    "hello": {"protocol": _number(0, 1 << 31)},
    "survey": {},
    "fence": {"fence": FENCE},
    "holds": {"sha256": SHA256},
    "begin": {
        "job": JOB,
        "fence": FENCE,
        "verb": _text(r"[a-z][a-z_]{0,31}", "the name of a job verb"),
        "args": _anything,
        "timeout": _number(1, 86400),
        "log": _text(r"[a-z][a-z_]{0,31}_[0-9]{8}_[0-9]{6}", "a name such as deployment_20261123_222151"),
        "retry_lost": _flag,
    },
    "follow": {"job": JOB, "offset": _number(0, 1 << 53)},
}
JOB_VERBS: Mapping[str, Mapping[str, Check]] = {
    "stage": {
        "release": RELEASE,
        "version": _text(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}", "a version such as v1.2"),
        "commit": _text(r"[0-9a-f]{40}", "a commit, 40 hex digits"),
        "sha256": SHA256,
    },
    "unstage": {"release": RELEASE},
    "migrate": {"release": RELEASE},
    "health": {
        "release": RELEASE,
        "path": _text(r"/[A-Za-z0-9._~/?&=%:@+,;-]{0,255}", "a path that begins with “/”"),
    },
    "switch": {"release": RELEASE, "workers": _flag},
    "restart": {"services": _list(_text(_SERVICE.pattern, "a service's name"))},
    "prune": {"keep": _number(1, 1000), "protect": _list(RELEASE)},
}


def checked(shapes: Mapping[str, Mapping[str, Check]], verb: str, args: Json) -> Json:
    """The arguments of a verb, each as its pattern wants it, none missing and none more. Raises Refused."""
    shape = shapes.get(verb)
    if shape is None:
        raise Refused("unknown verb", f"“{shown(verb)}” is no verb; there are {', '.join(shapes)}")
    for name in args:
        if name not in shape:
            raise Refused("bad argument", f"{verb} takes no “{shown(name)}”; it takes {', '.join(shape) or 'nothing'}")
    values: Json = {}
    for name, check in shape.items():
        if name not in args:
            raise Refused("bad argument", f"{verb} needs “{name}”")
        try:
            values[name] = check(args[name])
        except ValueError as fault:
            raise Refused("bad argument", f"{verb}: {name} {fault}, not {shown(args[name])}") from None
    return values


def shown(value: object) -> str:
    """What somebody sent, safe to log and to show: printable ASCII, no secrets, 80 characters at most."""
    text = value if isinstance(value, str) else repr(value)
    return ascii(redact(text[:200]))[1:-1][:80]


# ---- processes --------------------------------------------------------------------------------------------------


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def boot_clock() -> float:
    """Seconds since boot, the same for all processes, and going on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True)
class Process:
    """A line of the process table. `start` (clock ticks since boot) tells it from a later one of that number."""

    pid: int
    zombie: bool
    session: int
    start: int


def process(pid: int) -> Optional[Process]:
    """The process of that number, None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    words = stat[stat.rindex(b")") + 2 :].split()
    return Process(pid, words[0] in (b"Z", b"X"), int(words[3]), int(words[19]))


def session_members(session: int) -> list[Process]:
    """The living processes of a session."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [p for p in map(process, numbers) if p is not None and p.session == session and not p.zombie]


def has_token(pid: int, token: str) -> bool:
    """Whether that process was started by the job of that token."""
    try:
        return f"CHOM_JOB={token}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # gone, or root's (sudo): not one that we could wait for or end


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # gone, or root's
            os.kill(pid, signal.SIGKILL)


def end_session(session: int, leave: int) -> None:
    """Kill all of a session but the process `leave`; again until no fork has slipped through."""
    for _ in range(50):
        others = [p.pid for p in session_members(session) if p.pid != leave]
        if not others:
            return
        kill(others)
        time.sleep(0.01)


def open_pidfd(pid: int) -> Optional[int]:
    """A descriptor that becomes readable when the process ends; None on a kernel (before 5.3) without them."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


# ---- jobs: claims, states, results ------------------------------------------------------------------------------


def job_dir(settings: Settings, job: str) -> Path:
    """“~” is in no job id, so two ids never meet in one name."""
    return settings.jobs / job.replace("/", "~")


def read_fence(settings: Settings) -> int:
    try:
        return int(Path(settings.state, "fence").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0


def raise_fence(settings: Settings, fence: int) -> None:
    """From now on lower ones are refused. The caller holds the lock. Raises Refused where it was higher."""
    current = read_fence(settings)
    if fence < current:
        raise Refused(
            "fenced", f"a newer bot has taken over: fence {fence} is behind this server's {current}", current=current
        )
    if fence > current:
        write_whole(Path(settings.state, "fence"), f"{fence}\n".encode())


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
    verb, job_args = args["verb"], checked(JOB_VERBS, args["verb"], args["args"])
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
        write_whole(directory / "claim.json", data)
        return
    fresh = settings.jobs / f".new.{os.getpid()}.{time.monotonic_ns()}"
    fresh.mkdir(mode=0o700)
    try:
        write_new(fresh / "claim.json", data)
        sync_dir(fresh)
        fresh.rename(directory)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    sync_dir(settings.jobs)


# ---- the job's process ------------------------------------------------------------------------------------------


@dataclass
class Work:
    """A job at work: what the verbs need of it."""

    settings: Settings
    directory: Path
    claim: Json
    known: tuple[str, ...]
    """Secret values that never get into a line."""
    log: int
    """The descriptor of the log that `follow` reads."""
    written: int = 0
    commands: int = 0
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=20))
    applied: list[str] = field(default_factory=list[str])

    def say(self, text: str) -> None:
        """A line for whoever follows, and for operators."""
        for line in text.splitlines() or [""]:
            line = redact(line.rstrip(), self.known)
            for at in range(0, max(len(line), 1), LINE):
                self._say(line[at : at + LINE])

    def _say(self, line: str) -> None:
        self.tail.append(line)
        if self.written > MAX_LOG:
            return
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        self.written += len(data)
        if self.written > MAX_LOG:
            line, data = "(more output was dropped)", b"(more output was dropped)\n"
        try:
            os.write(self.log, data)
        except OSError as fault:  # a full disk is no reason to stop a migration half way
            self.written = MAX_LOG + 1
            self.tail.append(f"(the log cannot be written: {fault})")
        self.note(f"| {line}")

    def note(self, text: str) -> None:
        """A line for operators only."""
        log_line(self.settings, self.claim["log"], f"{self.claim['job']} {text}")

    def php(self, release: Path, *args: str) -> Command:
        """An artisan command in a release."""
        argv = [self.settings.php, str(release / "artisan"), *args, "--no-interaction", "--no-ansi"]
        return Command(f"php artisan {args[0]}", argv, release)

    def run(self, *commands: Command, on_line: Callable[[str], None] = lambda line: None) -> None:
        """Run the commands beside each other, with their output in the log. Raises Failed where one fails."""
        running: list[Running] = []
        try:
            for command in commands:
                running.append(self._start(command))
            while any(one.child.poll() is None for one in running):
                for one in running:
                    one.output.pump(self, on_line)
                    if one.child.poll() is None:
                        wait_for(one.child.pid, 0.1 / len(running))
        except BaseException:  # what was started does nothing more, so the last that it said is the last it did
            end_session(os.getpid(), leave=os.getpid())
            raise
        finally:
            for one in running:
                one.output.pump(self, on_line, last=True)
        for one in running:
            if one.child.returncode:
                raise Failed(f"{one.title} {ended_how(one.child.returncode)}")

    def _start(self, command: Command) -> Running:
        self.commands += 1
        raw = self.directory / f"raw.{self.claim['attempt']}.{self.commands}"
        fd = os.open(raw, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        env = {"PATH": PATH, "HOME": self.settings.state, "LANG": "C.UTF-8", "CHOM_JOB": self.claim["token"]}
        try:
            child = subprocess.Popen(
                command.argv,
                cwd=command.cwd,
                env={**env, **command.env},
                stdin=subprocess.DEVNULL,
                stdout=fd,
                stderr=fd,
                umask=0o007,  # what artisan makes in shared/storage is PHP-FPM's too, by the group
            )
        except OSError as fault:
            os.close(fd)
            raw.unlink()
            raise Failed(f"{command.title} cannot be started: {fault}") from None
        return Running(command.title, child, Output(raw, fd))


@dataclass(frozen=True)
class Command:
    """A program to run: never a shell's line."""

    title: str
    argv: list[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Output:
    """What a command writes: to a file, unredacted and only as long as the command is watched."""

    path: Path
    fd: int
    at: int = 0
    rest: bytes = b""

    def pump(self, work: Work, on_line: Callable[[str], None], last: bool = False) -> None:
        """Pass on what is new, line by line."""
        while data := os.pread(self.fd, CHUNK, self.at):
            self.at += len(data)
            *lines, self.rest = (self.rest + data).split(b"\n")
            if len(self.rest) > LINE * 4:
                lines, self.rest = [*lines, self.rest], b""
            for line in lines:
                self._pass(work, on_line, line)
            if self.at > MAX_RAW:  # what was passed on is given back; the command appends, so it goes on at 0
                os.ftruncate(self.fd, 0)
                self.at = 0
        if last:
            if self.rest:
                self._pass(work, on_line, self.rest)
            os.close(self.fd)
            self.path.unlink()

    def _pass(self, work: Work, on_line: Callable[[str], None], line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        on_line(text)
        work.say(text)


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    title: str
    child: subprocess.Popen[bytes]
    output: Output


def wait_for(pid: int, seconds: float) -> None:
    """Until the process has ended, or so many seconds."""
    fd = open_pidfd(pid)
    if fd is None:
        time.sleep(min(seconds, 0.02))
        return
    try:
        select.select([fd], [], [], seconds)
    finally:
        os.close(fd)


def ended_how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"failed with exit status {status}"


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
    result: Json = {"ok": ok, "summary": summary, "lines": list(work.tail), "applied": work.applied, "at": utc()}
    write_whole(directory / "result.json", json.dumps(result).encode())
    work.note(f"{'ended' if ok else 'FAILED'} after {time.monotonic() - began:.1f} s: {summary}")


def _outcome(work: Work) -> tuple[bool, str]:
    """(it succeeded, a sentence). The timer and SIGTERM can strike only inside."""
    try:
        try:
            _arm(work.claim["timeout"])
            return True, EFFECTS[work.claim["verb"]](work, **work.claim["args"])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except Stopped as stopped:
        return False, str(stopped)
    except Failed as failed:
        return False, str(failed)
    except OSError as fault:
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


# ---- archives ---------------------------------------------------------------------------------------------------


class BadArchive(Failed):
    """The archive is refused; the message names the member."""


class Bounded:
    """An unpacked stream that ends in BadArchive instead of filling memory or disk."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._limit, self._ends = file, limit, 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LONGEST:
            raise BadArchive(f"the archive has a header of {size} bytes, which no honest archive has")
        data = self._file.read(size)
        self._ends += size > 0 and not data
        if self._ends > 3:  # tarfile would read on for ever behind the end of some broken headers
            raise BadArchive("the archive ends too early")
        self._guard()
        return data

    def seek(self, to: int) -> int:
        at = self._file.tell()
        while at < to and self._file.read(min(to - at, CHUNK)):
            at = self._file.tell()
            self._guard()
        return at

    def tell(self) -> int:
        return self._file.tell()

    def _guard(self) -> None:
        if self._file.tell() > self._limit:
            raise BadArchive(f"the archive unpacks to more than {self._limit} bytes")


class Scan:
    """Looks at one member after the other and lets none pass that could write outside of the release."""

    def __init__(self, most: int) -> None:
        self._most, self.total, self.members = most, 0, 0
        self._kinds: dict[str, str] = {"": "implied"}

    def look(self, member: tarfile.TarInfo) -> str:
        """The member's path below the release ("" for its top). Raises BadArchive."""
        name, label = self._name(member), f"the archive's member “{shown(member.name)}”"
        self.members += 1
        self.total += max(member.size, 0)
        if self.members > MEMBERS:
            raise BadArchive(f"the archive has more than {MEMBERS} members")
        if member.size < 0 or self.total > self._most:
            raise BadArchive(f"{label} makes the release larger than the {self._most} bytes that are allowed")
        if member.mode & 0o7000 or member.mode < 0:
            raise BadArchive(f"{label} has a setuid, setgid or sticky bit (mode {member.mode:o})")
        kind = self._kind(member, label)
        if member.islnk() and self._kinds.get(self._target(member, label)) != "file":
            raise BadArchive(f"{label} is a hard link to “{shown(member.linkname)}”, which is no file before it")
        self._place(name, kind, label)
        if kind == "link":
            self._symlink(name, member.linkname, label)
        return name

    def found(self, name: str) -> bool:
        return self._kinds.get(name) == "file"

    def _name(self, member: tarfile.TarInfo) -> str:
        return self.clean(member.name, f"the archive's member “{shown(member.name)}”")

    def _target(self, member: tarfile.TarInfo, label: str) -> str:
        return self.clean(member.linkname, f"{label} is a hard link out: “{shown(member.linkname)}”")

    @staticmethod
    def clean(path: str, label: str) -> str:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if path.startswith("/"):
            raise BadArchive(f"{label} has an absolute name")
        if ".." in parts:
            raise BadArchive(f"{label} has “..” in its name")
        if any(ord(c) < 32 or ord(c) == 127 or 0xD800 <= ord(c) < 0xE000 for c in path):
            raise BadArchive(f"{label} has a control character or a byte that is not UTF-8 in its name")
        if len(path.encode()) > 1024 or any(len(part.encode()) > 255 for part in parts):
            raise BadArchive(f"{label} has a name that is too long")
        return "/".join(parts)

    @staticmethod
    def _kind(member: tarfile.TarInfo, label: str) -> str:
        if member.issym():
            return "link"
        if member.isdir():
            return "directory"
        if member.islnk() or (member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and member.sparse is None):
            return "file"
        whats = {tarfile.CHRTYPE: "a device", tarfile.BLKTYPE: "a device", tarfile.FIFOTYPE: "a named pipe"}
        raise BadArchive(f"{label} is {whats.get(member.type, 'neither a file, a directory nor a link')}")

    def _place(self, name: str, kind: str, label: str) -> None:
        """No name twice, and nothing inside of a file or behind a link."""
        parts = name.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            above = self._kinds.setdefault(parent, "implied")
            if above in ("file", "link"):
                raise BadArchive(f"{label} lies behind “{shown(parent)}”, which is a {above}")
        before = self._kinds.get(name)
        if before is not None and not (before == "implied" and kind == "directory"):
            raise BadArchive(f"{label} is there twice")
        self._kinds[name] = kind

    @staticmethod
    def _symlink(name: str, target: str, label: str) -> None:
        """Leading ".." climb real directories (see _place); a ".." after a name could climb out of a link's target."""
        says = f"{label} is a link to “{shown(target)}”"
        parts = [part for part in target.split("/") if part not in ("", ".")]
        up = next((i for i, part in enumerate(parts) if part != ".."), len(parts))
        if target.startswith("/") or up > name.count("/") or ".." in parts[up:] or not target:
            raise BadArchive(f"{says}, which points out of the release")
        if any(ord(c) < 32 or 0xD800 <= ord(c) < 0xE000 for c in target) or len(target.encode()) > 1024:
            raise BadArchive(f"{says}, which is no honest name")


@contextlib.contextmanager
def opened_archive(file: IO[bytes], most: int) -> Generator[tarfile.TarFile, None, None]:
    """The tar in an open .tar.gz, from its beginning; what a broken one does is BadArchive."""
    file.seek(0)
    try:
        with gzip.GzipFile(fileobj=file, mode="rb") as plain:
            stream = cast("IO[bytes]", Bounded(cast("IO[bytes]", plain), most + (256 << 20)))
            with tarfile.TarFile(fileobj=stream, mode="r", encoding="utf-8", errors="surrogateescape") as tar:
                yield tar
    except (
        tarfile.TarError,
        zlib.error,
        EOFError,
        gzip.BadGzipFile,
        ValueError,
        OverflowError,
        RecursionError,
    ) as fault:
        raise BadArchive(f"the archive is broken: {fault}") from None


def walk(tar: tarfile.TarFile, scan: Scan) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """The members, each let pass by the scan, none kept in memory; then the rest, for its checksum."""
    while (member := tar.next()) is not None:
        yield scan.look(member), member
        tar.members.clear()  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]  it would keep all
    while tar.fileobj.read(CHUNK):
        continue


def unpack(file: IO[bytes], into: Path, most: int) -> int:
    """Write the archive's members below a fresh directory; links last, so that nothing is ever written through one."""
    scan, links = Scan(most), list[tuple[Path, str]]()
    with opened_archive(file, most) as tar:
        for name, member in walk(tar, scan):
            path = into / name
            if member.isdir():
                path.mkdir(mode=0o750, parents=True, exist_ok=True)
                continue
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            if member.issym():
                links.append((path, member.linkname))
            elif member.islnk():
                os.link(into / scan.clean(member.linkname, ""), path)
            else:
                _unpack_file(tar, member, path)
    for path, target in links:
        path.symlink_to(target)
    return scan.members


def _unpack_file(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        left = member.size
        source = tar.fileobj
        assert source is not None, "it was opened with one"
        source.seek(member.offset_data)
        while left:
            data = source.read(min(left, CHUNK))
            if not data:
                raise BadArchive(f"the archive ends inside of “{shown(member.name)}”")
            out.write(data)
            left -= len(data)
        os.fchmod(out.fileno(), 0o750 if member.mode & 0o100 else 0o640)


# ---- FastCGI ----------------------------------------------------------------------------------------------------

_RECORD = struct.Struct(">BBHHBB")


def fastcgi(address: str, params: Mapping[str, str], seconds: float = 60.0) -> tuple[int, str]:
    """Ask PHP-FPM once: (HTTP status, the body's first 64 KiB). Raises Failed where it does not answer properly."""
    body = b"".join(_pair(name, value) for name, value in params.items())
    request = _record(1, struct.pack(">HB5x", 1, 0)) + _record(4, body) + _record(4, b"") + _record(5, b"")
    try:
        with _connected(address, seconds) as sock:
            sock.sendall(request)
            out, err = _answer(sock)
    except OSError as fault:
        raise Failed(f"PHP-FPM at {address} does not answer: {fault}") from None
    head, _, page = out.replace(b"\r\n", b"\n").partition(b"\n\n")
    found = re.search(rb"(?im)^status:\s*([0-9]{3})", head)
    if not out:
        raise Failed(f"PHP-FPM at {address} answered nothing: {err[:500].decode('utf-8', 'replace')}")
    return (int(found.group(1)) if found else 200), page.decode("utf-8", "replace")


def _connected(address: str, seconds: float) -> socket.socket:
    if not address.startswith("/"):
        host, _, port = address.rpartition(":")
        return socket.create_connection((host, int(port)), timeout=seconds)
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(seconds)
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def _record(kind: int, body: bytes) -> bytes:
    return _RECORD.pack(1, kind, 1, len(body), 0, 0) + body


def _pair(name: str, value: str) -> bytes:
    sizes = b"".join(
        bytes([len(s)]) if len(s) < 128 else struct.pack(">I", len(s) | 0x80000000)
        for s in (name.encode(), value.encode())
    )
    return sizes + name.encode() + value.encode()


def _answer(sock: socket.socket) -> tuple[bytes, bytes]:
    """(what the script said, what PHP complained of), up to the end of the request."""
    out, err = b"", b""
    with sock.makefile("rb") as stream:
        while len(head := stream.read(_RECORD.size)) == _RECORD.size:
            _, kind, _, length, padding, _ = _RECORD.unpack(head)
            body = stream.read(length + padding)[:length]
            if kind == 3:
                return out, err
            if kind == 6 and len(out) < 65536:
                out += body
            if kind == 7 and len(err) < 65536:
                err += body
    raise Failed("PHP-FPM closed the connection before the end of its answer")


# ---- what is on the server --------------------------------------------------------------------------------------


def served(settings: Settings) -> str:
    """The id of the release that the current link points to, "" for none."""
    link = settings.current_link
    if not link.is_symlink():
        return ""
    target = Path(os.path.normpath(link.parent / link.readlink()))
    return target.name if target.parent == settings.releases and _is_release(target.name) else ""


def _is_release(name: str) -> bool:
    return re.fullmatch(r"[0-9]{8}_[0-9]{6}", name) is not None


def marker(settings: Settings, id_: str) -> Optional[Json]:
    """What .chom-release.json says; None for a release that is not there or was not staged to its end."""
    try:
        said = read_json(settings.release(id_) / ".chom-release.json")
    except (ValueError, NotADirectoryError):
        return None
    whole = isinstance(said, dict) and all(isinstance(said.get(k), str) for k in ("version", "commit", "sha256"))
    return said if whole else None


def version_of(settings: Settings, id_: str) -> str:
    """How people call the release: by its version, and by its id only where nothing tells that."""
    said = marker(settings, id_)
    return str(said["version"]) if said and said["version"] else id_


def kept(settings: Settings) -> list[str]:
    """The ids of the whole releases, in the order of their names."""
    if not settings.releases.is_dir():
        return []
    names = sorted(path.name for path in settings.releases.iterdir() if _is_release(path.name))
    return [name for name in names if marker(settings, name)]


def activations(settings: Settings) -> list[Json]:
    return read_json_lines(Path(settings.state, "activations.jsonl"))


def served_before(settings: Settings) -> str:
    """The release that was served before the one served now, "" for none."""
    now = served(settings)
    return next((a["release"] for a in reversed(activations(settings)) if a["release"] != now), "")


def migrations_in(settings: Settings, release: str) -> list[str]:
    return sorted(path.stem for path in settings.release(release).glob("database/migrations/*.php"))


def survey(settings: Settings) -> Json:
    """The read-only look."""
    now, times = served(settings), activations(settings)
    releases: list[Json] = []
    for id_ in kept(settings):
        said = marker(settings, id_) or {}
        at = [a["at"] for a in times if a["release"] == id_]
        told = {k: said[k] for k in ("version", "commit", "sha256")}
        releases.append({"id": id_, **told, "activated": at, "migrations": migrations_in(settings, id_)})
    ran = {record["migration"] for record in read_json_lines(Path(settings.state, "migrations.jsonl"))}
    if now:
        ran |= set(migrations_in(settings, now))
    at = settings.releases if settings.releases.is_dir() else Path(settings.www)
    return {
        "current": now,
        "releases": releases,
        "migrations": sorted(ran),
        "disk_free": free_bytes(at),
        "fence": read_fence(settings),
    }


# ---- the job verbs ----------------------------------------------------------------------------------------------


def stage(work: Work, release: str, version: str, commit: str, sha256: str) -> str:
    settings, target = work.settings, work.settings.release(release)
    wanted: Json = {"id": release, "version": version, "commit": commit, "sha256": sha256}
    there = marker(settings, release)
    if there == wanted:
        return f"{version} is unpacked already"
    if there is not None:
        raise Failed(f"{target} exists and was made from another artifact ({there.get('version')})")
    if served(settings) == release:
        raise Failed(f"{target} is the release that is served; it is not replaced")
    settings.releases.mkdir(mode=0o755, parents=True, exist_ok=True)
    part = settings.releases / f".{release}.part"
    for old in (part, target):
        remove_tree(old)
    members = _unpack_artifact(work, sha256, part)
    (part / ".chom-release.json").unlink(missing_ok=True)
    link_shared(work, part)
    part.rename(target)
    sync_dir(settings.releases)
    build_caches(work, target)
    os.sync()  # the release is on the disk before anything says that it is whole
    write_whole(target / ".chom-release.json", json.dumps(wanted, sort_keys=True).encode() + b"\n", 0o640)
    work.note(f"{version} lies in {target} ({members} files and directories)")
    return f"{version} is unpacked"


def _unpack_artifact(work: Work, sha256: str, part: Path) -> int:
    settings, artifact = work.settings, work.settings.artifact(sha256)
    try:
        file = artifact.open("rb")
    except FileNotFoundError:
        raise Failed(f"the artifact {sha256} is not on this server; it has to be uploaded first") from None
    with file:
        found = sha256_of(file)
        if found != sha256:
            artifact.unlink()
            raise Failed(f"the artifact on this server has the sha256 {found}, not {sha256}; it was removed")
        scan = Scan(settings.max_unpacked)
        with opened_archive(file, settings.max_unpacked) as tar:
            for _ in walk(tar, scan):
                pass
        for needed in ("artisan", "public/index.php"):
            if not scan.found(needed):
                raise BadArchive(f"the archive has no {needed} at its top, so it is no release of CHOM")
        room = free_bytes(settings.releases) - SPARE
        if scan.total > room:
            raise Failed(f"the release needs {scan.total} bytes and only {max(room, 0)} can be used on this disk")
        work.say(f"scanned {scan.members} members, {scan.total} bytes: unpacking")
        part.mkdir(mode=0o750)
        return unpack(file, part, settings.max_unpacked)


def sha256_of(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.sha256()
    while data := file.read(CHUNK):
        digest.update(data)
    return digest.hexdigest()


def remove_tree(path: Path) -> bool:
    """Remove a directory below releases/; it loses its name first, so that half of it is never taken for a release."""
    if not path.is_symlink() and not path.exists():
        return False
    gone = path if path.name.startswith(".") else path.with_name(f".{path.name}.gone")
    if gone != path:
        if gone.exists():
            shutil.rmtree(gone)
        path.rename(gone)
    shutil.rmtree(gone)
    return True


_STORAGE = ("app/public", "framework/cache/data", "framework/sessions", "framework/views", "logs")


def link_shared(work: Work, release: Path) -> None:
    """What outlives releases is linked in; what the archive brought in its place is not used."""
    for name in work.settings.shared:
        source, link = work.settings.shared_dir / name, release / name
        if name == "storage":
            for below in _STORAGE:
                _make_shared(work.settings.shared_dir, f"storage/{below}")
        if not source.exists():
            raise Failed(f"{source} does not exist on this server; put it there, readable for this user and PHP-FPM")
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(source, link.parent))


def _make_shared(top: Path, below: str) -> None:
    """Directories that PHP-FPM writes to as well: the group's, and so for what is made in them."""
    path = top
    for part in below.split("/"):
        path = path / part
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o2775)


_CACHE_FILES = {
    "config:cache": "APP_CONFIG_CACHE",
    "route:cache": "APP_ROUTES_CACHE",
    "event:cache": "APP_EVENTS_CACHE",
}


def build_caches(work: Work, release: Path) -> None:
    """All at once: each command is told that the files which the others are writing do not exist.

    Compiled views go into the release (where config/view.php asks VIEW_COMPILED_PATH, as Laravel's own does), since
    `view:cache` begins by deleting what the release that is served now has in shared/storage.
    """
    caches = work.settings.caches
    if not caches:
        return
    views = release / "bootstrap/cache/views"
    views.mkdir(mode=0o750, parents=True, exist_ok=True)
    views.chmod(0o2770)
    commands: list[Command] = []
    for cache in caches:
        others = {env for name, env in _CACHE_FILES.items() if name != cache}
        env = {name: str(release / "bootstrap/cache/none-yet.php") for name in others}
        env["VIEW_COMPILED_PATH"] = str(views)
        made = work.php(release, cache)
        commands.append(Command(made.title, made.argv, made.cwd, env))
    work.run(*commands)
    for path in (release / "bootstrap/cache").glob("*.php"):
        path.chmod(path.stat().st_mode & 0o750)  # PHP-FPM reads code, it does not write it


def unstage(work: Work, release: str) -> str:
    if served(work.settings) == release:
        raise Failed(f"{release} is the release that is served; it is not removed")
    remove_tree(work.settings.releases / f".{release}.part")
    version = version_of(work.settings, release)
    if remove_tree(work.settings.release(release)):
        return f"{version} was removed"
    return "it was not there"


_APPLIED = (
    re.compile(r"Migrated:\s+(\S+)"),  # Laravel 8
    re.compile(r"([0-9]{4}_[0-9]{2}_[0-9]{2}_[0-9]{6}_\w+)\s[^\n]*\bDONE\s*$"),  # Laravel 9 and later
)


def applied_migration(line: str) -> str:
    """The migration that this line of artisan's says was applied, "" for none; what it printed may stand before."""
    line = _CONTROL.sub("", line)[-LINE:]
    found = next(filter(None, (pattern.search(line) for pattern in _APPLIED)), None)
    return found.group(1) if found else ""


def record_migrations(settings: Settings, release: str, names: Sequence[str]) -> None:
    """Remember what was applied. The caller holds the lock."""
    path = Path(settings.state, "migrations.jsonl")
    known = {record["migration"] for record in read_json_lines(path)}
    fresh = [name for name in names if name not in known]
    if fresh:
        append_json(path, *({"migration": name, "release": release, "at": int(time.time())} for name in fresh))


def whole_release(work: Work, release: str) -> Path:
    if marker(work.settings, release) is None:
        raise Failed(f"{release} is not on this server, or was not staged to its end")
    return work.settings.release(release)


def migrate(work: Work, release: str) -> str:
    target = whole_release(work, release)

    def note(line: str) -> None:
        name = applied_migration(line)
        if name and name not in work.applied:
            work.applied.append(name)
            try:
                with locked(work.settings):
                    record_migrations(work.settings, release, [name])
            except (OSError, Failed) as fault:  # no reason to stop a migration half way: the result will name it
                work.note(f"could not record {name}: {fault}")

    try:
        work.run(work.php(target, "migrate", "--force"), on_line=note)
    except Failed as failed:
        did = f"applied before that, and still in the database: {', '.join(work.applied)}"
        raise Failed(f"{failed}; {did if work.applied else 'no migration was applied'}") from None
    if not work.applied:
        return "nothing to migrate"
    return f"{len(work.applied)} migration{'s' if len(work.applied) > 1 else ''} applied: {', '.join(work.applied)}"


def health(work: Work, release: str, path: str) -> str:
    root = Path(os.path.realpath(whole_release(work, release) / "public"))
    name, _, query = path.partition("?")
    status, page = fastcgi(
        work.settings.fpm_socket,
        {
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_SOFTWARE": "chom-host",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": "GET",
            "REQUEST_URI": path,
            "QUERY_STRING": query,
            "DOCUMENT_URI": name,
            "SCRIPT_NAME": "/index.php",
            "SCRIPT_FILENAME": str(root / "index.php"),
            "DOCUMENT_ROOT": str(root),
            "HTTP_HOST": work.settings.health_host,
            "HTTP_ACCEPT": "*/*",
            "HTTP_USER_AGENT": "chom-host",
            "HTTPS": "on",
            "REQUEST_SCHEME": "https",
            "SERVER_NAME": work.settings.health_host,
            "SERVER_PORT": "443",
            "SERVER_ADDR": "127.0.0.1",
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_PORT": "0",
            "REDIRECT_STATUS": "200",
        },
    )
    version = version_of(work.settings, release)
    said = [line.strip()[:500] for line in page.splitlines() if line.strip()][:5]
    for line in said:
        work.say(line)
    if not 200 <= status < 300:
        why = f": {reason_in(page) or said[0][:200]}" if said else ""
        raise Failed(f"{path} of {version} answers HTTP {status}{why}")
    return f"{path} of {version} answers HTTP {status}"


def reason_in(page: str) -> str:
    """What a JSON answer says under "error" or "message", as many health checks do; "" where there is none."""
    try:
        body: object = json.loads(page)
    except (ValueError, RecursionError):
        return ""
    said = cast(Json, body) if isinstance(body, dict) else {}
    told: object = said.get("error") or said.get("message")
    return " ".join(told.split())[:200] if isinstance(told, str) else ""


def switch(work: Work, release: str, workers: bool) -> str:
    target = whole_release(work, release)
    done = f"{version_of(work.settings, release)} is served"
    if served(work.settings) == release:
        done += " already"
    else:
        point_current(work.settings, release)
    with locked(work.settings):  # also where the link was right already: a crash may have come between the two
        past = activations(work.settings)
        if not past or past[-1]["release"] != release:
            at = max(int(time.time()), past[-1]["at"] + 1 if past else 0)  # whole seconds, and the order stays clear
            record = {"release": release, "at": at}
            append_json(Path(work.settings.state, "activations.jsonl"), record)
    if workers:
        work.run(work.php(target, "queue:restart"))
        done += ", and the queue workers were told to restart"
    return done


def point_current(settings: Settings, release: str) -> None:
    """The link that nginx follows ($realpath_root), replaced in one rename."""
    current, outer = settings.current_link, Path(settings.www, settings.link)
    if current.exists() and not current.is_symlink():
        raise Failed(f"{current} is not a link; move it away, and make it a link into releases/")
    if not outer.is_symlink():
        if outer.exists():
            raise Failed(f"{outer} is not a link to {settings.current}, so a switch would not reach what nginx serves")
        outer.symlink_to(settings.current)
    elif Path(os.path.normpath(outer.parent / outer.readlink())) != current:
        raise Failed(f"{outer} points to {outer.readlink()}, not to {settings.current}: a switch would reach nobody")
    fresh = current.with_name(f".{current.name}.next")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(f"releases/{release}")
    fresh.replace(current)
    sync_dir(current.parent)


def restart(work: Work, services: list[str]) -> str:
    now = served(work.settings)
    if not now:
        raise Failed("no release is served, so there are no queue workers to tell")
    work.run(work.php(work.settings.release(now), "queue:restart"))
    for service in services:
        argv = [work.settings.sudo, "-n", work.settings.systemctl, "reload", service]
        work.run(Command(f"systemctl reload {service}", argv, Path("/")))
    return "the queue workers were told to restart" + "".join(f", {service} was reloaded" for service in services)


def prune(work: Work, keep: int, protect: list[str]) -> str:
    """What goes is settled at once, before the slow part: a run that gave this job up may have a successor by then."""
    settings = work.settings
    uploads = [path for path in settings.incoming.iterdir() if path.name.endswith(".tar.gz")]
    last = {a["release"]: at for at, a in enumerate(activations(settings))}
    newest_first = sorted(kept(settings), key=lambda id_: (last.get(id_, -1), id_), reverse=True)
    stay = {*newest_first[:keep], *protect, served(settings), served_before(settings)}
    old = {id_: version_of(settings, id_) for id_ in sorted(newest_first) if id_ not in stay}
    removed = {id_: version for id_, version in old.items() if remove_tree(settings.release(id_))}
    if removed:
        work.note(f"removed {', '.join(removed)}")
    for left in settings.releases.glob(".*.gone"):
        remove_tree(left)
    for upload in uploads:
        upload.unlink(missing_ok=True)
    _forget(settings)
    return f"{', '.join(removed.values())} removed" if removed else "nothing to remove"


def _forget(settings: Settings) -> None:
    """Uploads that were never finished, and jobs that nobody will ask about any more."""
    now = time.time()
    for part in settings.incoming.iterdir():
        if not part.name.endswith(".tar.gz") and changed(part) < now - 86400:
            part.unlink(missing_ok=True)
    for directory in settings.jobs.iterdir():
        unborn = directory.name.startswith(".new.") and changed(directory) < now - 3600
        if unborn or changed(directory / "result.json") < now - REMEMBERED:
            shutil.rmtree(directory)


def changed(path: Path) -> float:
    """When a file was last written; now, for one that another program has just moved away."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


EFFECTS: Mapping[str, Callable[..., str]] = {
    "stage": stage,
    "unstage": unstage,
    "migrate": migrate,
    "health": health,
    "switch": switch,
    "restart": restart,
    "prune": prune,
}
"""What a job verb does: its sentence, or Failed."""


# ---- the channel ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wait:
    """What a request that is not answered yet waits for: some seconds, or the end of a process."""

    seconds: float
    pidfd: Optional[int] = None


Task = Generator[Wait, None, Json]


class Channel:
    """One connection: one thread, so that forking is safe; each request is a generator that yields while it waits."""

    def __init__(self, settings: Settings, agent: str) -> None:
        self._settings, self._agent = settings, agent
        self._tasks: dict[int, tuple[Task, Wait, float]] = {}
        self._verbs: Mapping[str, Callable[[int, Json], Task]] = {
            "hello": self._hello,
            "survey": self._survey,
            "fence": self._fence,
            "holds": self._holds,
            "begin": self._begin,
            "follow": self._follow,
        }

    def serve(self) -> int:
        """Until the client goes away; jobs go on without us. The exit status."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # jobs are reaped by nobody
        part = b""
        try:
            while True:
                if self._ready():
                    data = os.read(0, CHUNK)
                    if not data:
                        return 0
                    *lines, part = (part + data).split(b"\n")
                    for line in lines:
                        self._take(line)
                    if len(part) > LONGEST or any(len(line) > LONGEST for line in lines):
                        self._say({"id": None, "error": {"code": "bad request", "message": "a line is too long"}})
                        return 65
                self._turn()
        except BrokenPipeError:
            return 0

    def _ready(self) -> bool:
        """Sleep until there is something to do; whether that is to read."""
        now = time.monotonic()
        left = [max(0.0, since + wait.seconds - now) for _, wait, since in self._tasks.values()]
        ends = [wait.pidfd for _, wait, _ in self._tasks.values() if wait.pidfd is not None]
        readable, _, _ = select.select([0, *ends], [], [], min(left) if left else None)
        return 0 in readable

    def _say(self, message: Json) -> None:
        data = memoryview(json.dumps(message).encode() + b"\n")
        while data:
            data = data[os.write(1, data) :]

    def _take(self, line: bytes) -> None:
        """One request: answered at once, or kept as a task."""
        if not line.strip() or len(line) > LONGEST:
            return
        id_: Optional[int] = None
        try:
            request = self._object(line)
            id_ = request["id"]
            verb, args = request.get("verb"), request.get("args", {})
            if not isinstance(verb, str) or not isinstance(args, dict) or set(request) - {"id", "verb", "args"}:
                raise Refused("bad request", "a request is an id, a verb and an object of args")
            values = checked(VERBS, verb, cast(Json, args))
        except Refused as refused:
            self._refuse(id_, refused)
            return
        self._step(request["id"], self._verbs[verb](request["id"], values))

    def _object(self, line: bytes) -> Json:
        """The request, with an id that no other is answered under. Raises Refused."""
        try:
            said: object = json.loads(line)
        except (ValueError, RecursionError):
            raise Refused("bad request", "a request has to be one JSON object on one line") from None
        request = cast(Json, said) if isinstance(said, dict) else {}
        id_ = request.get("id")
        if type(id_) is not int or not 0 <= id_ <= 1 << 53:
            raise Refused("bad request", "a request needs an id, a whole number")
        if id_ in self._tasks:
            raise Refused("bad request", f"request {id_} is still being answered")
        if len(self._tasks) >= 256:
            raise Refused("busy", "256 requests of this connection are still being answered")
        return request

    def _refuse(self, id_: Optional[int], refused: Refused) -> None:
        if refused.error["code"] != "unknown job":
            log_line(self._settings, "chom-host", f"refused: {refused.error['code']}: {shown(str(refused))}")
        self._say({"id": id_, "error": refused.error})

    def _turn(self) -> None:
        for id_, (task, _, _) in list(self._tasks.items()):
            self._step(id_, task)

    def _step(self, id_: int, task: Task) -> None:
        """Let a request go on until it waits or is answered."""
        try:
            wait = next(task)
        except StopIteration as done:
            answer: Json = {"result": done.value}
        except Refused as refused:
            self._tasks.pop(id_, None)
            self._refuse(id_, refused)
            return
        except BrokenPipeError:
            raise
        except Exception as fault:  # noqa: BLE001  the other requests of this connection go on
            log_line(self._settings, "chom-host", redact(traceback.format_exc()))
            message = f"the server could not do it: {redact(str(fault))}"
            answer = {"error": {"code": "host error", "message": message}}
        else:
            self._tasks[id_] = (task, wait, time.monotonic())
            return
        self._tasks.pop(id_, None)
        self._say({"id": id_, **answer})

    # The verbs.

    def _hello(self, id_: int, args: Json) -> Task:
        yield from ()
        if args["protocol"] != PROTOCOL:
            raise Refused("protocol", f"this chom-host speaks protocol {PROTOCOL}, not {args['protocol']}")
        return {
            "protocol": PROTOCOL,
            "agent": self._agent,
            "host": socket.gethostname(),
            "boot": boot_id(),
            "fence": read_fence(self._settings),
        }

    def _survey(self, id_: int, args: Json) -> Task:
        yield from ()
        return survey(self._settings)

    def _fence(self, id_: int, args: Json) -> Task:
        return self._locked(lambda: self._raised(args["fence"]))

    def _raised(self, fence: int) -> Json:
        raise_fence(self._settings, fence)
        return {"fence": fence}

    def _holds(self, id_: int, args: Json) -> Task:
        try:
            file = self._settings.artifact(args["sha256"]).open("rb")
        except FileNotFoundError:
            return {"holds": False}
        digest = hashlib.sha256()
        with file:
            while data := file.read(CHUNK):
                digest.update(data)
                yield Wait(0)
        return {"holds": digest.hexdigest() == args["sha256"]}

    def _begin(self, id_: int, args: Json) -> Task:
        return self._locked(lambda: begin(self._settings, args))

    def _locked(self, act: Callable[[], Json]) -> Task:
        """Act under the lock; the other requests go on while it is waited for."""
        fd = open_lock(self._settings)
        try:
            deadline = time.monotonic() + PATIENCE
            while not try_lock(fd):
                if time.monotonic() > deadline:
                    raise Refused("busy", f"another chom-host has held this server's lock for {PATIENCE:g} s")
                yield Wait(0.005)
            return act()
        finally:
            os.close(fd)

    def _follow(self, id_: int, args: Json) -> Task:
        directory, offset = job_dir(self._settings, args["job"]), args["offset"]
        pidfd: Optional[int] = None
        watched = 0
        try:
            while True:
                claim = read_json(directory / "claim.json")
                if claim is None:
                    raise Refused("unknown job", f"{args['job']} was never begun on this server")
                if watched != claim["attempt"]:
                    pidfd, watched = open_pidfd(claim["pid"]), claim["attempt"]
                state = state_of(self._settings, directory, claim)  # before its lines: then none is missed
                while said := self._lines(directory / "log", offset, last=state["state"] != "running"):
                    for line, offset in said:
                        self._say({"id": id_, "line": line, "offset": offset})
                    yield Wait(0)
                if state["state"] != "running":
                    return state
                if pidfd is not None and select.select([pidfd], [], [], 0)[0]:
                    os.close(pidfd)  # its own process is gone; what that started is waited for
                    pidfd = None
                yield Wait(0.05, pidfd)
        finally:
            if pidfd is not None:
                os.close(pidfd)

    @staticmethod
    def _lines(path: Path, offset: int, last: bool) -> list[tuple[str, int]]:
        """(line, the offset behind it) of what is whole after `offset`; of a log that has ended, its torn end too."""
        try:
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read(CHUNK // 4)
        except FileNotFoundError:
            return []
        found: list[tuple[str, int]] = []
        for line in data.splitlines(keepends=True):
            if line.endswith(b"\n") or (last and len(data) < CHUNK // 4):
                offset += len(line)
                found.append((line.rstrip(b"\n").decode("utf-8", "replace"), offset))
        return found


# ---- uploads, and the way in ------------------------------------------------------------------------------------


def put(settings: Settings, sha256: str, size: int) -> Json:
    """Keep what comes on stdin, if it is what was announced. Raises Refused."""
    target = settings.artifact(sha256)
    if target.exists():
        with target.open("rb") as file:
            if sha256_of(file) == sha256:
                return {"sha256": sha256, "bytes": size, "stored": False}
    room = free_bytes(settings.incoming) - SPARE
    if size > settings.max_artifact:
        raise Refused("too large", f"{size} bytes are more than the {settings.max_artifact} that are allowed")
    if size > room:
        raise Refused("disk full", f"{size} bytes are needed and only {max(room, 0)} can be used on this disk")
    part = settings.incoming / f".{sha256}.{os.getpid()}.part"
    try:
        _receive(part, sha256, size)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sync_dir(settings.incoming)
    return {"sha256": sha256, "bytes": size, "stored": True}


def _receive(part: Path, sha256: str, size: int) -> None:
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    digest, left = hashlib.sha256(), size
    with os.fdopen(fd, "wb") as file:
        while left and (data := os.read(0, min(left, CHUNK))):
            digest.update(data)
            file.write(data)
            left -= len(data)
        if left:
            raise Refused("wrong size", f"the upload ended after {size - left} of {size} bytes")
        if digest.hexdigest() != sha256:
            raise Refused("wrong checksum", f"what arrived has the sha256 {digest.hexdigest()}, not {sha256}")
        file.flush()
        os.fsync(file.fileno())


def enter(settings: Settings, asked: str) -> int:
    """What the client asked for, or its refusal. The exit status."""
    upload = re.fullmatch(r"put ([0-9a-f]{64}) ([1-9][0-9]{0,15})", asked)
    if asked != "channel" and upload is None:
        client = shown(os.environ.get("SSH_CONNECTION", "").partition(" ")[0])
        log_line(settings, "chom-host", f"refused: {client or 'somebody'} asked for “{shown(asked)}”")
        answer({"error": {"code": "refused", "message": "this key opens a channel or puts an artifact, nothing else"}})
        return 77
    for path in (settings.jobs, settings.incoming, Path(settings.logs)):
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    if upload is None:
        return Channel(settings, sha256_of_self()).serve()
    try:
        answer({"result": put(settings, upload.group(1), int(upload.group(2)))})
    except Refused as refused:
        log_line(settings, "chom-host", f"refused: {refused.error['code']}: {refused}")
        answer({"error": refused.error})
        return 1
    return 0


def answer(message: Json) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def sha256_of_self() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


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
        answer({"error": {"code": "host error", "message": f"the server could not do it: {fault}"}})
        return 71


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
