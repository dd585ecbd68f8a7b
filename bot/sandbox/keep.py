"""The sandbox's directory: what has to be the same after a restart (ports, keys, passwords) is made once and kept."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import asyncssh

MARKER = "this-is-a-chom-sandbox"
_LONGEST_SOCKET = 100
"""Bytes: a Unix socket's path may have about 107."""


_LOCKED: list[IO[str]] = []
"""The locks on port numbers."""


class NotASandbox(Exception):
    """The directory holds something else; the message is a sentence."""


def is_free(port: int) -> bool:
    """Whether somebody could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def any_port() -> int:
    """A free port outside the range from which the kernel takes ports for clients.

    Inside it, a client that knocks at a server which is down can be given that very port, and be answered by itself.
    Two sandboxes that start at once get different ones: a lock on the number is held as long as this process lives.
    """
    return next(
        port for port in iter(lambda: 20_000 + secrets.randbelow(10_000), None) if is_free(port) and _lock(port)
    )


def _lock(port: int) -> bool:
    locks = Path(tempfile.gettempdir()) / f"chom-{os.getuid()}-ports"
    locks.mkdir(mode=0o700, exist_ok=True)
    file = (locks / str(port)).open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    _LOCKED.append(file)
    return True


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


class Keep:
    """DIR and the small things in it. Made by `open_keep`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ports_file = directory / "ports.json"
        known = self._ports_file.read_text(encoding="utf-8") if self._ports_file.exists() else "{}"
        self._given: set[str] = set()
        self._ports: dict[str, int] = json.loads(known)

    def port(self, name: str) -> int:
        """A port for `name`: the one it had before where that is free, else another; asked again, the same."""
        before = self._ports.get(name, 0)
        if name not in self._given and not (before and is_free(before)):
            taken = {port for other, port in self._ports.items() if other != name}
            self._ports[name] = next(port for port in iter(any_port, None) if port not in taken)
            self._ports_file.write_text(json.dumps(self._ports, indent=2) + "\n", encoding="utf-8")
        self._given.add(name)
        return self._ports[name]

    def secret(self, name: str) -> str:
        """A random word, made once, that only its owner can read."""
        path = self.directory / name
        if not path.exists():
            _private(path, secrets.token_urlsafe(24))
        return path.read_text(encoding="utf-8")

    def key(self, path: Path) -> str:
        """The public part ("ssh-ed25519 AAAA…") of the private key at `path`, which is made once."""
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = asyncssh.generate_private_key("ssh-ed25519")  # pyright: ignore[reportUnknownMemberType]
            _private(path, made.export_private_key().decode())
        public = asyncssh.read_private_key(path).export_public_key().decode()
        return " ".join(public.split()[:2])

    def socket(self, name: str) -> Path:
        """A path for a Unix socket: in DIR, or where that is too long for one, in a short directory of its own."""
        wanted = self.directory / "run" / f"{name}.sock"
        if len(os.fsencode(wanted)) > _LONGEST_SOCKET:
            mark = hashlib.sha256(os.fsencode(self.directory)).hexdigest()[:12]
            wanted = Path(tempfile.gettempdir()) / f"chom-{os.getuid()}-{mark}" / wanted.name
        wanted.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = wanted.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise NotASandbox(f"{wanted.parent} belongs to somebody else; name a shorter directory with --dir.")
        return wanted


@contextmanager
def open_keep(directory: Path, reset: bool) -> Generator[Keep, None, None]:
    """The sandbox in that directory, made where there is none, emptied first with `reset`; one process at a time.

    Raises NotASandbox where the directory holds something that no sandbox made, or where another one runs in it.
    """
    directory = directory.absolute()
    if directory.exists() and not directory.is_dir():
        raise NotASandbox(f"{directory} is a file; name a directory with --dir.")
    if directory.exists() and any(directory.iterdir()) and not (directory / MARKER).exists():
        what = "nothing in it was deleted" if reset else "nothing in it was touched"
        raise NotASandbox(f"{directory} is not a sandbox's directory, so {what}. Name another one with --dir.")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / MARKER).open("a") as marker:
        try:
            fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotASandbox(
                f"Another sandbox runs in {directory}. Stop that one, or name another directory with --dir."
            ) from None
        if reset:
            _empty(directory)
        yield Keep(directory)


def _empty(directory: Path) -> None:
    """Remove all but the marker, which is locked."""
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != MARKER:
            entry.unlink()
