"""What chom-bot pack says, to a developer and in the example of a pipeline."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from actions.engine.artifacts.packing import Order, pack
from tests.adapters.packing import AT, chom_bot, listed, packed, pipeline, steps_of
from tests.adapters.trees import COMMIT, MIGRATIONS, PACKED, tree


def git(directory: Path, *words: str) -> str:
    who = ("-c", "user.name=Dana", "-c", "user.email=dana@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *who, *words], cwd=directory, check=True, capture_output=True, text=True).stdout


def test_a_tree_that_is_not_its_commit_and_packages_for_developers_are_noted(tmp_path: Path) -> None:
    directory = tree(
        tmp_path / "app", **{"vendor/composer/installed.json": '{"dev": true, "dev-package-names": ["a"]}'}
    )
    (directory / ".git/config").unlink()
    (directory / ".git").rmdir()
    git(directory, "init", "-q")
    git(directory, "add", "artisan", "composer.json")
    git(directory, "commit", "-qm", "first")
    head = git(directory, "rev-parse", "HEAD").strip()
    notes = packed(directory, tmp_path / "out").notes
    assert f"{directory} is at commit {head[:10]}, and the artifact says {COMMIT[:10]}." in notes
    assert "vendor/ holds 1 packages for developers; composer install --no-dev leaves them out." in notes
    (directory / "artisan").write_text("<?php // changed\n")
    order = Order(directory, "v1.3", head, tmp_path / "out", AT)
    said = f"artisan: packed as it is, which is not as it is in commit {head[:10]}."
    assert said in pack(order).notes


def test_what_the_command_says(tmp_path: Path) -> None:
    directory, out = tree(tmp_path / "app"), tmp_path / "out"
    words = (directory, "--version", "v1.2", "--commit", COMMIT, "--out", out)
    said, _ = chom_bot(*words).communicate(timeout=60)
    sha256 = hashlib.sha256((out / "chom-v1.2.tar.gz").read_bytes()).hexdigest()
    lock = hashlib.sha256(PACKED["composer.lock"].encode()).hexdigest()
    for line in (
        f"{out}/chom-v1.2.tar.gz: {len(PACKED)} files, 1 kB in 2 kB\n",
        f"  version    v1.2, commit {COMMIT}\n",
        f"  sha256     {sha256}\n",
        f"  migrations 2, the newest {MIGRATIONS[-1]}\n",
        f"  composer.lock {lock}\n",
        "  note: public/storage is a link to ",
        f"{out}/index.json lists v1.2.\n",
    ):
        assert line in said, said
    assert "hunter2" not in said
    again, _ = chom_bot(*words).communicate(timeout=60)
    assert "v1.2 was there already, byte for byte; nothing changed.\n" in again
    (directory / "artisan").unlink()
    process = chom_bot(*words)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert said == f"{directory} has no artisan, so it is no release of CHOM.\nNothing was packed.\n"


def test_the_example_of_a_pipeline_packs(tmp_path: Path) -> None:
    """Its own line, in a checkout as it leaves it: a list that was fetched, and a tag."""
    job = pipeline()
    assert job["needs"] == ["build-and-test", "security-scan"]
    steps = steps_of(job)
    directory = tree(tmp_path / "app")
    packed(directory, directory / "dist", "v1.1", days=-3)
    known = tmp_path / "temp/now/composer.json"
    known.parent.mkdir(parents=True)
    known.write_text('{"advisories": []}')
    env = os.environ | {
        "VERSION": "v1.2",
        "GITHUB_SHA": COMMIT,
        "RUNNER_TEMP": str(tmp_path / "temp"),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    subprocess.run(
        ["bash", "-euc", steps["Pack"]], cwd=directory, env=os.environ | env, check=True, capture_output=True
    )
    assert listed(directory / "dist") == ["v1.2", "v1.1"]
    uploads = steps["The artifact first, the list last"].splitlines()
    assert [line.split()[3].strip('"') for line in uploads] == [
        "dist/chom-$VERSION.tar.gz",
        "dist/chom-$VERSION.json",
        "dist/index.json",
    ]
