"""The root file systems that the lab's servers are booted from, each built once by mmdebstrap and kept in .lab."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LAB = Path(os.environ.get("CHOM_LAB_DIR", Path(__file__).parent.parent.parent / ".lab")).absolute()


@dataclass(frozen=True)
class Base:
    """One release of Debian with everything on it that any of the lab's servers runs; see vps.Role for which does."""

    suite: str
    php: str
    """The version of PHP that this Debian has, for example "8.2"."""

    @property
    def packages(self) -> str:
        """Names of Debian packages, separated by blanks."""
        php = [f"php{self.php}-{part}" for part in ("fpm", "mysql", "cli", "mbstring", "xml", "curl")]
        return " ".join([*SYSTEM, *SITE, *php, *MONITORING])

    @property
    def root(self) -> Path:
        """Where it lies. Never written to: each server is an overlay on it."""
        return LAB / f"base-{self.suite}"

    @property
    def mark(self) -> Path:
        """Holds the packages of a base that is whole."""
        return LAB / f"base-{self.suite}.packages"


SYSTEM = "systemd systemd-sysv dbus libpam-systemd openssh-server sudo iproute2 curl ca-certificates procps".split()  # noqa: SIM905  a list of packages reads as one
SITE = "nginx-light php-redis php-laravel-framework mariadb-server redis-server supervisor python3 faketime".split()  # noqa: SIM905
MONITORING = """
    prometheus prometheus-alertmanager prometheus-node-exporter prometheus-nginx-exporter prometheus-mysqld-exporter
    mtail
""".split()  # noqa: SIM905
BOOKWORM, TRIXIE = Base("bookworm", "8.2"), Base("trixie", "8.4")
BASES = (BOOKWORM, TRIXIE)

TIMERS = "fstrim apt-daily apt-daily-upgrade e2scrub_all man-db phpsessionclean dpkg-db-backup"
MASKED = ["systemd-timesyncd.service", "systemd-networkd-wait-online.service", "systemd-networkd.service"]
MASKED += [f"{timer}.timer" for timer in TIMERS.split(" ")]
"""Masked, or the boot is slow."""


def sh(*argv: str | Path, stdin: bytes | None = None, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run a command; its output is in the exception where it fails."""
    done = subprocess.run([str(word) for word in argv], input=stdin, capture_output=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"{argv} exited with {done.returncode}:\n{done.stdout[-3000:]!r}\n{done.stderr[-3000:]!r}")
    return done


@contextlib.contextmanager
def phase(name: str) -> Iterator[None]:
    """Say on stderr and at the end of the tests how long what is done here took."""
    began = time.monotonic()
    try:
        yield
    finally:
        told(f"{name}: {time.monotonic() - began:.1f} s")


PHASES: list[str] = []


def told(said: str) -> None:
    """Say on stderr, and at the end of the tests, what was measured."""
    PHASES.append(said)
    sys.stderr.write(f"lab: {said}\n")


def build(base: Base) -> None:
    """Make it where it is missing or its list of packages is another."""
    if base.root.exists() and base.mark.exists() and base.mark.read_text() == base.packages:
        return
    LAB.mkdir(parents=True, exist_ok=True)
    base.mark.unlink(missing_ok=True)
    shutil.rmtree(base.root, ignore_errors=True)
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{what}/*" for what in ("man", "doc", "locale")]
    sh("mmdebstrap", "--quiet", "--variant=apt", f"--include={','.join(base.packages.split())}",
       '--aptopt=Acquire::Languages "none"', "--dpkgopt=force-unsafe-io", *excluded, base.suite, base.root)  # fmt: skip
    for unit in MASKED:
        link = base.root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    base.mark.write_text(base.packages)


def build_all() -> None:
    """All of them, at once: each waits for its downloads half of the time."""
    with phase("root file systems"), ThreadPoolExecutor(len(BASES)) as pool:
        list(pool.map(build, BASES))
