"""chom-bot pack: the same bytes from the same files, and no secret in them."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from pathlib import Path

from actions.engine.artifacts import artifacts
from tests.adapters.packing import chom_bot, packed, refused
from tests.adapters.trees import COMMIT, LEFT_OUT, MIGRATIONS, PACKED, tree
from tests.host.server import Server


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
        said, _ = process.communicate(timeout=60)
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
