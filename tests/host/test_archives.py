"""No archive writes outside of its release, fills the disk or brings a bit it should not: refused before unpacking."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.host.chom_host import archives
from tests.host.server import RELEASE_FILES, Channel, Server, tar_gz, target

R1 = "20261121_100000"
Make = Callable[[tarfile.TarInfo], None]


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644, size: int = 0
) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.size = kind, link, mode, size
    return made


SYM, LNK, DIR = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE
HOSTILE = {
    "a device": ([member("dev/null", tarfile.CHRTYPE)], "“dev/null” is a device"),
    "a disk": ([member("dev/sda", tarfile.BLKTYPE)], "“dev/sda” is a device"),
    "a named pipe": ([member("pipe", tarfile.FIFOTYPE)], "“pipe” is a named pipe"),
    "contiguous": ([member("odd", tarfile.CONTTYPE)], "“odd” is neither a file"),
    "an absolute name": ([member("/etc/cron.d/x")], "“/etc/cron.d/x” has an absolute name"),
    "dots in a name": ([member("a/../../x")], "“a/../../x” has “..” in its name"),
    "an absolute link": ([member("x", SYM, "/etc/passwd")], "points out of the release"),
    "a link up": ([member("a/x", SYM, "../../x")], "“a/x” is a link to “../../x”, which points out of the release"),
    "a link up behind a name": ([member("d", SYM, "."), member("x", SYM, "d/..")], "points out of the release"),
    "an empty link": ([member("x", SYM, "")], "points out of the release"),
    "a link to a control character": ([member("x", SYM, "a\nb")], "no honest name"),
    "a write through a link": ([member("d", SYM, "public"), member("d/x")], "“d/x” lies behind “d”, which is a link"),
    "a link in place of a directory": ([member("public", SYM, "x")], "“public” is there twice"),
    "a member inside of a file": ([member("artisan/x")], "“artisan/x” lies behind “artisan”, which is a file"),
    "a hard link out": ([member("x", LNK, "/etc/passwd")], "“x” is a hard link out: “/etc/passwd”"),
    "a hard link up": ([member("x", LNK, "../x")], "“x” is a hard link out: “../x”"),
    "a hard link to a link": ([member("l", SYM, "artisan"), member("x", LNK, "l")], "which is no file before it"),
    "a hard link to what comes later": ([member("x", LNK, "y"), member("y")], "which is no file before it"),
    "a hard link to itself": ([member("x", LNK, "x")], "which is no file before it"),
    "setuid": ([member("x", mode=0o4755)], "“x” has a setuid, setgid or sticky bit (mode 4755)"),
    "setgid directory": ([member("x", DIR, mode=0o2755)], "“x” has a setuid, setgid or sticky bit (mode 2755)"),
    "sticky": ([member("x", DIR, mode=0o1777)], "“x” has a setuid, setgid or sticky bit (mode 1777)"),
    "the same name twice": ([member("a/b"), member("./a//b")], "“./a//b” is there twice"),
    "a file in place of a directory": ([member("public")], "“public” is there twice"),
    "the top as a file": ([member(".")], "“.” is there twice"),
    "a newline in a name": ([member("a\nb")], "control character"),
    "an escape in a name": ([member("\x1b[2J")], "control character"),
    "bytes that are no UTF-8": ([member("a\udcffb")], "a byte that is not UTF-8"),
    "a name that is too long": ([member("/".join(["a" * 100] * 20))], "a name that is too long"),
    "a component that is too long": ([member("a" * 256)], "a name that is too long"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_by_name(tmp_path: Path, name: str) -> None:
    extra, why = HOSTILE[name]
    archive = io.BytesIO(tar_gz(RELEASE_FILES, extra))
    with pytest.raises(archives.BadArchive, match=r"^the archive") as refused:
        scan(archive)
    assert why in str(refused.value)
    with pytest.raises(archives.BadArchive):  # the same look is taken again while it is written
        archives.unpack(archive, tmp_path / "fresh", 1 << 20)
    inside = {path for path in tmp_path.rglob("*") if not path.is_relative_to(tmp_path / "fresh")}
    assert not inside, "nothing lies beside the release"


def scan(archive: io.BytesIO, most: int = 1 << 20) -> archives.Scan:
    found = archives.Scan(most)
    with archives.opened_archive(archive, most) as tar:
        for _ in archives.walk(tar, found):
            pass
    return found


def test_the_job_refuses_it_before_anything_is_unpacked(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.3", tar_gz(RELEASE_FILES, [member("public/x", SYM, "/etc/passwd")]))
    state = channel.run("run/stage/forward", "stage", args)
    assert not state["ok"]
    assert state["summary"].startswith("the archive's member “public/x” is a link to “/etc/passwd”")
    assert list((server.www / "releases").iterdir()) == []


@pytest.mark.parametrize("missing", ["artisan", "public/index.php"])
def test_what_is_no_release_is_refused(server: Server, channel: Channel, missing: str) -> None:
    files = {name: text for name, text in RELEASE_FILES.items() if name != missing}
    state = channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1", tar_gz(files)))
    assert not state["ok"] and f"the archive has no {missing} at its top" in state["summary"]


def test_an_honest_archive_arrives_whole(tmp_path: Path) -> None:
    extra = [
        member("./", DIR, mode=0o755),
        member("vendor/bin", DIR, mode=0o700),
        member("vendor/bin/tool", SYM, "../pkg/tool"),
        member("vendor", DIR, mode=0o755),
        member("vendor/pkg/tool", size=3, mode=0o755),
        member("vendor/pkg/same", LNK, "./vendor/pkg/tool"),
        member("public/storage", SYM, "../storage/app/public"),
        member("Größe/日本.txt", size=2),
    ]
    archive = io.BytesIO(tar_gz({**RELEASE_FILES, "big": os.urandom(3_000_000)}, extra))
    assert scan(archive, 1 << 23).total == 3_000_005 + sum(len(text) for text in RELEASE_FILES.values())
    into = tmp_path / "release"
    into.mkdir()
    assert archives.unpack(archive, into, 1 << 23) == 5 + len(extra)
    assert target(into / "vendor/bin/tool") == "../pkg/tool"
    assert (into / "vendor/bin/tool").read_bytes() == (into / "vendor/pkg/same").read_bytes() == b"xxx"
    assert (into / "Größe/日本.txt").read_bytes() == b"xx"
    assert (into / "big").stat().st_size == 3_000_000
    assert (into / "vendor/pkg/tool").stat().st_mode & 0o7777 == 0o750


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    with pytest.raises(archives.BadArchive, match=r"“zeros” makes the release larger than the 1048576 bytes"):
        scan(io.BytesIO(tar_gz({"zeros": b"\0" * (1 << 21)})))
    liar = io.BytesIO(gzip.compress(member("x", size=1 << 40).tobuf() + b"\0" * 10_000))
    with pytest.raises(archives.BadArchive, match=r"“x” makes the release larger"):
        scan(liar)
    header = member("y").tobuf(format=tarfile.PAX_FORMAT)
    fat = tarfile.TarInfo("pax")
    fat.type, fat.size = tarfile.XHDTYPE, 1 << 30
    with pytest.raises(archives.BadArchive, match="a header of 1073741824 bytes"):
        scan(io.BytesIO(gzip.compress(fat.tobuf() + header)))


def test_too_many_members(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS", 10)
    with pytest.raises(archives.BadArchive, match="more than 10 members"):
        scan(io.BytesIO(tar_gz({f"f{n}": "" for n in range(11)})))


def test_sparse_files_are_refused() -> None:
    sparse = member("holes")
    sparse.pax_headers = {"GNU.sparse.map": "0,1", "GNU.sparse.size": "99999", "GNU.sparse.name": "holes"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(sparse)
    with pytest.raises(archives.BadArchive, match="neither a file"):
        scan(out)


@pytest.mark.parametrize("cut", [10, 100, -30, -5])
def test_a_torn_archive_is_refused(cut: int) -> None:
    whole = tar_gz({"a": os.urandom(5000)})
    with pytest.raises(archives.BadArchive, match="the archive is broken"):
        scan(io.BytesIO(whole[:cut]))


NO_ARCHIVES = {
    "nothing": b"",
    "a zip": b"PK\x03\x04",
    "a header": b"\x1f\x8b\x08\0",
    "no tar": gzip.compress(b"no tar at all" * 100, mtime=0),
}


@pytest.mark.parametrize("data", NO_ARCHIVES.values(), ids=NO_ARCHIVES)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(archives.BadArchive):
        scan(io.BytesIO(data))


PLAIN = gzip.decompress(
    tar_gz(RELEASE_FILES, [member("l", SYM, "public"), member("d", DIR, mode=0o755), member("h", LNK, "artisan")])
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_a_mangled_archive_is_unpacked_inside_or_refused(changes: list[tuple[int, bytes]]) -> None:
    data = bytearray(PLAIN)
    for at, by in changes:
        data[at : at + len(by)] = by
        header = at - at % 512
        data[header + 148 : header + 156] = b" " * 8  # the checksum is set right, so that the header counts
        data[header + 148 : header + 156] = b"%06o\0 " % sum(data[header : header + 512])
    with tempfile.TemporaryDirectory() as top:
        into = Path(top, "releases", "fresh")
        into.mkdir(parents=True)
        archive = io.BytesIO(gzip.compress(bytes(data), 1))
        try:
            scan(archive)
            archives.unpack(archive, into, 1 << 20)
        except archives.BadArchive:
            pass
        assert {path.name for path in Path(top).iterdir()} == {"releases"}
        assert {path.name for path in into.parent.iterdir()} == {"fresh"}
        for path in into.rglob("*"):
            assert path.is_symlink() or path.is_dir() or path.is_file()
            assert path.resolve().is_relative_to(into.resolve())
