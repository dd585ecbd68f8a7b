"""The three places artifacts come from: a directory, a web server, an S3 bucket. Bytes only; nothing is believed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, cast

import aiohttp
from yarl import URL

INDEX = "index.json"
INDEX_LIMIT = 4 << 20
"""Bytes of the longest index.json."""
CHUNK = 1 << 20
CONNECT, SILENCE = 10, 30
"""Seconds to connect, and without a byte."""

Sink = Callable[[bytes], None]
"""Takes the next bytes; called from a thread. What it raises ends the fetch and comes out of it."""


class BadSource(ValueError):
    """What is written in chom.toml names no place for artifacts; the message is a sentence."""


class NoAnswer(Exception):
    """The place could not be read; the message says what was asked and what came, in words."""


class TooLong(Exception):
    """More bytes than there may be."""


class Source(Protocol):
    @property
    def where(self) -> str:
        """For sentences, without secrets."""
        ...

    async def fetch(self, file: str, sink: Sink) -> None:
        """Every byte of the file, in order, into the sink. Raises NoAnswer."""
        ...


async def read_index(source: Source) -> bytes:
    """The index's bytes. Raises NoAnswer, TooLong."""
    said = bytearray()

    def take(part: bytes) -> None:
        said.extend(part)
        if len(said) > INDEX_LIMIT:
            raise TooLong(f"{INDEX} is longer than {INDEX_LIMIT >> 20} MiB")

    await source.fetch(INDEX, take)
    return bytes(said)


def source_of(text: str) -> Source:
    """The source that chom.toml names. Raises BadSource."""
    if text.startswith("s3://"):
        bucket, _, prefix = text.removeprefix("s3://").partition("/")
        if not bucket:
            raise BadSource(f"{text!r} names no bucket: write s3://bucket/prefix.")
        return S3(bucket, prefix.strip("/"))
    if text.startswith(("https://", "http://")):
        return _web(text)
    if "://" in text:
        raise BadSource(f"{text!r} is no place for artifacts: write a directory, https://… or s3://bucket/prefix.")
    if not Path(text).is_absolute():
        raise BadSource(f"{text!r} is no absolute path: write the whole path of the directory, https://… or s3://…")
    return Directory(Path(text))


def _web(text: str) -> Web:
    try:
        url = URL(text)
    except ValueError as fault:
        raise BadSource(f"{text!r} is no address ({fault}).") from fault
    if not url.host:
        raise BadSource(f"{text!r} names no server.")
    if url.scheme == "http" and url.host not in ("127.0.0.1", "::1", "localhost"):
        raise BadSource(f"{url.with_user(None)} is not encrypted: write https://, http:// is for this machine only.")
    return Web(url)


class Directory:
    """Files in a directory of the bot's machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def where(self) -> str:
        return str(self._path)

    async def fetch(self, file: str, sink: Sink) -> None:
        """See Source."""
        await asyncio.to_thread(self._copy, self._path / file, sink)

    @staticmethod
    def _copy(path: Path, sink: Sink) -> None:
        try:
            source = path.open("rb")
        except OSError as fault:
            raise NoAnswer(f"{path} cannot be read: {fault.strerror or fault}") from fault
        with source:
            while part := source.read(CHUNK):
                sink(part)


class Web:
    """Files below an address. Redirects are not followed: the address in chom.toml is the one that is trusted."""

    def __init__(self, url: URL) -> None:
        self._url = url

    @property
    def where(self) -> str:
        return str(self._url.with_user(None))

    async def fetch(self, file: str, sink: Sink) -> None:
        """See Source."""
        url = self._url / file
        said = url.with_user(None)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False, auto_decompress=False) as session,
                session.get(url, allow_redirects=False, headers={"Accept-Encoding": "identity"}) as response,
            ):
                if response.status != 200:
                    elsewhere = (
                        " (it points elsewhere: write the final address)" if 300 <= response.status < 400 else ""
                    )
                    raise NoAnswer(f"{said} answers HTTP {response.status}{elsewhere}")
                async for part in response.content.iter_chunked(CHUNK):
                    await asyncio.to_thread(sink, part)
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise NoAnswer(f"{said} cannot be read: {str(fault) or 'no answer'}") from fault


class S3:
    """Objects below a prefix of a bucket. Credentials, region and AWS_ENDPOINT_URL are boto3's own affair."""

    def __init__(self, bucket: str, prefix: str) -> None:
        self._bucket, self._prefix = bucket, prefix

    @property
    def where(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    async def fetch(self, file: str, sink: Sink) -> None:
        """See Source."""
        await asyncio.to_thread(self._copy, file, sink)

    @cached_property
    def _client(self) -> Any:
        import boto3  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]  130 ms and 14 MiB that a bot without S3 does not pay
        from botocore.config import Config  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]

        config = Config(
            request_checksum_calculation="when_required",  # S3-compatible stores do not know the newer ones
            response_checksum_validation="when_required",
            connect_timeout=CONNECT,
            read_timeout=SILENCE,
            retries={"total_max_attempts": 3},
        )
        return cast(Any, boto3).session.Session().client("s3", config=config)

    def _copy(self, file: str, sink: Sink) -> None:
        from botocore.exceptions import (  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs]
            BotoCoreError,
            ClientError,
            HTTPClientError,
        )

        key = f"{self._prefix}/{file}" if self._prefix else file
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            for part in body.iter_chunks(CHUNK):
                sink(part)
        except ClientError as fault:
            error = cast(Any, fault).response.get("Error", {})
            raise NoAnswer(f"s3://{self._bucket}/{key} answers {error.get('Code')}: {error.get('Message')}") from fault
        except (BotoCoreError, HTTPClientError) as fault:
            at = os.environ.get("AWS_ENDPOINT_URL", "")
            raise NoAnswer(f"s3://{self._bucket}/{key}{' at ' + at if at else ''} cannot be read: {fault}") from fault
