"""Signed HTTP: the same deliveries as POSTs to the app's request addresses, with Slack's signature and headers."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp

from bot.sandbox.slack import people
from bot.sandbox.slack.carrier import FIRST, Answer, Kind, Outcome, Retry
from bot.sandbox.slack.errors import Json

REDIRECTS = 2
FORM = "application/x-www-form-urlencoded"


class SignedHttp:
    """`addresses` says where each kind goes; `now` gives seconds since 1970.

    `options` is where a select's search goes, for apps that named an address of its own for it.
    """

    def __init__(
        self, addresses: dict[Kind, str], now: Callable[[], float], ack_seconds: float = 3.0, options: str = ""
    ) -> None:
        self._addresses, self._options = addresses, options or addresses[Kind.INTERACTIVE]
        self._now = now
        self._ack_seconds = ack_seconds
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, kind: Kind, payload: Json, copies: int = 1, retry: Retry = FIRST) -> Answer:
        """POST the same signed bytes `copies` times; the answer to the first counts."""
        address = self._options if payload.get("type") == "block_suggestion" else self._addresses[kind]
        body = _body(kind, payload)
        headers = self._headers(kind, body, retry)
        answers = await asyncio.gather(*(self._post(address, body, headers) for _ in range(copies)))
        return answers[0]

    async def verify(self) -> bool:
        """Slack's url_verification of the events address: whether the challenge came back."""
        challenge = hashlib.sha256(str(self._now()).encode()).hexdigest()
        body = {"type": "url_verification", "token": people.VERIFICATION_TOKEN, "challenge": challenge}
        answer = await self.deliver(Kind.EVENT, body)
        return challenge in (answer.payload.get("challenge"), answer.payload.get("text"))

    def _headers(self, kind: Kind, body: str, retry: Retry) -> dict[str, str]:
        stamp = str(int(self._now()))
        made = {
            "Content-Type": "application/json" if kind is Kind.EVENT else FORM,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(stamp, body),
        }
        if retry.number:
            made |= {"X-Slack-Retry-Num": str(retry.number), "X-Slack-Retry-Reason": retry.reason}
        return made

    async def _post(self, address: str, body: str, headers: dict[str, str]) -> Answer:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        limit = aiohttp.ClientTimeout(total=self._ack_seconds)
        try:
            async with self._session.post(
                address, data=body, headers=headers, timeout=limit, max_redirects=REDIRECTS
            ) as answer:
                text = await answer.text()
                if answer.status != 200:
                    again = answer.headers.get("X-Slack-No-Retry") != "1"
                    return Answer(Outcome.FAILED, reason="http_error", again=again)
                return Answer(Outcome.ACKED, _said(answer.content_type, text))
        except TimeoutError:
            return Answer(Outcome.TIMEOUT, reason="http_timeout")
        except aiohttp.TooManyRedirects:
            return Answer(Outcome.FAILED, reason="too_many_redirects")
        except aiohttp.ClientSSLError:
            return Answer(Outcome.FAILED, reason="ssl_error")
        except aiohttp.ClientConnectorError:
            return Answer(Outcome.FAILED, reason="connection_failed")
        except aiohttp.ClientError:
            return Answer(Outcome.FAILED, reason="unknown_error")

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()


def signature(stamp: str, body: str, secret: str = people.SIGNING_SECRET) -> str:
    """Slack's v0 signature of a request body."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()


def _body(kind: Kind, payload: Json) -> str:
    match kind:
        case Kind.COMMAND:
            return urlencode(payload)
        case Kind.INTERACTIVE:
            return urlencode({"payload": json.dumps(payload)})
        case Kind.EVENT:
            return json.dumps(payload)


def _said(content_type: str, text: str) -> Json:
    if not text:
        return {}
    if content_type != "application/json":
        return {"text": text}
    try:
        said: Any = json.loads(text)
    except ValueError:
        return {}
    return cast("Json", said) if isinstance(said, dict) else {}
