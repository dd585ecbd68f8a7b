"""Asks a URL from the bot's machine, as a user would, and says in words what came back."""

from __future__ import annotations

import ssl
from collections.abc import Mapping

import aiohttp

from actions.engine.plan import Probe
from actions.engine.ports import Passed

BODY = 1 << 18
"""Bytes of the body that are looked at."""


class HttpProber:
    """Implements ports.Prober. A connection of its own for each probe: a kept one could outlive the old release."""

    async def probe(self, probe: Probe) -> Passed:
        """One GET. Never raises for what the other side does."""
        timeout = aiohttp.ClientTimeout(total=probe.within)
        headers: Mapping[str, str] = {"User-Agent": "chom-bot", "Cache-Control": "no-cache"}
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=False, headers=headers) as session,
                session.get(probe.url, allow_redirects=False) as response,
            ):
                return await _judge(probe, response)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
            return Passed(False, _words(fault, probe), answered=False)


async def _judge(probe: Probe, response: aiohttp.ClientResponse) -> Passed:
    if response.status != probe.status:
        wanted = "" if probe.status == 200 else f", not {probe.status}"
        return Passed(False, f"HTTP {response.status}{wanted}")
    body = bytearray()
    while len(body) < BODY and (part := await response.content.read(BODY - len(body))):
        body += part
    if probe.contains.encode() in body:
        return Passed(True, f"answers {probe.contains}" if probe.contains else f"HTTP {response.status}")
    return Passed(False, f"answers, but not {probe.contains}")


def _words(fault: Exception, probe: Probe) -> str:
    match fault:
        case TimeoutError():
            return f"no answer within {probe.within:g} s"
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return "certificate not valid"
        case aiohttp.ClientConnectorDNSError():
            return "name not known"
        case aiohttp.ClientSSLError():
            return "no TLS can be agreed on"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            return "connection refused"
        case aiohttp.ClientConnectorError(os_error=OSError() as cause):
            return (cause.strerror or str(cause)).lower()
        case aiohttp.ServerDisconnectedError():
            return "connection closed without an answer"
        case aiohttp.InvalidURL():
            return "the address is none"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case aiohttp.ClientResponseError():
            return "an answer that is no HTTP"
        case _:
            return str(fault) or type(fault).__name__
