"""An archive is unpacked while it arrives: a head start, without which staging unpacks by itself, and says why not."""

from __future__ import annotations

import os
import threading
from importlib import import_module
from pathlib import Path

from .base import SPARE, Failed
from .disk import free_bytes, remove_tree
from .processes import boot_id
from .settings import Settings


def head_start(settings: Settings, sha256: str) -> Path:
    """Where the files of that artifact lie. What was unpacked before a boot may not be on the disk whole."""
    return settings.releases / f".{sha256}.{boot_id()}.tree"


class HeadStart:
    """Unpacks beside whoever receives: `came` with what is written, then `keep` or `drop`, always one of them."""

    def __init__(self, settings: Settings, sha256: str, archive: Path) -> None:
        self._target = head_start(settings, sha256)
        self._tree = settings.releases / f".{sha256}.{os.getpid()}.part"
        self._most = min(settings.max_unpacked, free_bytes(settings.incoming) - SPARE)
        self._arriving = Arriving(archive)
        self._whole = False
        self._thread = threading.Thread(target=self._unpack, daemon=True)
        self._thread.start()

    def came(self, count: int) -> None:
        """So many bytes more are in the archive's file."""
        self._arriving.came(count)

    def keep(self) -> None:
        """The archive is what it should be."""
        self._end()
        if self._whole and not self._target.exists():
            self._tree.rename(self._target)

    def drop(self) -> None:
        """Nothing is left of it, but for what was kept."""
        self._end()
        remove_tree(self._tree)
        self._arriving.close()

    def _end(self) -> None:
        self._arriving.end()
        self._thread.join()

    def _unpack(self) -> None:
        unpack = import_module(".archives", __package__).unpack  # here, so that nothing that comes waits for tarfile
        try:
            self._tree.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._tree.mkdir(mode=0o750)
            unpack(self._arriving, self._tree, self._most)
            self._whole = True
        except (Failed, OSError):
            self._whole = False  # staging meets the same, and says so


class Arriving:
    """A file that another thread writes, read to its end: waits for what has not come yet."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._there, self._over = 0, False
        self._news = threading.Condition()

    def came(self, count: int) -> None:
        """So many bytes more."""
        with self._news:
            self._there += count
            self._news.notify()

    def end(self) -> None:
        """Nothing more comes."""
        with self._news:
            self._over = True
            self._news.notify()

    def read(self, size: int = -1) -> bytes:
        """At most so many bytes; b"" at the end."""
        with self._news:
            while not self._over and self._file.tell() >= self._there:
                self._news.wait()
        return self._file.read(size)

    def seek(self, to: int, whence: int = os.SEEK_SET) -> int:
        """As a file's."""
        return self._file.seek(to, whence)

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()
