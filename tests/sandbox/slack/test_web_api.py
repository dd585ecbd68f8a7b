"""Slack's own refusals, met by the real slack_sdk."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.people import Granted

Json = dict[str, Any]
EVERYTHING = Granted(
    scopes=(
        *Granted.shipped().scopes,
        "channels:read",
        "channels:history",
        "im:write",
        "reactions:write",
        "team:read",
    )
)
CHANNEL, DIRECT = {"channel": "C0DEPLOYS"}, {"channel": "D0DEV"}
LONG = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2800}}] * 4
HEAVY = {"event_type": "a", "event_payload": {"b": "x" * 17_000}}


async def refused(call: Any) -> Json:
    with pytest.raises(SlackApiError) as caught:
        await call
    assert caught.value.response.status_code == 200 and caught.value.response["ok"] is False
    return caught.value.response.data


@pytest.mark.parametrize(
    ("token", "method", "arguments", "error"),
    [
        ("", "auth.test", {}, "not_authed"),
        ("xoxb-stolen", "auth.test", {}, "invalid_auth"),
        ("xapp-sandbox", "auth.test", {}, "not_allowed_token_type"),
        ("xoxb-sandbox", "apps.connections.open", {}, "not_allowed_token_type"),
        ("xoxb-sandbox", "chat.shout", {}, "unknown_method"),
        ("xoxb-sandbox", "conversations.info", CHANNEL, "missing_scope"),
        ("xoxb-sandbox", "chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("xoxb-sandbox", "chat.postMessage", {"text": "x"}, "channel_not_found"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL, "no_text"),
        ("xoxb-sandbox", "chat.postEphemeral", CHANNEL | {"user": "U0DEV", "text": "x" * 4001}, "msg_too_long"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"blocks": LONG}, "msg_blocks_too_long"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"text": "x", "metadata": HEAVY}, "metadata_too_large"),
        ("xoxb-sandbox", "chat.update", {"channel": "deploys", "ts": "1.000001", "text": "x"}, "channel_not_found"),
        ("xoxb-sandbox", "chat.postEphemeral", DIRECT | {"user": "U0LEAD", "text": "x"}, "user_not_in_channel"),
        ("xoxb-sandbox", "chat.postEphemeral", CHANNEL | {"user": "U0GONE", "text": "x"}, "user_not_in_channel"),
        ("xoxb-sandbox", "usergroups.users.list", {"usergroup": "S0FORMER"}, "no_such_subteam"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"text": "x", "blocks": "{"}, "invalid_blocks_format"),
        (
            "xoxb-sandbox",
            "chat.postMessage",
            CHANNEL | {"text": "x", "blocks": {"type": "divider"}},
            "invalid_blocks_format",
        ),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ("xoxb-sandbox", "chat.postMessage", CHANNEL | {"text": "x", "username": "Boss"}, "missing_scope"),
        (
            "xoxb-sandbox",
            "chat.postMessage",
            CHANNEL | {"text": "x", "metadata": {"event_type": "a.b", "event_payload": {}}},
            "invalid_metadata_format",
        ),
        ("xoxb-sandbox", "chat.update", CHANNEL | {"ts": "1.000001", "text": "x"}, "message_not_found"),
        ("xoxb-sandbox", "chat.update", CHANNEL | {"text": "x"}, "invalid_arguments"),
        ("xoxb-sandbox", "chat.delete", CHANNEL | {"ts": "1.000001"}, "message_not_found"),
        ("xoxb-sandbox", "chat.getPermalink", CHANNEL | {"message_ts": "1.000001"}, "message_not_found"),
        ("xoxb-sandbox", "chat.postEphemeral", CHANNEL | {"user": "U0NOBODY", "text": "x"}, "user_not_in_channel"),
        ("xoxb-sandbox", "users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("xoxb-sandbox", "usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("xoxb-sandbox", "views.open", {"trigger_id": "1.2.3", "view": {"type": "modal"}}, "invalid_arguments"),
    ],
)
async def test_refusals(sandbox: Any, token: str, method: str, arguments: Json, error: str) -> None:
    get = method.startswith(("users.", "usergroups.", "conversations.", "chat.getPermalink"))
    call = {"http_verb": "GET", "params": arguments} if get else {"json": arguments}
    assert (await refused(sandbox.client(token).api_call(method, **call)))["error"] == error


async def test_a_missing_scope_is_named(sandbox: Any) -> None:
    body = await refused(sandbox.client().conversations_info(channel="C0DEPLOYS"))
    assert (body["needed"], body["provided"]) == (
        "channels:read,groups:read,mpim:read,im:read",
        ",".join(Granted.shipped().scopes),
    )
    assert (await refused(sandbox.client().api_call("chat.shout")))["req_method"] == "chat.shout"


async def test_arguments_come_as_json_as_form_and_as_query(sandbox: Any) -> None:
    blocks = [{"type": "divider"}]
    client = sandbox.client()
    for how in (
        {"json": CHANNEL | {"text": "one", "blocks": blocks}},
        {"data": CHANNEL | {"text": "one", "blocks": json.dumps(blocks)}},
        {"params": CHANNEL | {"text": "one", "blocks": json.dumps(blocks)}},
    ):
        posted = await client.api_call("chat.postMessage", **how)
        assert posted["message"]["blocks"][0]["type"] == "divider" and posted["message"]["text"] == "one"
    body = await refused(client.api_call("users.info", json={"user": "U0DEV"}))
    assert body["error"] == "user_not_found", "Slack does not look into a JSON body here"


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/json; charset=utf-8", b'{"foo": "bar"}', {}),
        ("application/json", b'{"foo": "bar"}', {"warning": "missing_charset"}),
        ("application/x-www-form-urlencoded", b"foo=bar", {}),
        ("application/x-www-form-urlencoded; charset=utf-8", b"foo=bar", {"warning": "superfluous_charset"}),
        ("application/json; charset=utf-7", b"{}", {"error": "invalid_charset"}),
        ("application/xml", b"<a/>", {"error": "invalid_post_type"}),
        ("application/json; charset=utf-8", b"{", {"error": "invalid_json"}),
        ("application/json; charset=utf-8", b"[]", {"error": "json_not_object"}),
        ("application/json; charset=utf-8", b'{"a.b": 1}', {"error": "invalid_arg_name"}),
    ],
)
async def test_how_a_body_has_to_come(sandbox: Any, kind: str, body: bytes, said: Json) -> None:
    headers = {"Content-Type": kind}
    async with sandbox.http.post(f"{sandbox.base}/api/api.test", data=body, headers=headers) as answer:
        told = await answer.json()
    assert {name: told.get(name) for name in ("error", "warning")} == {"error": None, "warning": None} | said
    if "warning" in said:
        assert told["response_metadata"]["warnings"] == [said["warning"]]


async def test_arguments_that_a_method_does_not_know_are_ignored_and_a_token_in_the_address_too(sandbox: Any) -> None:
    posted = await sandbox.client().api_call("chat.postMessage", json=CHANNEL | {"text": "x", "colour": "red"})
    assert posted["ok"] and "warning" not in posted.data and "colour" not in posted["message"]
    assert posted.headers["x-accepted-oauth-scopes"] == "chat:write"
    async with sandbox.http.get(f"{sandbox.base}/api/auth.test?token=xoxb-sandbox") as answer:
        assert (await answer.json())["error"] == "not_authed"


async def test_a_message_lives(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client = sandbox.client()
    metadata = {"event_type": "chom_card", "event_payload": {"change": "chg-1"}}
    first = await client.chat_postMessage(**CHANNEL, text="one", blocks=[{"type": "divider"}], metadata=metadata)
    message = first["message"]
    assert (message["user"], message["bot_id"], message["app_id"]) == ("U0CHOM", "B0CHOM", "A0CHOM")
    assert message["blocks"][0]["block_id"]
    reply = await client.chat_postMessage(**CHANNEL, text="two", thread_ts=first["ts"])
    nested = await client.chat_postMessage(**CHANNEL, text="three", thread_ts=reply["ts"], reply_broadcast=True)
    assert nested["message"]["thread_ts"] == first["ts"] and nested["message"]["subtype"] == "thread_broadcast"
    updated = await client.chat_update(**CHANNEL, ts=first["ts"], text="only text now")
    assert "blocks" not in updated["message"] and updated["message"]["edited"]["user"] == "U0CHOM"
    assert nested["message"]["parent_user_id"] == "U0CHOM"
    assert updated["message"]["metadata"] == metadata and updated["message"]["reply_count"] == 2
    listed = await sandbox.deploys()
    assert [m["text"] for m in listed] == ["only text now", "two", "three"]
    assert len({m["ts"] for m in listed}) == 3 and [m["ts"] for m in listed] == sorted(m["ts"] for m in listed)
    history = await client.conversations_history(**CHANNEL, include_all_metadata=True)
    assert [m["text"] for m in history["messages"]] == ["three", "only text now"]
    assert history["messages"][1]["metadata"] == metadata
    assert "metadata" not in (await client.conversations_history(**CHANNEL))["messages"][1]
    thread = await client.conversations_replies(**CHANNEL, ts=first["ts"])
    assert [m["text"] for m in thread["messages"]] == ["only text now", "two", "three"]
    link = (await client.chat_getPermalink(**CHANNEL, message_ts=reply["ts"]))["permalink"]
    assert (
        link
        == f"{sandbox.base}/archives/C0DEPLOYS/p{reply['ts'].replace('.', '')}?thread_ts={first['ts']}&cid=C0DEPLOYS"
    )
    await client.reactions_add(**CHANNEL, timestamp=reply["ts"], name="tada")
    assert (await refused(client.reactions_add(**CHANNEL, timestamp=reply["ts"], name="tada")))[
        "error"
    ] == "already_reacted"
    await client.chat_delete(**CHANNEL, ts=reply["ts"])
    assert [m["text"] for m in await sandbox.deploys()] == ["only text now", "three"]
    assert (await sandbox.deploys())[0]["reply_count"] == 1
    await client.chat_delete(**CHANNEL, ts=first["ts"])
    stone = (await sandbox.deploys())[0]
    assert (stone["subtype"], stone["text"]) == ("tombstone", "This message was deleted.")
    assert "metadata" not in stone and stone["reply_count"] == 1
    assert (await refused(client.chat_update(**CHANNEL, ts=first["ts"], text="x")))["error"] == "message_not_found"


async def test_what_an_update_keeps_and_what_it_takes_away(sandbox: Any) -> None:
    client, metadata = sandbox.client(), {"event_type": "card", "event_payload": {"change": "1"}}
    ts = (await client.chat_postMessage(**CHANNEL, text="one", blocks=[{"type": "divider"}], metadata=metadata))["ts"]
    said = (await client.chat_update(**CHANNEL, ts=ts, text="two", blocks=[{"type": "divider"}]))["message"]
    assert said["text"] == "two" and "edited" not in said, "Slack marks only text as edited"
    assert said["metadata"] == metadata
    bare = CHANNEL | {"ts": ts, "blocks": [{"type": "divider"}], "metadata": {}}
    said = (await client.api_call("chat.update", json=bare))["message"]
    assert said["text"] == "This content can't be displayed." and "metadata" not in said
    assert (await refused(client.api_call("chat.update", json=CHANNEL | {"ts": ts})))["error"] == "no_text"
    cut = await client.chat_postMessage(**CHANNEL, text="x" * 40_001)
    assert len(cut["message"]["text"]) == 40_000


async def test_only_its_own_messages_can_be_changed(sandbox: Any) -> None:
    await sandbox.post("say", user="dev", channel="deploys", text="mine")
    ts = (await sandbox.deploys())[0]["ts"]
    assert (await refused(sandbox.client().chat_update(**CHANNEL, ts=ts, text="x")))["error"] == "cant_update_message"
    assert (await refused(sandbox.client().chat_delete(**CHANNEL, ts=ts)))["error"] == "cant_delete_message"


async def test_posting_is_held_to_one_a_second_a_channel(start: Any) -> None:
    now = [1000.0]
    sandbox = await start(now=lambda: now[0])
    client = sandbox.client()
    for _ in range(4):
        await client.chat_postMessage(**CHANNEL, text="x")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(**CHANNEL, text="x")
    assert caught.value.response.status_code == 429 and caught.value.response["error"] == "ratelimited"
    assert caught.value.response.headers["Retry-After"] == "1"
    await client.chat_postMessage(channel="D0DEV", text="another channel")
    now[0] += 1
    await client.chat_postMessage(**CHANNEL, text="x")
    with pytest.raises(SlackApiError):
        await client.chat_postMessage(**CHANNEL, text="x")


async def test_updates_are_held_to_fifty_a_minute(start: Any) -> None:
    now = [1000.0]
    sandbox = await start(now=lambda: now[0])
    client = sandbox.client()
    ts = (await client.chat_postMessage(**CHANNEL, text="x"))["ts"]
    for number in range(50):
        now[0] += 0.2
        await client.chat_update(**CHANNEL, ts=ts, text=f"x{number}")
    with pytest.raises(SlackApiError) as caught:
        await client.chat_update(**CHANNEL, ts=ts, text="one too many")
    assert caught.value.response.headers["Retry-After"] == "51"
    now[0] += 51
    await client.chat_update(**CHANNEL, ts=ts, text="again")


async def test_the_web_api_fails_as_it_is_told(sandbox: Any) -> None:
    client = sandbox.client()
    for what, status in (("429", 429), ("500", 500)):
        await sandbox.post("fault", slack=what, method="chat.postMessage", count=1, seconds=9)
        async with sandbox.http.post(f"{sandbox.base}/api/chat.postMessage") as answer:
            assert answer.status == status
            assert (answer.headers.get("Retry-After") == "9") is (status == 429)
    await sandbox.post("fault", slack="lost", method="chat.postMessage", count=1)
    with pytest.raises(Exception, match=r"[Dd]isconnected"):
        await client.chat_postMessage(**CHANNEL, text="done but not answered")
    await client.chat_postMessage(**CHANNEL, text="answered")
    assert [m["text"] for m in await sandbox.deploys()] == ["done but not answered", "answered"]
    assert "is one of" in (await sandbox.post("fault", 400, slack="tired"))["error"]
    assert "not negative" in (await sandbox.post("fault", 400, slack="slow", delay=-1))["error"]
    await sandbox.post("fault", slack="slow", delay=0.2, count=1)
    began = time.monotonic()
    await client.auth_test()
    assert time.monotonic() - began >= 0.2
