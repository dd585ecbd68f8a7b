"""An artifact is believed only when every byte of it is the announced one and nothing in it is dangerous."""

from __future__ import annotations

import asyncio
import tarfile
from pathlib import Path

import pytest
from aiohttp import web

from actions.engine.artifacts import artifacts
from actions.engine.fleet import CannotPlan
from tests.adapters.shelves import V11, V12, directory, from_directory, serving
from tests.support import releases
from tests.support.releases import member, tar_gz


async def test_an_unknown_version_names_the_newest_five(tmp_path: Path) -> None:
    versions = {f"v{n}": V11 for n in range(9, 1, -1)}
    kept = artifacts(str(releases.source(tmp_path / "source", versions)), tmp_path / "cache")
    with pytest.raises(CannotPlan) as caught:
        await kept.resolve("v99")
    assert str(caught.value) == "There is no version v99. The newest are v9, v8, v7, v6 and v5."
    with pytest.raises(CannotPlan, match=r"There is no version 9\. Did you mean v9\? The newest are v9,"):
        await kept.resolve("9")
    empty = artifacts(str(releases.source(tmp_path / "empty", {})), tmp_path / "cache")
    with pytest.raises(CannotPlan, match="no version was built yet"):
        await empty.resolve("v1")


async def test_a_wrong_sha256_names_both(tmp_path: Path) -> None:
    kept = from_directory(tmp_path)
    other = bytearray(V12)
    other[-1] ^= 1
    (tmp_path / "source/chom-v1.2.tar.gz").write_bytes(other)
    with pytest.raises(CannotPlan) as caught:
        await kept.resolve("v1.2")
    wanted, got = releases.entry("v1.2", V12)["sha256"], releases.entry("v1.2", bytes(other))["sha256"]
    assert f"has the sha256 {got}, and index.json says {wanted}" in str(caught.value)
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "source/chom-v1.2.tar.gz").write_bytes(V12)
    assert (await kept.resolve("v1.2")).version == "v1.2", "once it is repaired there is nothing to clean up"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (V12[:-1], f"ended after {len(V12) - 1} of {len(V12)} bytes"),
        (V12 + b"x", f"is longer than the {len(V12)} bytes that index.json says"),
        (None, r"v1.2 cannot be fetched: .*chom-v1.2.tar.gz cannot be read: No such file"),
    ],
)
async def test_a_wrong_size_or_no_file(tmp_path: Path, spoil: bytes | None, said: str) -> None:
    kept, file = from_directory(tmp_path), tmp_path / "source/chom-v1.2.tar.gz"
    file.unlink() if spoil is None else file.write_bytes(spoil)
    with pytest.raises(CannotPlan, match=said):
        await kept.resolve("v1.2")


async def test_a_download_that_breaks_off(tmp_path: Path) -> None:
    source = directory(tmp_path)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("index.json"):
            return web.FileResponse(source / "index.json")
        response = web.StreamResponse(headers={"Content-Length": str(len(V12))})
        await response.prepare(request)
        await response.write(V12[: len(V12) // 2])
        assert request.transport is not None
        request.transport.abort()
        return response

    async with serving(answer) as url:
        with pytest.raises(CannotPlan, match=r"v1\.2 cannot be fetched: .*cannot be read"):
            await artifacts(url, tmp_path / "cache").resolve("v1.2")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (member("a/link", type=tarfile.SYMTYPE, linkname="../../etc/passwd"), "“a/link” is a link to"),
        (member("null", type=tarfile.CHRTYPE), "“null” is a device"),
        (member("su", "x", mode=0o4755), "“su” has a setuid"),
        (member("/etc/cron.d/x", "x"), "“/etc/cron.d/x” has an absolute name"),
        (member("../x", "x"), "“../x” has “..” in its name"),
    ],
)
async def test_an_unsafe_archive_is_refused_before_there_is_a_plan(
    tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes], said: str
) -> None:
    kept = from_directory(tmp_path, **{"v1.3": tar_gz([member("artisan", "<?php"), bad])})
    for _ in range(2):
        with pytest.raises(CannotPlan) as caught:
            await kept.resolve("v1.3")
        assert str(caught.value).startswith("chom-v1.3.tar.gz (v1.3) is refused: ") and said in str(caught.value)


async def test_a_big_archive_does_not_hold_the_bot_up(tmp_path: Path) -> None:
    kept = from_directory(tmp_path, **{"v1.3": releases.release("v1.3", size=20 << 20)})
    longest, last, loop = 0.0, 0.0, asyncio.get_running_loop()
    resolving = asyncio.create_task(kept.resolve("v1.3"))
    while not resolving.done():
        last = loop.time()
        await asyncio.sleep(0.005)
        longest = max(longest, loop.time() - last)
    await resolving
    assert longest < 0.5, "fetching, hashing and looking through happen in threads"
