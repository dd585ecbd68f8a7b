"""What a job has in its hands: its log, its commands, and what a verb is."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from .arguments import Check
from .base import CHUNK, LINE, PATH, Failed, Json
from .logs import log_line
from .processes import end_session, wait_for
from .redaction import redact
from .settings import Settings

MAX_LOG = 8 << 20
"""Bytes of a job's log; what comes after is dropped, and the log says so."""
MAX_RAW = 64 << 20
"""Bytes of a command's output that are on the disk at once."""
SAID = 300
"""Characters of a command's last line that a sentence repeats at most."""


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
                why = f": {one.output.newest}" if one.explains and one.output.newest else ""
                raise Failed(f"{one.title} {ended_how(one.child.returncode)}{why}")

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
                stdin=subprocess.DEVNULL if command.stdin is None else command.stdin,
                stdout=fd if command.stdout is None else command.stdout,
                stderr=fd,
                umask=0o007,  # what artisan makes in shared/storage is PHP-FPM's too, by the group
            )
        except OSError as fault:
            os.close(fd)
            raw.unlink()
            raise Failed(f"{command.title} cannot be started: {fault}") from None
        finally:
            for taken in (command.stdin, command.stdout):
                if taken is not None:
                    os.close(taken)
        return Running(command.title, child, Output(raw, fd), command.explains)


@dataclass(frozen=True)
class Command:
    """A program to run: never a shell's line."""

    title: str
    argv: list[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    stdin: Optional[int] = None
    """A descriptor that it takes over, in the place of nothing."""
    stdout: Optional[int] = None
    """A descriptor that it takes over, in the place of the log."""
    explains: bool = False
    """Whether the last line that it writes to the log says why it failed, so that it belongs to the sentence."""


@dataclass
class Output:
    """What a command writes: to a file, unredacted and only as long as the command is watched."""

    path: Path
    fd: int
    at: int = 0
    rest: bytes = b""
    newest: str = ""
    """The last line with anything in it, redacted."""

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
        self.newest = redact(text.strip(), work.known)[:SAID] or self.newest
        on_line(text)
        work.say(text)


@dataclass(frozen=True)
class Running:
    """A command that was started."""

    title: str
    child: subprocess.Popen[bytes]
    output: Output
    explains: bool


def ended_how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"failed with exit status {status}"


@dataclass(frozen=True)
class Verb:
    """What a job may do: the arguments it takes, each as its check wants it, and its effect, idempotent.

    `effect` is called with the work and the arguments; it answers a sentence, or raises Failed with one.
    """

    args: Mapping[str, Check]
    effect: Callable[..., str]
    aside: bool = False
    """It works on what nobody is served yet, or any more, and leaves the processor to what is served."""
