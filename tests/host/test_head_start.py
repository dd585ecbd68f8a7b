"""What is unpacked while it arrives is the same as what staging unpacks by itself, and nothing of it is ever left."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from tests.host.server import RELEASE_FILES, Channel, Server, tar_gz

R1, R2 = "20261121_100000", "20261122_100000"
LARGE = {**RELEASE_FILES, **{f"public/assets/{n}.bin": os.urandom(100_000) for n in range(20)}}


def trees(server: Server) -> list[Path]:
    return [path for path in (server.www / "releases").iterdir() if path.name.startswith(".")]


def content(top: Path) -> dict[str, tuple[int, bytes | str]]:
    found = dict[str, tuple[int, bytes | str]]()
    for path in sorted(top.rglob("*")):
        is_file = path.is_file() and not path.is_symlink()
        body = path.read_bytes() if is_file else str(path.readlink()) if path.is_symlink() else ""
        found[str(path.relative_to(top))] = (path.lstat().st_mode, "" if path.name == ".chom-release.json" else body)
    return found


def test_a_release_that_was_unpacked_while_it_arrived_is_as_one_that_was_not(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.0", tar_gz(LARGE))
    (tree,) = trees(server)
    assert channel.run("run/stage/forward", "stage", args)["ok"]
    assert "unpacked while it arrived" in server.log() and not tree.exists()
    assert channel.run("more/stage/forward", "stage", {**args, "release": R2})["ok"], "from the archive, again"
    assert content(server.www / "releases" / R1) == content(server.www / "releases" / R2)
    assert trees(server) == []


@pytest.mark.parametrize("size", [0, 1, 500, 1_000_000, 1_900_000])
def test_an_upload_that_breaks_off_anywhere_leaves_no_tree(server: Server, size: int) -> None:
    data = tar_gz(LARGE)
    assert len(data) > 1_900_000
    server.enter(f"put {hashlib.sha256(data).hexdigest()} {len(data)}", data[:size])
    assert trees(server) == [] and list((server.state / "incoming").iterdir()) == []


def test_an_upload_with_another_checksum_leaves_no_tree(server: Server) -> None:
    data = tar_gz(LARGE)
    status, answer = server.enter(f"put {'0' * 64} {len(data)}", data)
    assert (status, answer["error"]["code"]) == (1, "wrong checksum")
    assert trees(server) == []


def test_a_tree_of_an_earlier_boot_is_not_trusted(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.0", tar_gz(LARGE))
    (tree,) = trees(server)
    (tree / "artisan").write_text("half of it was on the disk")
    tree.rename(tree.with_name(f".{args['sha256']}.{'0' * 8}-0000-0000-0000-{'0' * 12}.tree"))
    assert channel.run("run/stage/forward", "stage", args)["ok"]
    assert (server.www / "releases" / R1 / "artisan").read_text() == RELEASE_FILES["artisan"]


def test_trees_that_nobody_came_for_are_removed(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.0")
    assert channel.run("run/stage/forward", "stage", args)["ok"]
    server.stage_args(R2, "v1.1")
    killed = server.www / "releases" / f".{'a' * 64}.4711.part"
    killed.mkdir()
    fresh = killed.with_name(f".{'b' * 64}.4712.part")
    fresh.mkdir()
    os.utime(killed, (time.time() - 90_000,) * 2)
    assert channel.run("run/switch/forward", "switch", {"release": R1, "workers": False})["ok"]
    assert channel.run("run/retain/forward", "prune", {"keep": 5, "protect": [R1]})["ok"]
    assert trees(server) == [fresh]
