"""What the bot refuses to plan with is what chom-host refuses to unpack: one scan, and nothing unpacks outside."""

from __future__ import annotations

import errno
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actions.engine.artifacts.archive import UnsafeArchive, scan
from actions.host.chom_host import archives
from tests.support.releases import member, release, tar_gz

ARTISAN = member("artisan", "<?php")
SYM, HARD = tarfile.SYMTYPE, tarfile.LNKTYPE

BAD = {
    "absolute": (member("/etc/passwd", "x"), "“/etc/passwd” has an absolute name"),
    "up": (member("a/../../x", "x"), "“a/../../x” has “..” in its name"),
    "link out": (member("a/b", type=SYM, linkname="../../etc"), "“a/b” is a link to “../../etc”, which points out"),
    "absolute link": (member("b", type=SYM, linkname="/etc/shadow"), "“b” is a link to “/etc/shadow”"),
    "link that climbs later": (member("a/b", type=SYM, linkname="c/../../.."), "points out of the release"),
    "hard link out": (member("h", type=HARD, linkname="../x"), "“h” is a hard link"),
    "hard link to nothing": (member("h", type=HARD, linkname="nobody"), "which is no file before it"),
    "hard link to itself": (member("a/h", type=HARD, linkname="a/h"), "which is no file before it"),
    "character device": (member("null", type=tarfile.CHRTYPE), "“null” is a device"),
    "block device": (member("sda", type=tarfile.BLKTYPE), "“sda” is a device"),
    "pipe": (member("p", type=tarfile.FIFOTYPE), "“p” is a named pipe"),
    "setuid": (member("su", "x", mode=0o4755), "“su” has a setuid"),
    "setgid": (member("sg", "x", mode=0o2755), "“sg” has a setuid, setgid"),
    "twice": (member("artisan", "x"), "“artisan” is there twice"),
    "below a file": (member("artisan/x", "x"), "lies behind “artisan”, which is a file"),
    "control character": (member("a\x1b[2Jb", "x"), "control character"),
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("what", BAD)
def test_a_bad_member_is_refused_and_named(tmp_path: Path, what: str) -> None:
    bad, said = BAD[what]
    with pytest.raises(UnsafeArchive) as caught:
        scan(write(tmp_path / "a", tar_gz([ARTISAN, bad])))
    assert said in str(caught.value)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    members = [ARTISAN, member("storage", type=SYM, linkname="public"), member("storage/x", "x")]
    with pytest.raises(UnsafeArchive, match="lies behind “storage”, which is a link"):
        scan(write(tmp_path / "a", tar_gz(members)))


def test_an_honest_release_passes_and_its_migrations_are_listed(tmp_path: Path) -> None:
    members = [
        member(".", type=tarfile.DIRTYPE, mode=0o755),
        member("./artisan", "<?php"),
        member("./public/storage", type=SYM, linkname="../storage/app/public"),
        member("./database/migrations/2026_02_01_000000_b.php", "<?php"),
        member("./database/migrations/2026_01_01_000000_a.php", "<?php"),
        member("./database/migrations/README.md", "no migration"),
        member("./database/migrations/old/2020_01_01_000000_c.php", "not at the top"),
        member("./vendor/copy", type=HARD, linkname="./artisan"),
    ]
    assert tuple(sorted(scan(write(tmp_path / "a", tar_gz(members))).migrations)) == (
        "2026_01_01_000000_a",
        "2026_02_01_000000_b",
    )


def test_a_release_packed_with_its_directory_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UnsafeArchive, match=r"no artisan at its top \(there is 'chom-v1/artisan': pack the files"):
        scan(write(tmp_path / "a", tar_gz([member("chom-v1/artisan", "<?php")])))


@pytest.mark.parametrize("spoil", [b"", b"not a tar", release("v1")[:-40], release("v1")[:100]])
def test_what_is_no_whole_tar_gz(tmp_path: Path, spoil: bytes) -> None:
    with pytest.raises(UnsafeArchive):
        scan(write(tmp_path / "a", spoil))


def test_an_archive_that_unpacks_to_too_much(tmp_path: Path) -> None:
    path = write(tmp_path / "a", tar_gz([ARTISAN, member("zeros", bytes(3 << 20))]))
    assert path.stat().st_size < 1 << 16
    with pytest.raises(UnsafeArchive, match="“zeros” makes the release larger than the 2097152 bytes"):
        scan(path, most=2 << 20)


PARTS = st.sampled_from(["a", "b", "..", ".", "artisan", "a/b", "", "/", "é", "\x07"])
NAMES = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
MEMBERS = st.builds(
    lambda name, kind, link, mode: member(
        name, b"x" if kind == tarfile.REGTYPE else b"", type=kind, linkname=link, mode=mode
    ),
    NAMES,
    st.sampled_from([tarfile.REGTYPE, tarfile.REGTYPE, tarfile.DIRTYPE, SYM, HARD, tarfile.CHRTYPE, tarfile.FIFOTYPE]),
    NAMES,
    st.sampled_from([0o644, 0o644, 0o755, 0o4755, 0o1777]),
)


def host_says(data: bytes) -> bool:
    """Whether chom-host's own copy lets it pass."""
    look = archives.Scan(4 << 30)
    try:
        with archives.opened_archive(io.BytesIO(data), 4 << 30) as tar:
            for _ in archives.walk(tar, look):
                pass
    except archives.BadArchive:
        return False
    return look.found("artisan")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MEMBERS, max_size=4))
def test_the_bot_and_the_host_agree(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    data = tar_gz([ARTISAN, *members])
    try:
        scan(write(tmp_path / "a", data))
        passed = True
    except UnsafeArchive:
        passed = False
    assert passed == host_says(data)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MEMBERS, max_size=5))
@example([(member("a", type=SYM, linkname="a//"))])
def test_what_passes_unpacks_inside(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    data = tar_gz([ARTISAN, *members])
    try:
        scan(write(tmp_path / "a", data))
    except UnsafeArchive:
        return
    import shutil

    into = tmp_path / "into/release"
    shutil.rmtree(tmp_path / "into", ignore_errors=True)
    into.mkdir(parents=True)
    archives.unpack(io.BytesIO(data), into, 1 << 30)
    assert [path.name for path in into.parent.iterdir()] == ["release"]
    for path in into.rglob("*"):
        if path.is_symlink():
            try:
                path.stat()
            except OSError as fault:
                if fault.errno == errno.ELOOP:
                    continue  # a circle leads nowhere; of "a -> a//" resolve() says "/", and the kernel does not
            # strict=False follows as the kernel does, as far as there is something
            assert path.resolve().is_relative_to(into.resolve())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_both_say_the_same_of_a_damaged_archive_and_raise_nothing_else(tmp_path: Path, data: st.DataObject) -> None:
    import gzip

    plain = bytearray(gzip.decompress(release("v1", {"2026_01_01_000000_a": ""})))
    for _ in range(data.draw(st.integers(1, 6))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    for spoilt in (gzip.compress(bytes(plain), 1), broken(data, release("v1"))):
        try:
            scan(write(tmp_path / "a", spoilt))
            passed = True
        except UnsafeArchive:
            passed = False
        assert passed == host_says(spoilt)


def broken(data: st.DataObject, packed: bytes) -> bytes:
    """The bytes as they came over the wire: one of them wrong, the end missing."""
    spoilt = bytearray(packed)
    spoilt[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    return bytes(spoilt[: data.draw(st.integers(1, len(packed)))])
