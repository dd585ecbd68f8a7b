"""Requests that are not Slack's: forged, replayed, stale, malformed. 401 or 400 in one sentence, never a traceback."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.sandbox.slack.carrier import Kind
from bot.sandbox.slack.signed import SignedHttp
from bot.slack.app import SlackFace
from bot.slack.connection.http import MOST_BYTES, PATHS, signature
from bot.slack.connection.manifest import bot_scopes, manifest
from bot.slack.connection.web import proxy_for
from tests.slack.support import BRISK, FakeDesk, FakeMemory, RealClock, serve_http, start_slack, until

TYPED = {
    "command": "/chom",
    "text": "deploy v1.2",
    "team_id": "T0CHOM",
    "user_id": "U0DEV",
    "channel_id": "C0DEPLOYS",
    "trigger_id": "1.2.abc",
    "response_url": "",
}


class Door:
    """The bot's door, and somebody who knocks."""

    def __init__(self, server: TestServer, http: aiohttp.ClientSession, desk: FakeDesk, face: SlackFace) -> None:
        self.server, self.http, self.desk, self.face = server, http, desk, face

    async def knock(
        self, body: bytes, *, at: str = "", signed: str | None = None, kind: str = "", path: str = PATHS[1], **more: str
    ) -> tuple[int, str]:
        """POST these bytes, signed as Slack does where nothing else is said."""
        stamp = at or str(int(time.time()))
        headers = {
            "Content-Type": kind or "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature("sandbox", stamp, body) if signed is None else signed,
        } | more
        url = f"http://127.0.0.1:{self.server.port}{path}"
        async with self.http.post(url, data=body, headers={k: v for k, v in headers.items() if v}) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A face in http mode."""
    slack, desk = await start_slack(limits=False), FakeDesk()
    face = SlackFace(desk, slack.settings(mode="http"), FakeMemory(), RealClock(), BRISK)
    server = await serve_http(face)
    await face.start()
    async with aiohttp.ClientSession() as http:
        yield Door(server, http, desk, face)
    await face.close()
    await server.close()
    await slack.server.close()


def form(**fields: str) -> bytes:
    return urlencode(TYPED | fields).encode()


async def test_what_slack_signed_is_taken_and_only_once(door: Door) -> None:
    body, stamp = form(), str(int(time.time()))
    answers = [await door.knock(body, at=stamp) for _ in range(5)]
    assert answers == [(200, "")] * 5
    await until(lambda: door.desk.asked)
    await asyncio.sleep(0.1)
    assert door.desk.asked == [("propose", "deploy v1.2", "dev")]


@pytest.mark.parametrize("path", PATHS)
async def test_a_forged_request_is_refused(door: Door, path: str) -> None:
    stamp = str(int(time.time()))
    for forged in (
        signature("another secret", stamp, form()),
        signature("sandbox", stamp, form(text="deploy v9")),
        signature("sandbox", str(int(stamp) - 1), form()),
        "v0=" + "0" * 64,
        "v0=",
        "v1=" + "0" * 64,
        "0" * 64,
        "v0=" + "Z" * 64,
        "",
    ):
        status, said = await door.knock(form(), at=stamp, signed=forged, path=path)
        assert (status, said) == (401, "Not signed by Slack.")
    assert door.desk.asked == []


@pytest.mark.parametrize("stamp", ["", "abc", "-5", "1e9", " 12", "٣" * 10, "9" * 40, "NaN", "0x10", "12.5"])
async def test_a_malformed_timestamp_is_refused(door: Door, stamp: str) -> None:
    raw = await raw_knock(door, stamp.encode(), b"v0=" + b"0" * 64)
    assert raw.startswith(b"HTTP/1.1 401") and b"Traceback" not in raw


@pytest.mark.parametrize("signed", [b"v0=\xff\xfe" + b"0" * 62, "v0=é".encode(), b"\x80" * 67])
async def test_a_signature_that_is_no_text_is_refused(door: Door, signed: bytes) -> None:
    raw = await raw_knock(door, str(int(time.time())).encode(), signed)
    assert raw.startswith(b"HTTP/1.1 40") and b"Traceback" not in raw


async def raw_knock(door: Door, stamp: bytes, signed: bytes) -> bytes:
    """Bytes in headers that no client library would send."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.server.port)
    body = form()
    head = b"POST /slack/commands HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n"
    head += b"Content-Length: %d\r\nX-Slack-Request-Timestamp: %s\r\nX-Slack-Signature: %s\r\n\r\n" % (
        len(body),
        stamp,
        signed,
    )
    writer.write(head + body)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("seconds", [-301, -86_400, 301])
async def test_a_stale_request_is_refused_though_its_signature_is_right(door: Door, seconds: int) -> None:
    assert await door.knock(form(), at=str(int(time.time()) + seconds)) == (401, "Too old.")
    assert door.desk.asked == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"payload=%7Bbroken", ""),
        (b"payload=5", ""),
        (b"payload=%5B%5D", ""),
        (b"nothing=known", ""),
        (b"no form at all", ""),
        (b"\xff\xfe\x00", ""),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"null", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"&".join(b"a%d=1" % n for n in range(5000)), ""),
    ],
)
async def test_a_malformed_body_is_refused_though_it_is_signed(door: Door, body: bytes, kind: str) -> None:
    assert await door.knock(body, kind=kind) == (400, "That is not a request of Slack's.")


async def test_a_body_without_end_is_not_read_to_its_end(door: Door) -> None:
    assert await door.knock(b"a=" + b"x" * (MOST_BYTES + 10)) == (413, "Too long.")


async def test_slacks_own_questions_are_answered(door: Door) -> None:
    asked = json.dumps({"type": "url_verification", "token": "x", "challenge": "prove it"}).encode()
    status, said = await door.knock(asked, kind="application/json", path=PATHS[0])
    assert status == 200 and "prove it" in said
    assert (await door.knock(b"ssl_check=1&token=x"))[0] == 200


async def test_slacks_check_of_the_events_address_passes(door: Door) -> None:
    addresses = dict.fromkeys(Kind, f"http://127.0.0.1:{door.server.port}{PATHS[0]}")
    slack = SignedHttp(addresses, time.time)
    assert await slack.verify()
    await slack.close()


async def test_a_second_delivery_is_done_where_the_first_was_lost_and_only_then(door: Door) -> None:
    """Slack marks it with headers; that they are there says nothing of what became of the first."""
    retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    assert await door.knock(form(trigger_id="1.1.lost"), **retry) == (200, "")
    await until(lambda: door.desk.asked)
    for number in ("2", "3"):
        assert await door.knock(form(trigger_id="1.1.lost"), **retry | {"X-Slack-Retry-Num": number}) == (200, "")
    await asyncio.sleep(0.1)
    assert door.desk.asked == [("propose", "deploy v1.2", "dev")]


async def test_a_click_on_what_is_not_ours_is_404_and_no_traceback(door: Door) -> None:
    click = {"type": "block_actions", "actions": [{"action_id": "other", "block_id": "b", "type": "button"}]}
    body = urlencode({"payload": json.dumps(click | {"team": {"id": "T0CHOM"}, "user": {"id": "U0DEV"}})}).encode()
    status, said = await door.knock(body, path=PATHS[2])
    assert status == 404 and "Traceback" not in said


async def test_a_search_for_options_is_answered_with_options(door: Door) -> None:
    asked = {"type": "block_suggestion", "action_id": "chom_version", "block_id": "version", "value": "v1.2"}
    body = urlencode({"payload": json.dumps(asked | {"team": {"id": "T0CHOM"}, "user": {"id": "U0DEV"}})}).encode()
    status, said = await door.knock(body, path="/slack/options")
    assert status == 200 and [option["value"] for option in json.loads(said)["options"]] == ["v1.2"]
    assert (await door.knock(body, path="/slack/options", signed="v0=" + "0" * 64))[0] == 401


async def test_while_the_bot_stops_slack_is_told_to_try_again(door: Door) -> None:
    await door.face.stop_intake()
    assert (await door.knock(form()))[0] == 503


def test_the_manifest_asks_for_the_least_and_names_addresses_only_for_http() -> None:
    assert bot_scopes() == {"commands", "chat:write", "users:read", "usergroups:read", "files:write"}
    socket, public = manifest(), manifest("https://chom.example.org/")
    assert socket["settings"]["socket_mode_enabled"] and "url" not in socket["features"]["slash_commands"][0]
    assert not public["settings"]["socket_mode_enabled"]
    assert public["features"]["slash_commands"][0]["url"] == "https://chom.example.org/slack/commands"
    assert public["settings"]["interactivity"] == {
        "is_enabled": True,
        "request_url": "https://chom.example.org/slack/actions",
        "message_menu_options_url": "https://chom.example.org/slack/options",
    }
    assert socket["features"]["slash_commands"][0]["command"] == "/chom"
    assert socket["settings"]["event_subscriptions"] == {"bot_events": ["app_home_opened"]}
    assert public["settings"]["event_subscriptions"]["request_url"] == "https://chom.example.org/slack/events"
    assert socket["features"]["app_home"]["home_tab_enabled"]


async def test_slack_may_ask_whether_the_address_for_events_is_ours(door: Door) -> None:
    asked = json.dumps({"type": "url_verification", "token": "x", "challenge": "3eZbrw1aB"}).encode()
    status, said = await door.knock(asked, path=PATHS[0], kind="application/json")
    assert status == 200 and "3eZbrw1aB" in said


def test_a_proxy_is_never_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for("https://slack.com/api/") == "http://proxy.example:3128"
    assert proxy_for("wss://wss.slack.com/link") == "http://proxy.example:3128"
    for near in ("http://127.0.0.1:3900/api/", "https://localhost/", "http://[::1]/", "https://inside.example/"):
        assert proxy_for(near) is None
