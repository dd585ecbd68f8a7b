"""A server in a directory: the real chom-host as a process over pipes, with a php, a sudo and a PHP-FPM of our own."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

from tests.support.agent import agent, compiled

AGENT, QUICK = agent(), compiled()
LOG = "deployment_20261123_222151"
Json = dict[str, Any]

PHP = f"""#!{sys.executable} -IS
import json, os, pathlib, subprocess, sys, time
here = pathlib.Path(__file__).parent
artisan, verb, options = sys.argv[1], sys.argv[2], sys.argv[3:]
release = pathlib.Path(artisan).parent
with open(here / "php.log", "a") as log:
    log.write(json.dumps({{"verb": verb, "options": options, "cwd": os.getcwd(), "release": release.name,
                           "pid": os.getpid(), "env": dict(os.environ), "nice": os.nice(0)}}) + "\\n")
script = here / ("php-" + verb.replace(":", "-") + ".py")
if script.exists():
    exec(script.read_text())
else:
    print(verb + " is done")
"""
SUDO = f"""#!{sys.executable} -IS
import pathlib, sys
with open(pathlib.Path(__file__).parent / "sudo.log", "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
sys.exit(1 if "broken" in sys.argv[-1] else 0)
"""


def tar_gz(files: dict[str, str | bytes], extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """An archive with those files, and then those members as they are (their `data` attribute, if any, behind them)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755 if name == "artisan" else 0o644
            tar.addfile(member, io.BytesIO(data))
        for member in extra or []:
            tar.addfile(member, io.BytesIO(b"x" * member.size) if member.isreg() else None)
    return gzip.compress(out.getvalue(), 1, mtime=0)


RELEASE_FILES: dict[str, str | bytes] = {
    "artisan": "#!/usr/bin/env php\n",
    "public/index.php": "<?php\n",
    "database/migrations/2025_01_01_000000_create_notes.php": "<?php\n",
    "storage/app/from-the-archive": "not used",
}


class Refusal(Exception):
    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.code, self.error = error["code"], error


class Channel:
    """A client of one chom-host process."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.last = 0
        self.rest = b""
        self.heard: list[Json] = []

    def send(self, verb: str, /, **args: Any) -> int:
        self.last += 1
        self.raw(json.dumps({"id": self.last, "verb": verb, "args": args}).encode() + b"\n")
        return self.last

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def next(self, timeout: float = 20) -> Json | None:
        """The next message, None at the end of the stream."""
        assert self.process.stdout is not None
        while b"\n" not in self.rest:
            ready, _, _ = select.select([self.process.stdout], [], [], timeout)
            assert ready, f"chom-host said nothing for {timeout} s"
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                return None
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def answer(self, id_: int, lines: list[str] | None = None, timeout: float = 20) -> Json:
        """The end of that request, with its lines collected on the way; others' messages are kept."""
        while True:
            kept = next((m for m in self.heard if m.get("id") == id_), None)
            if kept is not None:
                self.heard.remove(kept)
            message = kept or self.next(timeout)
            assert message is not None, "chom-host went away"
            if message.get("id") != id_:
                self.heard.append(message)
            elif "line" in message:
                if lines is not None:
                    lines.append(message["line"])
            elif "error" in message:
                raise Refusal(message["error"])
            else:
                return message["result"]

    def ask(self, verb: str, /, **args: Any) -> Json:
        return self.answer(self.send(verb, **args))

    def begin(self, job: str, verb: str, args: Json, fence: int = 1, timeout: int = 30, retry: bool = False) -> Json:
        return self.ask("begin", job=job, fence=fence, verb=verb, args=args, timeout=timeout, log=LOG, retry_lost=retry)

    def follow(self, job: str, lines: list[str] | None = None, offset: int = 0) -> Json:
        return self.answer(self.send("follow", job=job, offset=offset), lines)

    def run(self, job: str, verb: str, args: Json, **more: Any) -> Json:
        """Begin and follow to the end."""
        state = self.begin(job, verb, args, **more)
        return self.follow(job) if state["state"] == "running" else state

    def close(self) -> int:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        status = self.process.wait(20)
        self.process.stdout.close()
        return status


class Server:
    """Paths below `root`, and ways to enter."""

    def __init__(self, root: Path, python: str = sys.executable) -> None:
        self.root, self.python = root, python
        self.www, self.state, self.logs, self.bin = root / "www", root / "state", root / "logs", root / "bin"
        for path in (self.www / "shared", self.logs, self.bin):
            path.mkdir(parents=True)
        (self.www / "shared/.env").write_text("APP_KEY=base64:c2VjcmV0\nDB_PASSWORD='correct horse'\nAPP_NAME=chom\n")
        self.program("php", PHP)
        self.program("sudo", SUDO)
        self.settings(fpm_socket=str(root / "fpm.sock"))
        self.channels: list[Channel] = []

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def artisan(self, verb: str, script: str) -> None:
        """What the fake php does for an artisan command."""
        (self.bin / f"php-{verb.replace(':', '-')}.py").write_text(script)

    def php_log(self, verb: str = "") -> list[Json]:
        path = self.bin / "php.log"
        calls = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [call for call in calls if call["verb"] == verb or not verb]

    def settings(self, **more: Any) -> None:
        path = self.root / "host.json"
        known = json.loads(path.read_text()) if path.exists() else {
            "www": str(self.www), "state": str(self.state), "logs": str(self.logs), "php": str(self.bin / "php"),
            "sudo": str(self.bin / "sudo"), "services": ["php8.2-fpm", "broken"],
                "caches": [],
        }  # fmt: skip
        path.write_text(json.dumps({**known, **more}))

    def start(self, asked: str | None = "channel", **more: Any) -> subprocess.Popen[bytes]:
        env = {"PATH": "/usr/bin:/bin", **({} if asked is None else {"SSH_ORIGINAL_COMMAND": asked})}
        argv = [self.python, "-IS", str(QUICK), "--config", str(self.root / "host.json")]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=more.pop("stderr", pipe), env=env, **more)

    def enter(self, asked: str | None, stdin: bytes = b"") -> tuple[int, Json]:
        """One session that is not a channel: (exit status, its one line)."""
        process = self.start(asked)
        out, err = process.communicate(stdin, timeout=60)
        assert err == b""
        assert out.count(b"\n") == 1, out
        return process.returncode, json.loads(out)

    def channel(self) -> Channel:
        channel = Channel(self.start(stderr=subprocess.DEVNULL))
        self.channels.append(channel)
        return channel

    def close(self) -> None:
        for channel in self.channels:
            if channel.process.poll() is None:
                channel.process.kill()
            channel.process.wait()
            for stream in (channel.process.stdin, channel.process.stdout):
                if stream is not None:
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()
        for claim in self.state.glob("jobs/*/claim.json"):
            kill_session(json.loads(claim.read_bytes())["pid"])

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        status, answer = self.enter(f"put {sha256} {len(data)}", data)
        assert status == 0, answer
        return sha256

    def stage_args(self, release: str, version: str, data: bytes | None = None) -> Json:
        """Upload, and what `stage` wants."""
        data = data if data is not None else tar_gz({**RELEASE_FILES, "version.php": f"<?php return '{version}';"})
        return {"release": release, "version": version, "commit": "a" * 40, "sha256": self.put(data)}

    def claim(self, job: str) -> Json:
        return json.loads((self.state / "jobs" / job.replace("/", "~") / "claim.json").read_text())

    def log(self, stem: str = LOG) -> str:
        path = self.logs / f"{stem}.log"
        return path.read_text() if path.exists() else ""


def kill_session(session: int) -> None:
    """SIGKILL to every process of a job's session."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
                if int(stat[stat.rindex(")") + 2 :].split()[3]) == session:
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue


def target(path: Path) -> str:
    """What a link says."""
    return str(path.readlink())


def until(true: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)
