"""Versions from a directory, a web server and S3: fetched once, believed only when every byte is the announced one."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import tarfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from actions.engine.artifacts import BadSource, CachedArtifacts, artifacts
from actions.engine.artifacts import sources as artifact_sources
from actions.engine.artifacts.index import BrokenIndex, parse
from actions.engine.fleet import CannotPlan
from tests.support import releases
from tests.support.releases import member, tar_gz

V12 = releases.release("v1.2", {"2026_11_01_000000_orders": ""}, size=3 << 20)
V11 = releases.release("v1.1")


def directory(tmp_path: Path, **more: bytes) -> Path:
    return releases.source(tmp_path / "source", {"v1.2": V12, "v1.1": V11, **more})


def from_directory(tmp_path: Path, **more: bytes) -> CachedArtifacts:
    return artifacts(str(directory(tmp_path, **more)), tmp_path / "cache")


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in ([path] if path.is_file() else path.iterdir())}


async def check_source(kept: CachedArtifacts, cache: Path) -> None:
    assert [a.version for a in await kept.versions()] == ["v1.2", "v1.1"]
    artifact = await kept.resolve("v1.2")
    assert artifact.migrations == ("2026_11_01_000000_orders",) and artifact.size == len(V12)
    assert await kept.open(artifact) == str(cache / f"{artifact.sha256}.tar.gz")
    assert content(cache) == {f"{artifact.sha256}.tar.gz": V12}, "and nothing half-fetched is left"


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], context: ssl.SSLContext | None = None
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def files_of(root: Path) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        path = root / request.path.removeprefix("/releases/")
        return web.FileResponse(path) if path.is_file() else web.Response(status=404)

    return answer


async def test_a_directory(tmp_path: Path) -> None:
    await check_source(from_directory(tmp_path), tmp_path / "cache")


async def test_a_web_server(tmp_path: Path) -> None:
    async with serving(files_of(directory(tmp_path))) as url:
        await check_source(artifacts(f"{url}/releases/", tmp_path / "cache"), tmp_path / "cache")
        await check_source(artifacts(f"{url}/releases", tmp_path / "cache"), tmp_path / "cache")


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """An S3 server on a free port, and boto3's environment for it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    told = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:%d" % server.get_host_and_port()[1],  # noqa: UP031
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    before = {key: os.environ.get(key) for key in told}
    os.environ.update(told)
    import boto3

    client = boto3.session.Session().client("s3")
    client.create_bucket(Bucket="chom")
    yield client
    for key, value in before.items():
        os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)
    server.stop()


async def test_an_s3_bucket(tmp_path: Path, s3: Any) -> None:
    for file in directory(tmp_path).iterdir():
        s3.put_object(Bucket="chom", Key=f"builds/app/{file.name}", Body=file.read_bytes())
    await check_source(artifacts("s3://chom/builds/app/", tmp_path / "cache"), tmp_path / "cache")


async def test_s3_says_what_is_missing(tmp_path: Path, s3: Any) -> None:
    with pytest.raises(CannotPlan, match=r"s3://chom/nowhere/index\.json answers NoSuchKey"):
        await artifacts("s3://chom/nowhere", tmp_path).versions()
    with pytest.raises(CannotPlan, match=r"s3://nobody/index\.json answers NoSuchBucket"):
        await artifacts("s3://nobody", tmp_path).versions()
    s3.put_object(Bucket="chom", Key="big/index.json", Body=b" " * ((4 << 20) + 1))
    with pytest.raises(CannotPlan, match=r"index\.json is longer than 4 MiB"):
        await artifacts("s3://chom/big", tmp_path).versions()


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


async def test_a_web_server_that_refuses_or_points_elsewhere(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/moved"):
            raise web.HTTPFound("https://example.org/")
        return web.Response(status=403)

    async with serving(answer) as url:
        with pytest.raises(CannotPlan, match=r"/moved/index\.json answers HTTP 302 \(it points elsewhere: write the"):
            await artifacts(f"{url}/moved", tmp_path).versions()
        secret = url.replace("127.0.0.1", "bot:hunter2@127.0.0.1")
        with pytest.raises(CannotPlan, match="answers HTTP 403") as caught:
            await artifacts(secret, tmp_path).versions()
        assert "hunter2" not in str(caught.value)
    with pytest.raises(
        CannotPlan, match=r"The list of versions cannot be had: http://127\.0\.0\.1:\d+/index\.json cannot"
    ):
        await artifacts(url, tmp_path).versions()


async def test_a_web_server_that_falls_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(artifact_sources, "SILENCE", 0.2)

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    async with serving(answer) as url:
        with pytest.raises(CannotPlan, match="cannot be read: "):
            await asyncio.wait_for(artifacts(url, tmp_path).versions(), 2)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("ftp://x/y", "is no place for artifacts"),
        ("http://artifacts.example.org/x", "is not encrypted: write https://"),
        ("s3://", "names no bucket"),
        ("relative/path", "is no absolute path"),
        ("https://", "names no server"),
    ],
)
def test_a_source_that_is_none(tmp_path: Path, source: str, said: str) -> None:
    with pytest.raises(BadSource, match=said):
        artifacts(source, tmp_path)


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


GOOD = releases.entry("v1", b"x")


@pytest.mark.parametrize(
    ("index", "said"),
    [
        (b"", 'it is not of the form {"releases": […]}'),
        (b"[]", 'it is not of the form {"releases": […]}'),
        ({"versions": []}, 'it is not of the form {"releases": […]}'),
        ([3], "entry 1 is no object"),
        ([GOOD, {**GOOD, "version": "v2", "sha256": "abc"}], "entry 2: sha256 is 'abc', and has to be 64 hex digits"),
        ([{**GOOD, "commit": "A" * 40}], "entry 1: commit is 'AAAA"),
        ([{**GOOD, "file": "../x.tar.gz"}], "entry 1: file is '../x.tar.gz', and has to be a plain file name"),
        ([{**GOOD, "file": "/etc/passwd"}], "entry 1: file is '/etc/passwd'"),
        ([{**GOOD, "file": ".hidden"}], "entry 1: file is '.hidden'"),
        ([{**GOOD, "file": "a\n"}], "entry 1: file is 'a\\n'"),
        ([{**GOOD, "version": "v1;rm -rf /"}], "entry 1: version is"),
        ([{**GOOD, "size": "12"}], "entry 1: size is '12', and has to be the file's size in bytes"),
        ([{**GOOD, "size": 0}], "entry 1: size is 0"),
        ([{**GOOD, "size": 1 << 40}], "entry 1: size is 1099511627776"),
        (
            [{**GOOD, "made": "2026-11-01T10:00:00"}],
            "entry 1: made is '2026-11-01T10:00:00', and has to be a time with",
        ),
        ([{k: v for k, v in GOOD.items() if k != "sha256"}], "entry 1 has no sha256; it has to be 64 hex digits"),
        ([GOOD, GOOD], "v1 is there twice"),
        ([{**GOOD, "audit": {"found": [{"package": "vue"}]}}], "entry 1: audit has to be advisories under found"),
    ],
)
def test_a_fault_in_the_index_is_named(index: Any, said: str) -> None:
    text = (
        index
        if isinstance(index, bytes)
        else json.dumps({"releases": index} if isinstance(index, list) else index).encode()
    )
    with pytest.raises(BrokenIndex) as caught:
        parse(text)
    assert said in str(caught.value)


def test_every_fault_of_the_index_is_named_at_once() -> None:
    with pytest.raises(BrokenIndex) as caught:
        parse(json.dumps({"releases": [{**GOOD, "size": -1}, {**GOOD, "made": "soon", "commit": ""}]}).encode())
    assert len(caught.value.faults) == 3


async def test_a_broken_index_is_a_sentence_for_the_one_who_asked(tmp_path: Path) -> None:
    kept = from_directory(tmp_path)
    (tmp_path / "source/index.json").write_text("{")
    with pytest.raises(CannotPlan, match=r"^index\.json in /.*source is broken: it is not of the form"):
        await kept.resolve("v1.2")


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


def test_boto3_costs_nothing_until_it_is_used() -> None:
    import subprocess
    import sys

    code = "import sys, actions.engine.artifacts; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
