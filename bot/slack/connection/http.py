"""Slack's requests over signed HTTP: what is not truly from Slack, now, and well formed never reaches Bolt."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from actions.engine.ports import Clock

MOST_BYTES = 1 << 20
STALE = 300
"""Seconds after which a signed request is too old."""
PATHS = ("/slack/events", "/slack/commands", "/slack/actions", "/slack/options")

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"v0=[0-9a-f]{64}")


class Bad(Exception):
    """A request that is answered with `status` and one plain sentence."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status, self.said = status, said


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's signature of a body, "v0=" and 64 hex digits."""
    return "v0=" + hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def routes(app: AsyncApp, secret: str, clock: Clock, taking: Callable[[], bool]) -> list[web.AbstractRouteDef]:
    """POST to each of PATHS; 503 while `taking` says no, so that Slack tries again.

    The same signed bytes sent twice are acked twice, and done once: handlers ask the store (Intake.first).
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        if not taking():
            return web.Response(status=503, text="Stopping.")
        try:
            raw = await _read(request)
            _check_signature(request, raw, secret, clock.now().timestamp())
            body = _check_body(raw, request.content_type)
        except Bad as bad:
            return web.Response(status=bad.status, text=bad.said)
        headers: dict[str, str | Sequence[str]] = {
            name: value for name, value in request.headers.items() if name.lower() == "content-type"
        }
        return await to_aiohttp_response(await app.async_dispatch(AsyncBoltRequest(body=body, headers=headers)))

    return [web.post(path, handle) for path in PATHS]


async def _read(request: web.Request) -> bytes:
    """The body. Raises Bad as soon as it is longer than MOST_BYTES."""
    raw = bytearray()
    async for piece in request.content.iter_chunked(1 << 16):
        raw += piece
        if len(raw) > MOST_BYTES:
            raise Bad(413, "Too long.")
    return bytes(raw)


def _check_signature(request: web.Request, raw: bytes, secret: str, now: float) -> None:
    """Raises Bad(401) where the request is not from Slack, or not from the last five minutes."""
    timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
    given = request.headers.get("X-Slack-Signature", "")
    if not secret or not _TIMESTAMP.fullmatch(timestamp) or not _SIGNATURE.fullmatch(given):
        raise Bad(401, "Not signed by Slack.")
    if abs(now - int(timestamp)) > STALE:
        raise Bad(401, "Too old.")
    if not hmac.compare_digest(signature(secret, timestamp, raw), given):
        raise Bad(401, "Not signed by Slack.")


def _check_body(raw: bytes, content_type: str) -> str:
    """The body as text. Raises Bad(400) where it is neither JSON nor the form that Slack sends."""
    try:
        body = raw.decode("utf-8")
        if content_type == "application/json":
            whole = json.loads(body)
        else:
            form = parse_qs(body, keep_blank_values=True, strict_parsing=True, max_num_fields=100)
            whole = json.loads(form["payload"][0]) if "payload" in form else {"form": form}
    except (ValueError, RecursionError):
        raise Bad(400, "That is not a request of Slack's.") from None
    if not isinstance(whole, dict) or whole.get("form", {"command": ""}).keys().isdisjoint({"command", "ssl_check"}):  # pyright: ignore[reportUnknownMemberType]
        raise Bad(400, "That is not a request of Slack's.")
    return body
