"""The Dockerfile built by buildah, which needs no daemon, on a base that is made here under the official name."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.vps import LAB

TOP = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.12-slim-bookworm"
NAME = "localhost/chom-bot:lab"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""This machine's own: what it trusts is mounted for the RUN steps, and is in no layer."""


def buildah(*words: str | Path, **more: object) -> str:
    """Its output. Raises RuntimeError with what it said."""
    store = LAB / "image"
    argv = ["buildah", "--root", store / "store", "--runroot", store / "run", *words]
    env = {**os.environ, "STORAGE_DRIVER": "overlay", "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(store)}
    store.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(word) for word in argv], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"buildah {words[0]} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        )
    return done.stdout.strip()


def base() -> None:
    """Debian with Python, as the image of that name has it, made once."""
    if BASE in buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    rootfs = LAB / "image/python.tar"
    made = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", "--include=python3,python3-venv,ca-certificates",
         "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Languages "none"',
         '--customize-hook=ln -s python3 "$1/usr/bin/python"', "bookworm", str(rootfs)],
        capture_output=True, text=True, check=False)  # fmt: skip
    assert made.returncode == 0, made.stderr[-3000:]
    container = buildah("from", "scratch")
    buildah("add", "-q", container, rootfs, "/")
    buildah("config", "--env", "PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", container)
    buildah("commit", "-q", "--rm", container, BASE)
    rootfs.unlink()


def build() -> None:
    """The Dockerfile as it stands, under NAME."""
    base()
    pip = LAB / "image/pip.conf"
    pip.write_text(f"[global]\ncert = {CERTIFICATES}\n")
    buildah("build", "--format", "docker", "--pull-never", "--network", "host", "--layers=false",
            "-v", f"{CERTIFICATES}:{CERTIFICATES}:ro", "-v", f"{pip}:/etc/pip.conf:ro", "-t", NAME, TOP)  # fmt: skip


@contextmanager
def built() -> Iterator[Path]:
    """The image built, and its root file system as a directory of its own."""
    build()
    container = buildah("from", "--pull-never", NAME)
    try:
        yield Path(buildah("mount", container))
    finally:
        buildah("rm", container)
        buildah("rmi", NAME)
