"""chom-bot pack: the same bytes from the same files, no secret and no danger in them, and a list that is never half."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.engine.artifacts import artifacts
from actions.engine.artifacts.packing import CannotPack, Order, Packed, pack
from actions.engine.artifacts.packing.ignored import Ignored
from actions.engine.artifacts.packing.tarball import write
from actions.engine.artifacts.packing.tree import Member, tree_of
from tests.adapters.trees import COMMIT, LEFT_OUT, PACKED, tree
from tests.host.server import Server

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 1, 10, tzinfo=UTC)
MIGRATIONS = ["2026_01_01_000000_create_notes", "2026_02_01_000000_add_colour"]


def packed(directory: Path, out: Path, version: str = "v1.2", days: int = 0, **more: Any) -> Packed:
    return pack(Order(directory, version, COMMIT, out, AT + timedelta(days=days), **more))


def refused(directory: Path, out: Path, **more: Any) -> tuple[str, ...]:
    """The faults; nothing was written for them."""
    before = sorted(path.name for path in out.glob("*")) if out.exists() else None
    with pytest.raises(CannotPack) as caught:
        packed(directory, out, **more)
    assert before == (sorted(path.name for path in out.glob("*")) if out.exists() else None)
    assert not list(out.glob(".packing.*.part"))
    return caught.value.faults


def listed(out: Path) -> list[str]:
    return [entry["version"] for entry in json.loads((out / "index.json").read_text())["releases"]]


def chom_bot(*words: str | Path, umask: int = 0o022, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "pack", *map(str, words)],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: os.umask(umask) and None,
    )


# --- the same bytes ----------------------------------------------------------


def test_two_machines_make_the_same_bytes(tmp_path: Path) -> None:
    """Another path, another order of files, other rights for others, another time, language and zone."""
    made: list[bytes] = []
    machines: list[tuple[str, int, dict[str, str]]] = [
        ("here", 0o022, {"TZ": "Pacific/Auckland", "PYTHONHASHSEED": "1"}),
        ("there", 0o077, {"LC_ALL": "C", "LANG": "C", "PYTHONHASHSEED": "2"}),
    ]
    for name, umask, env in machines:
        before = os.umask(umask)
        try:
            directory = tree(tmp_path / name / ("a" * len(name)), backwards=bool(made))
        finally:
            os.umask(before)
        for path in directory.rglob("*"):
            os.utime(path, (len(made) * 10_000, 1_700_000_000 + len(made)), follow_symlinks=False)
        words = (directory, "--version", "v1.2", "--commit", COMMIT, "--out", tmp_path / name / "out")
        process = chom_bot(*words, umask=umask, **env)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0, said
        made.append((tmp_path / name / "out/chom-v1.2.tar.gz").read_bytes())
    assert made[0] == made[1]
    assert made[0][:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def test_what_is_in_it(tmp_path: Path) -> None:
    packed(tree(tmp_path / "app"), tmp_path / "out")
    with tarfile.open(tmp_path / "out/chom-v1.2.tar.gz") as tar:
        members = {member.name: member for member in tar}
        texts = {name: tar.extractfile(name).read().decode() for name, m in members.items() if m.isreg()}
    assert list(members) == sorted(members, key=os.fsencode)
    assert texts == PACKED
    assert members["public/storage"].linkname == "../storage/app/public"
    assert members["vendor/bin/tool"].linkname == "../laravel/framework/tests/kept.php"
    assert members["empty"].isdir() and members["bootstrap/cache"].isdir()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members.values()} == {(0, 0, "", "", 0)}
    modes = {name: member.mode for name, member in members.items() if member.isreg()}
    assert modes.pop("artisan") == 0o755 and set(modes.values()) == {0o644}


def test_a_server_takes_it(tmp_path: Path) -> None:
    """The real chom-host stages it, and what it links in is where the archive's own link leads."""
    packed(tree(tmp_path / "app"), tmp_path / "out")
    server = Server(tmp_path / "server")
    try:
        data = (tmp_path / "out/chom-v1.2.tar.gz").read_bytes()
        done = server.channel().run("run/stage/forward", "stage", server.stage_args("20261101_100000", "v1.2", data))
        assert done["ok"], done
        release = server.www / "releases/20261101_100000"
        assert os.access(release / "artisan", os.X_OK)
        assert (release / "public/storage").resolve() == server.www / "shared/storage/app/public"
        assert (release / ".env").resolve() == server.www / "shared/.env"
    finally:
        server.close()


async def test_the_bot_finds_it(tmp_path: Path) -> None:
    made = packed(tree(tmp_path / "app"), tmp_path / "out")
    found = await artifacts(str(tmp_path / "out"), tmp_path / "cache").resolve("v1.2")
    assert (found.sha256, found.commit, list(found.migrations)) == (made.entry.sha256, COMMIT, MIGRATIONS)


def test_the_manifest(tmp_path: Path) -> None:
    packed(tree(tmp_path / "app"), tmp_path / "out")
    said = json.loads((tmp_path / "out/chom-v1.2.json").read_text())
    data = (tmp_path / "out/chom-v1.2.tar.gz").read_bytes()
    assert said == {
        "version": "v1.2",
        "commit": COMMIT,
        "sha256": hashlib.sha256(data).hexdigest(),
        "file": "chom-v1.2.tar.gz",
        "size": len(data),
        "made": "2026-11-01T10:00:00Z",
        "tar_sha256": said["tar_sha256"],
        "files": len(PACKED),
        "unpacked": sum(len(text.encode()) for text in PACKED.values()),
        "migrations": MIGRATIONS,
        "locks": {
            name: hashlib.sha256(PACKED[name].encode()).hexdigest() for name in ("composer.lock", "package-lock.json")
        },
    }


# --- what is left out --------------------------------------------------------


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    made = packed(tree(tmp_path / "app"), tmp_path / "out")
    assert made.left_out["node_modules"] == 2 and made.left_out[".env"] == 2 and made.left_out["/tests"] == 1
    assert made.left_out[".git"] == 2 and sum(made.left_out.values()) == len(LEFT_OUT) - 1  # storage is one


def test_chomignore_adds_and_brings_back_and_never_brings_a_secret(tmp_path: Path) -> None:
    lines = "# ours\n*.css\n!/tests\n/deep/\n!.env\n!/.env.production\n!auth.json\n!config/.env\n"
    packed(tree(tmp_path / "app", **{".chomignore": lines}), tmp_path / "out")
    with tarfile.open(tmp_path / "out/chom-v1.2.tar.gz") as tar:
        names = set(tar.getnames())
    assert "tests/Feature/OrderTest.php" in names and "public/css/app.css" not in names
    assert not {name for name in names if name.startswith("deep") or name == ".chomignore"}
    assert not {name for name in names if ".env" in name and name != ".env.example"} and "auth.json" not in names


def test_the_directory_of_the_artifacts_is_not_packed_into_them(tmp_path: Path) -> None:
    directory = tree(tmp_path / "app")
    first = packed(directory, directory / "dist").entry
    assert packed(directory, directory / "dist").entry == first
    assert refused(directory, directory) == (f"--out is {directory} itself, which is packed; name another directory.",)


# --- what is refused ---------------------------------------------------------


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


# --- the list ----------------------------------------------------------------


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


# --- what is said ------------------------------------------------------------


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
    said, _ = chom_bot(*words).communicate(timeout=30)
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
    again, _ = chom_bot(*words).communicate(timeout=30)
    assert "v1.2 was there already, byte for byte; nothing changed.\n" in again
    (directory / "artisan").unlink()
    process = chom_bot(*words)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said == f"{directory} has no artisan, so it is no release of CHOM.\nNothing was packed.\n"


def test_the_example_of_a_pipeline_packs(tmp_path: Path) -> None:
    """Its own line, in a checkout as it leaves it: a list that was fetched, and a tag."""
    workflow = yaml.safe_load((ROOT / ".github/artifact.example.yml").read_text())
    assert workflow["jobs"]["artifact"]["needs"] == ["build-and-test", "security-scan"]
    steps = {
        step["name"]: step["run"] for step in workflow["jobs"]["artifact"]["steps"] if {"name", "run"} <= set(step)
    }
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
