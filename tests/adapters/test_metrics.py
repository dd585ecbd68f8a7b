"""Prometheus over HTTP, through the real client: numbers are numbers, and everything else is a sentence."""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import AsyncIterator

import pytest

from actions.engine.metrics import PrometheusMetrics
from actions.engine.telemetry import Blind, Sample
from bot.sandbox.keep import any_port
from bot.sandbox.prometheus import Prometheus

SERIES = [
    ("chom:errors:ratio", {"environment": "production"}, 0.25),
    ("chom:errors:ratio", {"environment": "staging"}, math.nan),
]


@pytest.fixture
async def there() -> AsyncIterator[Prometheus]:
    one = Prometheus(lambda: SERIES, any_port())
    await one.start()
    yield one
    await one.close()


async def test_a_query_gives_a_sample_for_each_series(there: Prometheus) -> None:
    metrics = PrometheusMetrics(f"{there.url}/")
    labels = {"__name__": "chom:errors:ratio", "environment": "production"}
    assert await metrics.query('chom:errors:ratio{environment="production"}') == (Sample(labels, 0.25),)
    both = await metrics.query("chom:errors:ratio")
    assert len(both) == 2 and math.isnan(both[1].value)
    assert await metrics.query("chom:nothing:here") == ()


async def test_what_cannot_be_seen_is_said(there: Prometheus) -> None:
    metrics = PrometheusMetrics(there.url)
    with pytest.raises(Blind, match=r"refuses the query: .*parse error"):
        await metrics.query("sum(rate(x[1m])")
    there.fault("down", 60)
    with pytest.raises(Blind, match="503"):
        await metrics.query("chom:errors:ratio")
    there.fault("up", 1)
    assert await metrics.query("chom:errors:ratio")


async def test_nobody_there_and_nobody_who_answers() -> None:
    with pytest.raises(Blind, match="cannot be reached"):
        await PrometheusMetrics("http://127.0.0.1:1").query("up")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Blind, match="does not answer in time"):
            await PrometheusMetrics(url, timeout=(0.2, 0.2)).query("up")


async def test_something_that_is_no_prometheus() -> None:
    async def html(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<p/>")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(html, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Blind, match="is no Prometheus"):
            await PrometheusMetrics(f"http://127.0.0.1:{port}").query("up")
