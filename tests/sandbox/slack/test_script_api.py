"""The API for scripts and the page's own needs: shapes, sentences, who may ask, live updates."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from bot.sandbox.page import FILES

Json = dict[str, Any]


async def test_the_state_has_exactly_its_five_parts(sandbox: Any) -> None:
    state = await sandbox.state()
    assert sorted(state) == ["annotations", "channels", "ephemerals", "servers", "views"]
    assert state["channels"] == {"deploys": []}
    assert state["ephemerals"] == {"dev": [], "lead": [], "devops": [], "cto": [], "team": []}
    assert state["servers"][0]["weights"] == {"stable": 100, "canary": 0}
    await sandbox.post("say", user="dev", channel="deploys", text="hello")
    said = (await sandbox.state())["channels"]["deploys"][0]
    assert (said["user"], said["text"], said["type"]) == ("U0DEV", "hello", "message") and float(said["ts"]) > 1
    await sandbox.post("say", user="lead", channel="deploys", text="hi", thread_ts=said["ts"])
    assert (await sandbox.deploys())[1]["thread_ts"] == said["ts"]


@pytest.mark.parametrize(
    ("act", "body", "sentence"),
    [
        ("command", {"user": "eve", "channel": "deploys", "text": "x"}, "nobody called 'eve'"),
        ("command", {"user": ["dev"], "channel": "deploys", "text": "x"}, "nobody called"),
        ("command", {"user": "dev", "channel": "general", "text": "x"}, "no channel 'general'"),
        ("command", {"user": "dev", "channel": "deploys", "text": 7}, "has to be a string"),
        ("say", {"user": "dev", "channel": "deploys", "text": "  "}, "is empty"),
        ("click", {"user": "dev", "channel": "deploys", "ts": "1.1"}, "“action_id” has to be"),
        ("submit", {"user": "dev", "view_id": "V1", "values": []}, "no view 'V1'"),
        ("submit", {"user": "dev", "view_id": "V1", "values": [1]}, "“values” has to be an object"),
        ("fault", {"rain": True}, "knows only"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(sandbox: Any, act: str, body: Json, sentence: str) -> None:
    assert sentence in (await sandbox.post(act, 400, **body))["error"]


async def test_a_body_that_is_no_object(sandbox: Any) -> None:
    for body in ("{", "[]", "7"):
        async with sandbox.http.post(f"{sandbox.base}/sandbox/command", data=body) as answer:
            assert answer.status == 400 and "JSON" in (await answer.json())["error"]


async def test_other_faults_go_to_the_world(sandbox: Any) -> None:
    assert (await sandbox.post("fault", kill="bot"))["killed"] == "bot"
    assert sandbox.world.faults == [{"kill": "bot"}]


async def test_other_sites_and_other_names_are_refused(sandbox: Any) -> None:
    port = sandbox.base.rpartition(":")[2]
    for headers in ({"Host": f"evil.example:{port}"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = await sandbox.post("say", 403, headers=headers, user="dev", channel="deploys", text="x")
        assert refused["error"]
    await sandbox.post("say", headers={"Origin": sandbox.base}, user="dev", channel="deploys", text="fine")
    await sandbox.post("say", headers={"Host": f"localhost:{port}"}, user="dev", channel="deploys", text="fine")
    assert len(await sandbox.deploys()) == 2


async def test_the_page_fetches_nothing_from_outside(sandbox: Any) -> None:
    todo, seen, text = ["/"], set[str](), ""
    while todo:
        path = todo.pop()
        seen.add(path)
        async with sandbox.http.get(sandbox.base + path) as answer:
            assert answer.status == 200, f"the page wants {path}"
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
            text += (held := await answer.text())
        wanted = {f"/page/{name}" for name in re.findall(r'(?:from "\./|"/page/)([^"]+)"', held)}
        todo += wanted - seen - set(todo)
    assert seen == {"/", *(f"/page/{name}" for name in FILES if name != "index.html")}
    assert not re.findall(r"https?://", text.replace("http://www.w3.org/2000/svg", ""))
    for name in ("..%2Fapi.py", "__init__.py", "nothing.js"):
        async with sandbox.http.get(f"{sandbox.base}/page/{name}") as answer:
            assert answer.status == 404


async def test_the_page_knows_people_commands_and_what_the_world_tells(start: Any) -> None:
    sandbox = await start()
    async with sandbox.http.get(f"{sandbox.base}/sandbox/info") as answer:
        info = await answer.json()
    assert [p["name"] for p in info["people"]] == ["dev", "lead", "devops", "cto", "team"]
    assert info["commands"][0]["command"] == "/chom" and "deploy" in info["commands"][0]["usage_hint"]
    assert info["versions"] == ["v1.0", "v1.2"] and info["chom_toml"]


async def test_events_tell_what_happens(sandbox: Any) -> None:
    async def next_of(stream: Any, name: str) -> Json:
        while True:
            line = (await asyncio.wait_for(stream.content.readline(), 5)).decode().strip()
            if line == f"event: {name}":
                return json.loads((await stream.content.readline()).decode().removeprefix("data: "))

    async with sandbox.http.get(f"{sandbox.base}/sandbox/events") as stream:
        assert stream.content_type == "text/event-stream"
        assert (await next_of(stream, "slack"))["channels"] == {"deploys": []}
        assert (await next_of(stream, "world"))["servers"][0]["name"] == "app1"
        await sandbox.post("say", user="dev", channel="deploys", text="hello")
        assert (await next_of(stream, "slack"))["channels"]["deploys"][0]["text"] == "hello"


async def test_a_permalink_leads_to_the_page(sandbox: Any) -> None:
    ts = (await sandbox.client().chat_postMessage(channel="C0DEPLOYS", text="x"))["ts"]
    link = (await sandbox.client().chat_getPermalink(channel="C0DEPLOYS", message_ts=ts))["permalink"]
    async with sandbox.http.get(link, allow_redirects=False) as answer:
        assert answer.status == 302 and answer.headers["Location"] == f"/#C0DEPLOYS/p{ts.replace('.', '')}"
