"""A directory, a web server and S3 as sources: each has the same versions; one that fails or is none says so."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from actions.engine.artifacts import BadSource, CachedArtifacts, artifacts
from actions.engine.artifacts import sources as artifact_sources
from actions.engine.fleet import CannotPlan
from tests.adapters.shelves import V12, content, directory, from_directory, serving


async def check_source(kept: CachedArtifacts, cache: Path) -> None:
    assert [a.version for a in await kept.versions()] == ["v1.2", "v1.1"]
    artifact = await kept.resolve("v1.2")
    assert artifact.migrations == ("2026_11_01_000000_orders",) and artifact.size == len(V12)
    assert await kept.open(artifact) == str(cache / f"{artifact.sha256}.tar.gz")
    assert content(cache) == {f"{artifact.sha256}.tar.gz": V12}, "and nothing half-fetched is left"


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


def test_boto3_costs_nothing_until_it_is_used() -> None:
    import subprocess
    import sys

    code = "import sys, actions.engine.artifacts; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
