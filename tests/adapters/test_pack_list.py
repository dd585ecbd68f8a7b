"""The list of versions is never half, whoever packs beside it or is killed, and nobody's words in it are lost."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from pathlib import Path

from tests.adapters.packing import AT, chom_bot, listed, packed, refused
from tests.adapters.trees import COMMIT, tree


def test_the_newest_is_first_and_what_others_wrote_stays(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    packed(directory, out, "v1.1", days=1)
    index = json.loads((out / "index.json").read_text())
    index["releases"][0]["note"] = "by hand"
    index["more"] = True
    (out / "index.json").write_text(json.dumps(index))
    (directory / "new.php").write_text("<?php\n")
    packed(directory, out, "v1.2", days=2)
    (directory / "old.php").write_text("<?php\n")
    packed(directory, out, "v1.0", days=0)
    assert listed(out) == ["v1.2", "v1.1", "v1.0"]
    index = json.loads((out / "index.json").read_text())
    assert index["more"] is True and index["releases"][1]["note"] == "by hand"


def test_the_same_again_changes_nothing_and_other_content_needs_a_word(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    assert packed(directory, out).fresh
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = packed(directory, out, days=3)
    assert not again.fresh and again.entry.made == AT
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (directory / "new.php").write_text("<?php\n")
    (fault,) = refused(directory, out)
    assert fault.startswith("v1.2 is there already, from commit 1f0c2d3e4b and with other content (sha256 ")
    assert fault.endswith("Give this one another version, or say --replace.")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert packed(directory, out, replace=True, days=3).fresh
    assert listed(out) == ["v1.2"]


def test_a_broken_list_is_not_overwritten(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    out.mkdir()
    (out / "index.json").write_text('{"releases": [{}]}')
    (fault,) = refused(directory, out)
    assert "index.json is broken: entry 1 has no version" in fault and "Repair it, or move it away." in fault
    assert (out / "index.json").read_text() == '{"releases": [{}]}'


def test_four_at_once_are_all_listed(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    processes = [
        chom_bot(directory, "--version", f"v1.{n}", "--commit", COMMIT, "--out", out, SOURCE_DATE_EPOCH=str(10**9 + n))
        for n in range(4)
    ]
    for process in processes:
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
    assert listed(out) == [f"v1.{n}" for n in reversed(range(4))]
    assert {path.name for path in out.glob("*.tar.gz")} == {f"chom-v1.{n}.tar.gz" for n in range(4)}


def test_one_that_is_killed_leaves_the_list_as_it_was(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    packed(directory, out, "v1.1")
    before = (out / "index.json").read_bytes()
    with (directory / "big.bin").open("wb") as big:
        for n in range(64):
            big.write(hashlib.sha256(str(n).encode()).digest() * 32_768)
    process = chom_bot(directory, "--version", "v1.2", "--commit", COMMIT, "--out", out)
    deadline = time.monotonic() + 30
    while not any(part.stat().st_size for part in out.glob(".packing.*.part")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL and list(out.glob(".packing.*.part"))
    assert (out / "index.json").read_bytes() == before
    packed(directory, out, "v1.2")
    assert not list(out.glob(".packing.*.part")) and set(listed(out)) == {"v1.1", "v1.2"}
