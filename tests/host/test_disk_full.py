"""A disk that fills up in mid-job: it is told as a full disk, and no job and no result is lost to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import disk
from tests.host.server import AGENT, Channel, Refusal, Server, until

R1 = "20261121_100000"
STAGE = "chg-7f3kq2/stage/forward"
SLOW = """
(here / "at-work").touch()
while not (here / "go").exists(): time.sleep(0.01)
print("file_put_contents(): No space left on device")
sys.exit(1)
"""


class Box:
    """A server whose disk is full while `full` exists."""

    def __init__(self, server: Server, full: Path) -> None:
        self.server, self.full = server, full
        program = server.root / "wrapped"
        program.write_text(f"import runpy, sys\nsys.argv[1:1] = [{str(full)!r}, {str(AGENT)!r}]\n"
                           f"runpy.run_path({str(Path(disk.__file__))!r}, run_name='__main__')\n")  # fmt: skip
        server.python = str(server.bin / "python")
        server.program("python", f'#!/bin/sh\nshift 2\nexec {sys.executable} -ISXutf8 {program} "$@"\n')
        self.channel = server.channel()

    def fill(self) -> None:
        self.full.touch()

    def empty(self) -> None:
        self.full.unlink()


@pytest.fixture
def box(server: Server, tmp_path: Path) -> Iterator[Box]:
    yield Box(server, tmp_path / "disk-is-full")


def begun(box: Box) -> Channel:
    """A stage whose caches are being built."""
    box.server.settings(caches=["config:cache"])
    box.server.artisan("config:cache", SLOW)
    args = box.server.stage_args(R1, "v1.0")
    assert box.channel.begin(STAGE, "stage", args)["state"] == "running"
    until(lambda: (box.server.bin / "at-work").exists())
    return box.channel


def test_a_disk_that_fills_up_in_mid_copy_is_told_as_a_full_disk_and_half_a_release_is_removed(box: Box) -> None:
    channel = begun(box)
    box.fill()
    (box.server.bin / "go").touch()
    end = channel.follow(STAGE)
    assert (end["state"], end["ok"]) == ("ended", False)
    assert end["summary"] == "php artisan config:cache failed with exit status 1; the disk of this server is full"
    assert end["lines"][-1] == "file_put_contents(): No space left on device"
    assert list((box.server.www / "releases").iterdir()) == [], "what was copied is of no use, and takes room"
    assert channel.follow(STAGE) == end, "its result was written, although the disk was full"


def test_nothing_is_begun_on_a_full_disk_and_it_says_why(box: Box) -> None:
    args = box.server.stage_args(R1, "v1.0")
    box.fill()
    with pytest.raises(Refusal, match="the disk of this server is full") as refused:
        box.channel.begin(STAGE, "stage", args)
    assert refused.value.code == "disk full"
    with pytest.raises(Refusal) as refused:
        box.channel.follow(STAGE)
    assert refused.value.code == "unknown job"
    box.empty()
    assert box.channel.run(STAGE, "stage", args)["ok"], "and it is begun once there is room"
