"""What a server would refuse, or what changes meanwhile, is not packed: every fault is said at once."""

from __future__ import annotations

import os
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.engine.artifacts.packing import CannotPack, Order, pack
from actions.engine.artifacts.packing.ignored import Ignored
from actions.engine.artifacts.packing.tarball import write
from actions.engine.artifacts.packing.tree import Member, tree_of
from tests.adapters.packing import AT, refused
from tests.adapters.trees import COMMIT, tree


def _link(to: str) -> Callable[[Path], None]:
    return lambda app: (app / "evil").symlink_to(to)


def _socket(app: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(app / "evil"))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_link("/etc/passwd"), "“evil” is a link to “/etc/passwd”, which points out of the release."),
        (_link("../secret"), "“evil” is a link to “../secret”, which points out of the release."),
        (_link("public/../../x"), "“evil” is a link to “public/../../x”, which points out of the release."),
        (lambda app: os.mkfifo(app / "evil"), '"evil" is a named pipe; take it away, or name it in .chomignore.'),
        (_socket, '"evil" is a socket; take it away, or name it in .chomignore.'),
        (lambda app: (app / "artisan").chmod(0o4755), '"artisan" has a setuid, setgid or sticky bit (4000)'),
        (lambda app: (app / "artisan").chmod(0o2755), '"artisan" has a setuid, setgid or sticky bit (2000)'),
        (lambda app: (app / "a\nb").touch(), "has a control character or a byte that is not UTF-8 in its name."),
        (lambda app: Path(os.fsdecode(os.fsencode(app) + b"/\xff")).touch(), "a byte that is not UTF-8 in its name."),
        (lambda app: (app / "artisan").unlink(), "has no artisan, so it is no release of CHOM."),
        (lambda app: (app / "public/index.php").unlink(), "has no public/index.php, so it is no release of CHOM."),
        (lambda app: (app / "vendor/autoload.php").unlink(), "composer install --no-dev"),
        (lambda app: (app / ".chomignore").write_bytes(b"\xff"), ".chomignore cannot be read"),
    ],
)  # fmt: skip
def test_what_a_server_would_refuse_is_refused(tmp_path: Path, spoil: Callable[[Path], object], said: str) -> None:
    directory = tree(tmp_path / "app")
    spoil(directory)
    (fault,) = refused(directory, tmp_path / "out")
    assert said in fault


def test_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".chomignore").write_text("*/\n")
    faults = tree_of(Path("/dev"), Ignored.of(tmp_path), tmp_path).faults
    assert any(fault.endswith("is a device; take it away, or name it in .chomignore.") for fault in faults)


def test_every_fault_at_once_and_not_thousands(tmp_path: Path) -> None:
    directory = tree(tmp_path / "app")
    (directory / "artisan").unlink()
    for n in range(30):
        (directory / f"evil{n:02}").symlink_to("/etc/passwd")
    faults = refused(directory, tmp_path / "out")
    assert faults[20] == "… and 10 more." and "has no artisan" in faults[21] and len(faults) == 22
    words = refused(directory, tmp_path / "out", version="latest")
    assert words == ('"latest" is not a version; one looks like v1.2 or v1.0.1.',)
    with pytest.raises(CannotPack, match="git rev-parse HEAD"):
        pack(Order(directory, "v1.2", "main", tmp_path / "out", AT))
    with pytest.raises(CannotPack, match="is no directory"):
        pack(Order(tmp_path / "nowhere", "v1.2", COMMIT, tmp_path / "out", AT))


def test_what_changes_while_it_is_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "grows").write_text("more than was seen")
    info = tarfile.TarInfo("grows")
    info.size = 4
    with pytest.raises(OSError, match="it changed while it was packed"):
        write([Member("grows", tmp_path / "grows", info)], tmp_path / "out.tar.gz")
