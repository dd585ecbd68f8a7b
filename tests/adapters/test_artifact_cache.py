"""The cache of artifacts: fetched once, trusted only while it is whole, and no larger than it may be."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from actions.engine.artifacts import CachedArtifacts, artifacts
from actions.engine.artifacts import sources as artifact_sources
from actions.engine.fleet import CannotPlan
from tests.adapters.shelves import V12, content, directory, from_directory
from tests.support import releases


class Counting:
    """A directory that counts what is fetched, and can hold a fetch back."""

    def __init__(self, path: Path) -> None:
        self._inner, self.fetched, self.go = artifact_sources.Directory(path), list[str](), asyncio.Event()
        self.where = str(path)
        self.go.set()

    async def fetch(self, file: str, sink: artifact_sources.Sink) -> None:
        if file != "index.json":
            self.fetched.append(file)
            await self.go.wait()
        await self._inner.fetch(file, sink)


async def test_many_ask_at_once_and_it_is_fetched_once(tmp_path: Path) -> None:
    source = Counting(directory(tmp_path))
    kept = CachedArtifacts(source, tmp_path / "cache")
    source.go.clear()
    asking = [asyncio.create_task(kept.resolve("v1.2")) for _ in range(20)]
    await asyncio.sleep(0.2)
    asking[0].cancel()
    source.go.set()
    with pytest.raises(asyncio.CancelledError):
        await asking[0]
    answers = await asyncio.gather(*asking[1:])
    assert len(set(answers)) == 1 and source.fetched == ["chom-v1.2.tar.gz"]
    again = CachedArtifacts(source, tmp_path / "cache")
    await again.resolve("v1.2")
    assert source.fetched == ["chom-v1.2.tar.gz"], "a restarted bot finds it in the cache"


async def test_a_cached_file_that_went_bad_is_fetched_again(tmp_path: Path) -> None:
    source = Counting(directory(tmp_path))
    artifact = await CachedArtifacts(source, tmp_path / "cache").resolve("v1.2")
    (tmp_path / f"cache/{artifact.sha256}.tar.gz").write_bytes(b"torn by a loss of power")
    kept = CachedArtifacts(source, tmp_path / "cache")
    assert content(Path(await kept.open(artifact))) == {f"{artifact.sha256}.tar.gz": V12}
    assert len(source.fetched) == 2


async def test_a_file_is_hashed_anew_only_where_somebody_touched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, hashed, digest = Counting(directory(tmp_path)), list[str](), hashlib.file_digest

    def counting(file: BinaryIO, name: str) -> hashlib._Hash:
        hashed.append(name)
        return digest(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counting)
    kept = CachedArtifacts(source, tmp_path / "cache")
    artifact = await kept.resolve("v1.2")
    file = tmp_path / f"cache/{artifact.sha256}.tar.gz"
    for _ in range(2):
        await kept.open(artifact)
        await kept.resolve("v1.2")
    assert len(hashed) <= 1, "what was fetched is known, and to be used changes nothing"
    before = len(hashed)
    file.touch()
    await kept.open(artifact)
    assert len(hashed) == before + 1
    whole, times = file.read_bytes(), file.stat()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert content(Path(await kept.open(artifact))) == {f"{artifact.sha256}.tar.gz": V12}
    assert len(source.fetched) == 2, "of the same size and time, and other bytes"


async def test_a_stored_plan_opens_its_artifact_while_the_source_is_down(tmp_path: Path) -> None:
    artifact = await from_directory(tmp_path).resolve("v1.2")
    (tmp_path / "source/index.json").unlink()
    kept = artifacts(str(tmp_path / "source"), tmp_path / "cache")
    assert content(Path(await kept.open(artifact))) == {f"{artifact.sha256}.tar.gz": V12}


async def test_what_is_gone_from_cache_and_source_is_said(tmp_path: Path) -> None:
    kept = from_directory(tmp_path)
    artifact = replace(await kept.resolve("v1.1"), sha256="f" * 64)
    with pytest.raises(CannotPlan, match=r"v1\.1 \(ffffffffffff…\) is no longer in /.*: put it back"):
        await kept.open(artifact)


async def test_the_cache_forgets_what_was_not_used_for_longest(tmp_path: Path) -> None:
    versions = {f"v{n}": releases.release(f"v{n}", size=200_000) for n in range(5)}
    source = artifact_sources.Directory(releases.source(tmp_path / "source", versions))
    kept = CachedArtifacts(source, tmp_path / "cache", keep=700_000)
    shas: list[str] = []
    for age, version in enumerate(versions):
        artifact = await kept.resolve(version)
        shas.append(artifact.sha256)
        os.utime(tmp_path / f"cache/{artifact.sha256}.tar.gz", (1000 + age, 1000 + age))
    left = {file.name.removesuffix(".tar.gz") for file in (tmp_path / "cache").iterdir()}
    assert left == set(shas[2:])
    assert (await kept.resolve("v0")).sha256 == shas[0], "what was forgotten is fetched again"


async def test_a_dead_bots_half_fetched_file_is_removed_and_a_live_ones_is_not(tmp_path: Path) -> None:
    kept, cache = from_directory(tmp_path), tmp_path / "cache"
    cache.mkdir()
    (cache / "dead.part").touch()
    os.utime(cache / "dead.part", (1000, 1000))
    (cache / "live.part").touch()
    await kept.resolve("v1.1")
    assert sorted(file.name for file in cache.glob("*.part")) == ["live.part"]


async def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, where a directory should be")
    with pytest.raises(CannotPlan, match=r"chom-v1\.2\.tar\.gz cannot be kept in /.*cache: "):
        await from_directory(tmp_path).resolve("v1.2")
