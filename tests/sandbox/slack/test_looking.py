"""The methods that look: people of every standing, user groups, conversations page by page; and files."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.sandbox.slack.people import Granted, Group

Json = dict[str, Any]
EVERYTHING = Granted(
    scopes=(
        *Granted.shipped().scopes,
        *("channels:read", "im:read", "channels:history", "im:write", "team:read", "files:read", "users:read.email"),
    )
)
CHANNEL = {"channel": "C0DEPLOYS"}


async def error(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_who_and_what_is_there(start: Any) -> None:
    sandbox = await start(granted=EVERYTHING)
    client = sandbox.client()
    me = await client.auth_test()
    assert (me["team_id"], me["user_id"], me["bot_id"]) == ("T0CHOM", "U0CHOM", "B0CHOM")
    assert (await client.conversations_info(**CHANNEL))["channel"]["name"] == "deploys"
    assert [c["id"] for c in (await client.conversations_list())["channels"]] == ["C0DEPLOYS"]
    direct = (await client.conversations_open(users="U0DEV"))["channel"]["id"]
    assert (await client.chat_postMessage(channel=direct, text="psst"))["channel"] == "D0DEV"
    assert [m["text"] for m in (await sandbox.state())["channels"]["@dev"]] == ["psst"]
    assert (await client.bots_info(bot="B0CHOM"))["bot"]["user_id"] == "U0CHOM"
    assert (await client.team_info())["team"]["domain"] == "chom"
    assert (await client.api_test(foo="bar"))["args"]["foo"] == "bar"


async def test_people_of_every_standing(start: Any) -> None:
    sandbox = await start(granted=EVERYTHING)
    client = sandbox.client()

    async def user(id: str) -> Json:
        return (await client.users_info(user=id))["user"]

    lead = await user("U0LEAD")
    assert (lead["profile"]["display_name"], lead["team_id"]) == ("Lea Martin", "T0CHOM")
    assert lead["profile"]["email"] == "lead@chom.example"
    flags = ("is_bot", "is_restricted", "is_ultra_restricted", "deleted")
    standings = {id: [(await user(id)).get(f, False) for f in flags] for id in ("U0LEAD", "U0GUEST", "U0VISITOR")}
    assert standings == {
        "U0LEAD": [False, False, False, False],
        "U0GUEST": [False, True, False, False],
        "U0VISITOR": [False, True, True, False],
    }
    stranger = await user("U0STRANGER")
    assert (stranger["team_id"], stranger["is_stranger"]) == ("T0ELSEWHERE", True)
    assert "email" not in stranger["profile"]
    gone = await user("U0GONE")
    assert gone["deleted"] is True and "is_admin" not in gone
    assert (await user("U0CHOM"))["is_bot"] is True and (await user("USLACKBOT"))["is_bot"] is False
    everybody = [u["id"] for u in (await client.users_list())["members"]]
    assert "U0GUEST" in everybody and "U0STRANGER" not in everybody
    plain = await start()
    assert "email" not in (await plain.client().users_info(user="U0LEAD"))["user"]["profile"]


async def test_a_stranger_has_no_commands_and_a_guest_has(sandbox: Any) -> None:
    asked = {"channel": "deploys", "text": "status"}
    assert "another workspace" in (await sandbox.post("command", 400, user="stranger", **asked))["error"]
    assert "deactivated" in (await sandbox.post("command", 400, user="gone", **asked))["error"]
    assert (await sandbox.post("command", user="guest", **asked))["outcome"] == "dispatch_failed"
    assert (await sandbox.state())["ephemerals"]["guest"][0]["text"].startswith("/chom failed")
    await sandbox.post("say", user="stranger", channel="deploys", text="hello")
    assert (await sandbox.deploys())[0]["team"] == "T0ELSEWHERE"


async def test_user_groups(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client = sandbox.client()
    groups = (await client.usergroups_list(include_users=True))["usergroups"]
    assert {g["handle"]: g["users"] for g in groups} == {
        "tech-leads": ["U0LEAD"],
        "devops-team": ["U0DEVOPS"],
        "cto-office": ["U0CTO"],
    }
    assert "users" not in (await client.usergroups_list())["usergroups"][0]
    off = (await client.usergroups_list(include_disabled=True))["usergroups"][-1]
    assert off["handle"] == "former-leads" and off["date_delete"] > 0
    assert (await client.usergroups_users_list(usergroup="S0LEADS"))["users"] == ["U0LEAD"]
    assert await error(client.usergroups_users_list(usergroup="S0FORMER")) == "no_such_subteam"
    assert (await client.usergroups_users_list(usergroup="S0FORMER", include_disabled=True))["users"][0] == "U0GONE"
    sandbox.slack.workspace.groups["S0LEADS"] = Group("S0LEADS", "tech-leads", "Tech Leads", ("U0LEAD2",))
    assert (await client.usergroups_users_list(usergroup="S0LEADS"))["users"] == ["U0LEAD2"]


async def test_lists_of_user_groups_are_held_to_twenty_a_minute(start: Any) -> None:
    now = [1000.0]
    sandbox = await start(now=lambda: now[0])
    client = sandbox.client()
    for _ in range(20):
        await client.usergroups_users_list(usergroup="S0LEADS")
    with pytest.raises(SlackApiError) as caught:
        await client.usergroups_users_list(usergroup="S0LEADS")
    assert caught.value.response.status_code == 429 and caught.value.response.headers["Retry-After"] == "60"
    await client.usergroups_list()


async def test_history_page_by_page_and_between_two_moments(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client = sandbox.client()
    stamps = [(await client.chat_postMessage(**CHANNEL, text=str(n)))["ts"] for n in range(5)]
    first = await client.conversations_history(**CHANNEL, limit=2)
    assert ([m["text"] for m in first["messages"]], first["has_more"]) == (["4", "3"], True)
    cursor = first["response_metadata"]["next_cursor"]
    await client.chat_postMessage(**CHANNEL, text="new")
    second = await client.conversations_history(**CHANNEL, limit=2, cursor=cursor)
    assert [m["text"] for m in second["messages"]] == ["2", "1"], "what came since moves no page"
    last = await client.conversations_history(**CHANNEL, cursor=second["response_metadata"]["next_cursor"])
    assert ([m["text"] for m in last["messages"]], last["has_more"]) == (["0"], False)
    assert "response_metadata" not in last.data
    between = {"oldest": stamps[1], "latest": stamps[3]}
    assert [m["text"] for m in (await client.conversations_history(**CHANNEL, **between))["messages"]] == ["2"]
    both = await client.conversations_history(**CHANNEL, **between, inclusive=True)
    assert [m["text"] for m in both["messages"]] == ["3", "2", "1"]
    for name in ("oldest", "latest"):
        assert await error(client.conversations_history(**CHANNEL, **{name: "yesterday"})) == f"invalid_ts_{name}"
    assert await error(client.conversations_history(**CHANNEL, cursor="x")) == "invalid_cursor"
    assert await error(client.conversations_history(channel="deploys")) == "channel_not_found"
    assert await error(client.conversations_replies(**CHANNEL, ts="1.000001")) == "thread_not_found"
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_history(channel="D0DEV")
    assert (caught.value.response["error"], caught.value.response["needed"]) == ("missing_scope", "im:history")


async def test_a_file_goes_up_and_can_be_read_in_the_thread(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client = sandbox.client()
    parent = await client.chat_postMessage(**CHANNEL, text="failed")
    done = await client.files_upload_v2(
        channel="C0DEPLOYS",
        thread_ts=parent["ts"],
        filename="deployment.log",
        content="<b>line</b>",
        initial_comment="The whole log",
    )
    message = (await sandbox.deploys())[1]
    assert (message["text"], message["thread_ts"]) == ("The whole log", parent["ts"])
    file = message["files"][0]
    assert (file["id"], file["size"], file["preview"]) == (done["file"]["id"], 11, "<b>line</b>")
    share = (await client.files_info(file=file["id"]))["file"]["shares"]["public"]["C0DEPLOYS"][0]
    assert (share["ts"], share["thread_ts"]) == (message["ts"], parent["ts"])
    async with sandbox.http.get(file["url_private"]) as answer:
        assert answer.content_type == "text/plain" and await answer.text() == "<b>line</b>"
    assert (await sandbox.deploys())[0]["reply_count"] == 1


async def test_a_picture_keeps_its_size_and_what_it_shows_in_words(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client, png = sandbox.client(), b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\x38\0\0\x03\x84\x08\x03\0\0\0"
    asked = await client.files_getUploadURLExternal(filename="c.png", length=len(png), alt_txt="It went back.")
    async with sandbox.http.post(asked["upload_url"], data=png) as answer:
        assert answer.status == 200
    await client.files_completeUploadExternal(files=[{"id": asked["file_id"]}], channel_id="C0DEPLOYS")
    file = (await sandbox.deploys())[0]["files"][0]
    assert (file["mimetype"], file["alt_txt"], "preview" in file) == ("image/png", "It went back.", False)
    assert (file["original_w"], file["original_h"], file["thumb_360_w"], file["thumb_360_h"]) == (1080, 900, 360, 300)
    async with sandbox.http.get(file["url_private"]) as answer:
        assert answer.content_type == "image/png" and await answer.read() == png
    arguments = {"filename": "c.png", "length": 5, "alt_txt": "x" * 1001}
    assert await error(client.files_getUploadURLExternal(**arguments)) == "alt_txt_too_large"


async def test_what_slack_refuses_of_files(start: Any) -> None:
    sandbox = await start(limits=False, granted=EVERYTHING)
    client = sandbox.client()
    for arguments, said in (
        ({"filename": "x", "length": 0}, "missing_argument"),
        ({"filename": "x", "length": 5, "snippet_type": "klingon"}, "unknown_snippet_type"),
        ({"filename": "x", "length": 1_000_001, "snippet_type": "text"}, "snippet_too_large"),
        ({"filename": "x", "length": 9_000_000}, "file_upload_size_restricted"),
    ):
        assert await error(client.files_getUploadURLExternal(**arguments)) == said
    asked = await client.files_getUploadURLExternal(filename="x", length=5)
    async with sandbox.http.post(asked["upload_url"], data=b"toolong") as answer:
        assert answer.status == 400
    files = [{"id": asked["file_id"]}]
    assert await error(client.files_completeUploadExternal(files=files, channel_id="C0DEPLOYS")) == "file_not_found"
    async with sandbox.http.post(asked["upload_url"], data=b"exact") as answer:
        assert answer.status == 200
    assert await error(client.files_completeUploadExternal(files=files, channel_id="deploys")) == "channel_not_found"
    late = {"channel_id": "C0DEPLOYS", "thread_ts": "1.000001"}
    assert await error(client.files_completeUploadExternal(files=files, **late)) == "thread_not_found"
    assert await sandbox.deploys() == []
    await client.files_completeUploadExternal(files=files, channel_id="C0DEPLOYS")
    assert await error(client.files_completeUploadExternal(files=files, channel_id="C0DEPLOYS")) == "file_not_found"
    assert len(await sandbox.deploys()) == 1
