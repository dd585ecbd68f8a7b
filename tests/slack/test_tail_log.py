"""A failed run's whole log as a file in its thread: once, whatever is away, and never waited for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actions.engine.journal import TurnedBack
from actions.engine.ports import JobLog
from bot.tails.delivery.shown import Log, read_shown
from tests.slack.journals import FINISHED, STOPPED, TURNED
from tests.slack.room import SECRET, Room
from tests.slack.support import QUICK, seen_text, until

_SHIFT = datetime.now(UTC) - TURNED[-1].at
TURNED = [replace(entry, at=entry.at + _SHIFT) for entry in TURNED]
"""As if it had failed just now."""
TURN = next(n for n, entry in enumerate(TURNED, 1) if isinstance(entry, TurnedBack))


def write_logs(room: Room) -> None:
    room.servers.logs = {
        ("app1", "stage"): JobLog(("unpacking", f"DB_PASSWORD={SECRET}")),
        ("app2", "stage"): JobLog(("unpacking on app2", f"the key is {SECRET} there")),
        ("app1", "migrate"): JobLog(("Migrating: 2026_11_01_000001_create_orders",)),
        ("app1", "health"): JobLog(("GET /health", "HTTP 500 Internal Server Error", "SQLSTATE[42S22]")),
        ("app2", "health"): JobLog(("GET /health", "HTTP 200 OK")),
    }


def files(room: Room) -> list[dict[str, Any]]:
    """What the thread has been given."""
    return [file for message in room.thread() for file in message.get("files", [])]


def text_of(room: Room, file: dict[str, Any]) -> str:
    content = room.slack.stand_in.memory.files[file["id"]].content
    assert content is not None
    return content.decode()


async def settled(room: Room) -> bool:
    return read_shown(await room.store.shown(room.change.id)).log is Log.SETTLED


async def brought(room: Room, seconds: float = 8) -> str:
    """The text of the only file, once it is there and noted."""
    await until(lambda: files(room), seconds)
    for _ in range(100):
        if await settled(room):
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    (file,) = files(room)
    return text_of(room, file)


async def test_the_whole_log_is_in_the_thread_of_a_failure_without_secrets(room: Room) -> None:
    write_logs(room)
    async with room.tail("a"):
        await room.walk(TURNED)
        text = await brought(room)
    (file,) = files(room)
    assert file["name"] == f"deployment_{TURNED[0].at:%Y%m%d_%H%M%S}.log" == file["title"]
    shared = next(message for message in room.thread() if message.get("files"))
    assert shared["thread_ts"] == room.cards()[0]["ts"] and "start to the failure" in shared["text"]
    order = ["Deploy v1.2", "Copy on app1", "unpacking", "Copy on app2", "Migrating", "SQLSTATE", "-- failed after 1 s"]
    found = [text.index(words) for words in order]
    assert found == sorted(found)
    assert SECRET not in text and "HTTP 200 OK" in text


@pytest.mark.parametrize("entries", [FINISHED, STOPPED])
async def test_nobody_is_sent_the_log_of_what_did_not_fail(room: Room, entries: Any) -> None:
    write_logs(room)
    async with room.tail("a"):
        await room.walk(entries)
        await until(lambda: "Asked for by Dana Dev" in room.told())
        await asyncio.sleep(0.4)
    assert files(room) == [] and room.servers.asked == 0


async def test_the_file_comes_at_the_failure_and_not_only_when_all_is_undone(room: Room) -> None:
    write_logs(room)
    async with room.tail("a"):
        await room.walk(TURNED[:TURN])
        assert "SQLSTATE" in await brought(room)


async def test_a_server_that_is_away_is_waited_for_and_said_so_once(room: Room) -> None:
    write_logs(room)
    room.servers.away = {"app2"}
    room.log_pace = replace(room.log_pace, patience=86400)  # the failure is as old as the whole run of tests
    async with room.tail("a", replace(QUICK, sweep=0.1)):
        await room.walk(TURNED)
        await until(lambda: "follows when app2 answers again" in room.told())
        await until(lambda: "Asked for by Dana Dev" in room.told())
        await asyncio.sleep(0.4)
        assert files(room) == [] and room.told().count("follows when") == 1
        room.servers.away.clear()
        text = await brought(room)
    assert "unpacking on app2" in text and room.told().count("follows when") == 1


async def test_a_server_that_stays_away_is_missing_from_the_file(room: Room) -> None:
    write_logs(room)
    room.servers.away = {"app2"}
    async with room.tail("a"):
        await room.walk(TURNED)
        text = await brought(room)
    assert "could not be read: app2 does not answer" in text and "unpacking\n" in text
    shared = next(message for message in room.thread() if message.get("files"))
    assert "What app2 wrote is missing" in shared["text"]


async def test_where_no_server_answers_to_the_end_it_is_said_and_where_to_look(room: Room) -> None:
    room.servers.away = {"app1", "app2"}
    async with room.tail("a"):
        await room.walk(TURNED)
        await until(lambda: "cannot be attached: app1 does not answer" in room.told())
        await asyncio.sleep(0.3)
    assert files(room) == [] and room.told().count("cannot be attached") == 1
    assert f"deployment_{TURNED[0].at:%Y%m%d_%H%M%S}.log" in room.told() and await settled(room)


async def test_a_server_that_refuses_is_not_asked_for_ten_minutes(room: Room) -> None:
    write_logs(room)
    room.servers.refuse = {"app2"}
    async with room.tail("a"):
        await room.walk(TURNED)
        assert "runs another chom-host" in await brought(room)


async def test_a_run_that_did_nothing_on_a_server_has_no_log_and_says_nothing_of_it(room: Room) -> None:
    async with room.tail("a"):
        await room.walk([*TURNED[:4], TURNED[TURN - 1], TURNED[-1]])
        await until(lambda: "Asked for by Dana Dev" in room.told())
        for _ in range(100):
            if await settled(room):
                break
            await asyncio.sleep(0.02)
    assert "log" not in room.told() and await settled(room)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("fault", ["lost", "429", "500"])
async def test_a_call_that_goes_wrong_leaves_one_file(room: Room, method: str, fault: str) -> None:
    write_logs(room)
    await room.slack.stand_in.fault({"slack": fault, "method": method, "count": 1, "seconds": 1})
    async with room.tail("a"):
        await room.walk(TURNED)
        assert "SQLSTATE" in await brought(room)


async def test_without_the_scope_a_lost_answer_leaves_one_file_too(blind_room: Room) -> None:
    """Slack itself refuses to share one file twice."""
    room = blind_room
    write_logs(room)
    await room.slack.stand_in.fault({"slack": "lost", "method": "files.completeUploadExternal", "count": 1})
    async with room.tail("a"):
        await room.walk(TURNED)
        assert "SQLSTATE" in await brought(room)


@pytest.mark.parametrize("moment", ["fetched", "noted", "shared"])
async def test_a_bot_that_died_over_it_leaves_one_file(room: Room, moment: str) -> None:
    """Dead with the file fetched, with its id noted, with the file shared and that not noted."""
    write_logs(room)
    faults = {
        "fetched": {"slack": "500", "method": "files.getUploadURLExternal", "seconds": 60},
        "noted": {"slack": "500", "method": "files.completeUploadExternal", "seconds": 60},
        "shared": {"slack": "lost", "method": "files.completeUploadExternal", "seconds": 60},
    }
    await room.slack.stand_in.fault(faults[moment])
    async with room.tail("a", replace(QUICK, backoff=(5, 5), flush=0)):
        await room.walk(TURNED)
        await until(lambda: "HTTP 500" in room.told() and room.servers.asked >= 5)
        await asyncio.sleep(0.6)
        assert len(files(room)) == (1 if moment == "shared" else 0)
    await room.slack.stand_in.fault({"slack": "up"})
    async with room.tail("b"):
        assert "SQLSTATE" in await brought(room)


async def test_slack_that_takes_no_files_is_not_asked_for_ever(room: Room) -> None:
    write_logs(room)
    scopes = tuple(scope for scope in room.slack.stand_in.workspace.scopes if scope != "files:write")
    room.slack.stand_in.workspace.scopes = scopes
    async with room.tail("a"):
        await room.walk(TURNED)
        await until(lambda: "cannot be attached: Slack does not take the file" in room.told())
    assert all("xoxb" not in seen_text(message) for message in room.thread())


async def test_the_end_of_the_deploy_does_not_wait_for_a_server_that_hangs(room: Room) -> None:
    write_logs(room)
    hanging = asyncio.Event()

    async def log(host: str, job: str, most: int) -> JobLog | None:
        await hanging.wait()
        return None

    room.servers.log = log  # type: ignore[method-assign]
    async with room.tail("a"):
        await room.walk(TURNED)
        await until(lambda: room.says("Turned back") and "Asked for by Dana Dev" in room.told(), 4)
