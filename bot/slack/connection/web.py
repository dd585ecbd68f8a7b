"""Slack's Web API as the bot uses it: one shared session, what goes wrong sorted into what to do about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.config import SlackSettings

logger = logging.getLogger(__name__)

Client = AsyncWebClient
SECONDS = 15.0
"""Longest wait for one answer of Slack."""


class SlackUnusable(Exception):
    """Slack answers, and this app cannot work there: a sentence that says what to mend."""


class Trouble(Enum):
    """What a failed call means for the one who made it."""

    LATER = "Slack is down, slow, or cannot be reached: whether the call had its effect is unknown; try again"
    SLOWER = "too many calls: try again when Slack says so, with what is newest then"
    GONE = "the message does not exist any more"
    REFUSED = "the call itself is not acceptable: the same call will never succeed"
    SETUP = "the token, a scope or the channel is wrong: a person has to mend it; keep trying slowly"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call, sorted. `after` is in seconds."""

    trouble: Trouble
    error: str
    after: float = 0.0

    @property
    def without_effect(self) -> bool:
        """Whether Slack said that it did nothing; else the call may have had its effect."""
        return self.trouble is not Trouble.LATER


CALL_ERRORS = (SlackClientError, aiohttp.ClientError, OSError, TimeoutError)
"""All that a call to Slack raises for what Slack or the network does."""

_GONE = frozenset({"message_not_found", "cant_update_message", "thread_not_found"})
_SETUP = {
    "invalid_auth": "Slack does not accept the bot token. Set SLACK_BOT_TOKEN to the token under OAuth & Permissions.",
    "not_authed": "There is no bot token. Set SLACK_BOT_TOKEN to the token under OAuth & Permissions.",
    "account_inactive": "The bot's account is switched off in Slack. Install the app again.",
    "token_revoked": "The bot token was revoked. Install the app again, and set SLACK_BOT_TOKEN to its new token.",
    "token_expired": "The bot token has expired. Install the app again, and set SLACK_BOT_TOKEN to its new token.",
    "missing_scope": "The Slack app lacks a scope. Install it again from bot/slack/connection/manifest.json.",
    "not_allowed_token_type": "That is another kind of token. SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with "
    "xapp-.",
    "channel_not_found": "Slack knows no such channel, or the bot may not see it. Check slack.channel in chom.toml.",
    "not_in_channel": "The bot is not in its channel. Type /invite @chom there.",
    "is_archived": "The bot's channel is archived. Name another one as slack.channel in chom.toml.",
    "not_enabled": "The app's Home is switched off in Slack. Install it again from bot/slack/connection/manifest.json.",
    "restricted_action": "Slack's settings forbid the bot to post in its channel.",
    "team_access_not_granted": "The app is not allowed in this workspace.",
}
_LATER = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
        "too_many_websockets",
    }
)


def proxy_for(url: str) -> str | None:
    """The proxy of the environment, never for this machine itself and never for what NO_PROXY names."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host == "localhost" or _loopback(host) or proxy_bypass(host):
        return None
    return getproxies().get({"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme))


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def new_session() -> aiohttp.ClientSession:
    """The one session that all clients share; made inside the running loop."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS), trust_env=False)


def retries() -> list[AsyncRetryHandler]:
    """For answers to people, outside the path of an ack: a few quick attempts."""
    return [
        AsyncConnectionErrorRetryHandler(max_retry_count=1),
        AsyncRateLimitErrorRetryHandler(max_retry_count=2),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]


def new_client(
    settings: SlackSettings, session: aiohttp.ClientSession, *, token: str | None, retrying: bool
) -> AsyncWebClient:
    """A client of the Web API. Without `retrying` each call is made once, for those who render anew each time."""
    client = AsyncWebClient(
        token=token,
        base_url=settings.api_url,
        session=session,
        timeout=int(SECONDS),
        retry_handlers=retries() if retrying else [],
    )
    client.proxy = proxy_for(settings.api_url)
    return client


@dataclass(frozen=True, slots=True)
class Answer:
    """What Slack answered."""

    status: int
    data: Mapping[str, Any]
    headers: Mapping[str, str]
    """By their names in small letters."""

    def text(self, name: str) -> str:
        """The text of that name, "" where there is none."""
        return str(self.data.get(name) or "")


class CallFailed(Exception):
    """A call that did not succeed, and what that means."""

    def __init__(self, method: str, failure: Failure) -> None:
        super().__init__(f"{method}: {failure.error}")
        self.method, self.failure = method, failure


async def call(client: Client, method: str, arguments: Mapping[str, Any], *, as_query: bool = False) -> Answer:
    """One call with its arguments as JSON, or in the address for methods that look nowhere else. Raises CallFailed."""
    given: dict[str, Any] = {"http_verb": "GET", "params": dict(arguments)} if as_query else {"json": dict(arguments)}
    try:
        return _answer(await client.api_call(method, **given))  # pyright: ignore[reportUnknownMemberType]
    except CALL_ERRORS as error:
        raise CallFailed(method, sort(error)) from error


async def look(client: Client, method: str, params: Mapping[str, str]) -> Answer:
    """One call that only reads, with its arguments in the query, where Slack looks for them. Raises CallFailed."""
    try:
        return _answer(await client.api_call(method, http_verb="GET", params=dict(params)))  # pyright: ignore[reportUnknownMemberType]
    except CALL_ERRORS as error:
        raise CallFailed(method, sort(error)) from error


async def send_bytes(client: Client, url: str, content: bytes) -> None:
    """Send a file to the address that files.getUploadURLExternal gave, without a token. Raises CallFailed."""
    assert client.session is not None
    try:
        async with client.session.post(url, data=content, proxy=proxy_for(url)) as answer:
            if answer.status != 200:
                raise CallFailed("upload", Failure(Trouble.LATER, f"HTTP {answer.status}"))
    except CALL_ERRORS as error:
        raise CallFailed("upload", sort(error)) from error


def _answer(response: Any) -> Answer:
    """Of a response of the SDK; of an error page of something in between, status 0."""
    if not isinstance(response, AsyncSlackResponse):
        return Answer(0, {}, {})
    made: Any = response
    data = cast("object", made.data)
    told: Mapping[str, Any] = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    return Answer(made.status_code, told, {str(k).lower(): str(v) for k, v in made.headers.items()})


def sort(error: Exception) -> Failure:
    """What to do about an error of CALL_ERRORS."""
    if not isinstance(error, SlackApiError):
        return Failure(Trouble.LATER, f"{type(error).__name__}: {error}"[:200])
    answer = _answer(vars(error).get("response"))
    code = answer.text("error")
    if answer.status == 429 or code in {"ratelimited", "rate_limited"}:
        return Failure(Trouble.SLOWER, "ratelimited", _seconds(answer.headers))
    if answer.status >= 500 or code in _LATER or not code:
        return Failure(Trouble.LATER, code or f"HTTP {answer.status}")
    if code in _GONE:
        return Failure(Trouble.GONE, code)
    return Failure(Trouble.SETUP if code in _SETUP else Trouble.REFUSED, code)


def _seconds(headers: Mapping[str, str]) -> float:
    said = headers.get("retry-after", "30")
    return min(float(said), 300.0) if said.isdigit() else 30.0


def advice(code: str) -> str:
    """What a person has to mend, as a sentence."""
    return _SETUP.get(code, f"Slack refuses the bot: {code}.")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in Slack."""

    team: str
    user: str
    bot: str
    url: str
    """The workspace's address with a slash at its end, "" where Slack did not say."""

    def link(self, channel: str, ts: str) -> str:
        """Where a message is, "" where the workspace's address is not known."""
        return f"{self.url}archives/{channel}/p{ts.replace('.', '')}" if self.url else ""


async def who_am_i(client: AsyncWebClient, settings: SlackSettings, scopes: frozenset[str]) -> Identity:
    """Ask Slack whether the bot can work there. Raises SlackUnusable; CALL_ERRORS where Slack cannot be reached."""
    try:
        answer = _answer(await client.auth_test())  # pyright: ignore[reportUnknownMemberType]
    except SlackApiError as error:
        failure = sort(error)
        if failure.trouble in {Trouble.SETUP, Trouble.REFUSED}:
            raise SlackUnusable(advice(failure.error)) from None
        raise
    team = answer.text("team_id")
    if team != settings.team:
        raise SlackUnusable(f"SLACK_BOT_TOKEN belongs to the workspace {team}; chom.toml says {settings.team}.")
    granted = answer.headers.get("x-oauth-scopes", "")
    if granted and (lacking := scopes - {scope.strip() for scope in granted.split(",")}):
        raise SlackUnusable(
            f"The Slack app lacks {', '.join(sorted(lacking))}. "
            "Install it again from bot/slack/connection/manifest.json."
        )
    url = answer.text("url")
    return Identity(team, answer.text("user_id"), answer.text("bot_id"), url and url.rstrip("/") + "/")


async def socket_address(client: AsyncWebClient, token: str) -> str:
    """The address of one Socket Mode connection, a secret that is good once and for seconds. Raises as `who_am_i`."""
    try:
        answer = _answer(await client.apps_connections_open(app_token=token))  # pyright: ignore[reportUnknownMemberType]
    except SlackApiError as error:
        failure = sort(error)
        if failure.trouble in {Trouble.SETUP, Trouble.REFUSED}:
            raise SlackUnusable(
                f"Slack does not accept the app token ({failure.error}). Set SLACK_APP_TOKEN to an app-level token "
                "that has connections:write, and switch Socket Mode on."
            ) from None
        raise
    return answer.text("url")
