"""What a probe says of everything that can answer, or not answer, at a URL."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from actions.engine.clock import SystemClock
from actions.engine.plan import Probe
from actions.engine.prober import HttpProber


async def answer(request: web.Request) -> web.StreamResponse:
    match request.path:
        case "/good":
            return web.Response(text="CHOM v1.2 is here")
        case "/bad":
            return web.Response(status=502, text="v1.2")
        case "/moved":
            raise web.HTTPFound("/good")
        case "/slow":
            await asyncio.sleep(5)
            return web.Response()
        case "/endless":
            response = web.StreamResponse()
            await response.prepare(request)
            while True:
                await response.write(b"x" * 65536)
        case "/broken":
            response = web.StreamResponse(headers={"Content-Length": "100"})
            await response.prepare(request)
            await response.write(b"v1")
            assert request.transport is not None
            request.transport.abort()
            return response
        case _:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()


@asynccontextmanager
async def shop(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "status", "contains", "ok", "why"),
    [
        ("/good", 200, "v1.2", True, "answers v1.2"),
        ("/good", 200, "", True, "HTTP 200"),
        ("/good", 200, "v1.3", False, "answers, but not v1.3"),
        ("/bad", 200, "v1.2", False, "HTTP 502"),
        ("/bad", 502, "", True, "HTTP 502"),
        ("/good", 503, "", False, "HTTP 200, not 503"),
        ("/moved", 200, "v1.2", False, "HTTP 302"),
        ("/moved", 302, "", True, "HTTP 302"),
        ("/slow", 200, "", False, "no answer within 0.5 s"),
        ("/endless", 200, "v1.2", False, "answers, but not v1.2"),
        ("/broken", 200, "v1.2", False, "the answer broke off"),
        ("/hangup", 200, "", False, "connection closed without an answer"),
    ],
)
async def test_what_answers(
    path: str, status: int, contains: str, ok: bool, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with shop() as port:
        passed = await HttpProber().probe(Probe(f"http://127.0.0.1:{port}{path}", status, contains, within=0.5))
    assert (passed.ok, passed.why) == (ok, why)


async def test_what_does_not_answer() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        closed = bound.getsockname()[1]
        assert (await HttpProber().probe(Probe(f"http://127.0.0.1:{closed}/"))).why == "connection refused"
    assert (await HttpProber().probe(Probe("http://no-such-host.invalid/"))).why == "name not known"
    for none in ("no address", "http://", "ftp://127.0.0.1/"):
        assert not (await HttpProber().probe(Probe(none))).ok


async def test_what_is_no_http() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        passed = await HttpProber().probe(Probe(f"http://127.0.0.1:{port}/"))
        assert (passed.ok, passed.why) == (False, "an answer that is no HTTP")
        passed = await HttpProber().probe(Probe(f"https://127.0.0.1:{port}/"))
        assert (passed.ok, passed.why) == (False, "no TLS can be agreed on")


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), SystemClock().now()
    built = x509.CertificateBuilder(name, name, key.public_key(), 7, now, now + datetime.timedelta(days=1))
    pem = serialization.Encoding.PEM
    file = tmp_path / "pem"
    file.write_bytes(
        built.sign(key, hashes.SHA256()).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    async with shop(context) as port:
        passed = await HttpProber().probe(Probe(f"https://127.0.0.1:{port}/good"))
    assert (passed.ok, passed.why) == (False, "certificate not valid")


async def test_the_clock_is_utc_and_says_so() -> None:
    clock = SystemClock()
    assert clock.now().tzinfo is datetime.UTC
    assert abs(clock.now().timestamp() - time.time()) < 1
    began = time.monotonic()
    await clock.sleep(0.05)
    await clock.sleep(-1)
    assert 0.05 <= time.monotonic() - began < 1
