"""A canary's pictures in its thread: one at each stage's end and one at its own, each once, whatever goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actions.engine.journal import Entry, TurnedBack
from actions.engine.telemetry import Blind, Sample
from bot.tails.delivery.shown import read_shown
from tests.slack.changes import SHIFTING
from tests.slack.journals import FINISHED, OPENED, THROUGH_STAGES, TOOK, both, close
from tests.slack.room import Room
from tests.slack.support import QUICK, until
from tests.support.canaries import BAD, shift

WEIGHTS = ["10 %", "50 %", "100 %"]
PNG = b"\x89PNG\r\n\x1a\n"


def fresh(entries: Sequence[Entry], ago: timedelta = timedelta()) -> list[Any]:
    """As if it had ended just now, or so long ago."""
    by = datetime.now(UTC) - ago - entries[-1].at
    return [replace(entry, at=entry.at + by) for entry in entries]


@pytest.fixture
def canary(room: Room) -> Room:
    room.change = replace(SHIFTING, at=room.change.at)
    return room


def pictures(room: Room) -> list[dict[str, Any]]:
    """What the thread has been given, in order."""
    return [file for message in room.thread() for file in message.get("files", [])]


def weights(room: Room) -> list[str]:
    return [str(file["title"]).rpartition(" at ")[2] for file in pictures(room)]


async def hung(room: Room, *, until_weight: str = "100 %") -> None:
    """Wait for the picture of that weight, and for that it is noted; then a while for what must not come."""
    await until(lambda: until_weight in weights(room), 20)
    for _ in range(200):
        note = read_shown(await room.store.shown(room.change.id)).hung
        if note.upto and not note.file:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


async def walk_slowly(room: Room, entries: Sequence[Entry]) -> None:
    """Each stage's picture hangs before the next one is over."""
    parts, part = list[list[Entry]](), list[Entry]()
    for entry in entries:
        part.append(entry)
        if entry.kind == "weighed":
            parts.append(part)
            part = []
    await room.walk(parts[0])
    for number, rest in enumerate([*parts[1:], part], 1):
        for entry in rest:
            await room.store.append(room.change.id, await room.store.length(room.change.id), [entry], None)
        await until(lambda want=number: len(pictures(room)) >= want, 20)  # type: ignore[misc]


async def test_each_stage_has_its_picture_and_the_end_too(canary: Room) -> None:
    async with canary.tail("a"):
        await walk_slowly(canary, fresh(THROUGH_STAGES))
        await hung(canary)
    assert weights(canary) == WEIGHTS
    first, last = pictures(canary)[0], pictures(canary)[-1]
    assert first["name"] == "canary_v1.2_10_percent.png" and first["mimetype"] == "image/png"
    assert first["alt_txt"].startswith("v1.2 kept its limits with 10 % of users. Limits: at most 5 %")
    assert last["title"] == "Canary of v1.2 on production at 100 %"
    content = canary.slack.stand_in.memory.files[last["id"]].content
    assert content is not None and content.startswith(PNG)
    said = [message for message in canary.thread() if message.get("files")]
    assert said[-1]["text"] == "v1.2 kept its limits, up to 100 % of users."
    assert {message["thread_ts"] for message in said} == {canary.cards()[0]["ts"]}


async def test_a_way_back_shows_why(canary: Room) -> None:
    back = [*shift(OPENED.at, weights=(10,), back=3, failed=0.25), TurnedBack(OPENED.at, BAD)]
    entries = fresh(close([OPENED, TOOK, *both("canary", 54, 56, "ready"), *back], 100))
    async with canary.tail("a"):
        await canary.walk(entries)
        await hung(canary, until_weight="10 %")
    (picture,) = [file for file in pictures(canary) if file["mimetype"] == "image/png"]
    assert picture["alt_txt"].startswith("v1.2 went back at 10 %: 25 % failed.")


class Prometheus:
    """ports.Metrics: a p95 of 0.8 s and 0.6 s, but for a Prometheus that is away."""

    def __init__(self, away: bool) -> None:
        self.away = away

    async def query(self, promql: str, at: datetime | None = None) -> tuple[Sample, ...]:
        assert "chom_seconds_bucket" in promql and at is not None
        if self.away:
            raise Blind("Prometheus cannot be reached.")
        return Sample({"pool": "canary"}, 0.8), Sample({"pool": "stable"}, 0.6)


@pytest.mark.parametrize("away", [False, True])
async def test_the_p95_is_prometheus_own_and_nothing_waits_for_it(canary: Room, away: bool) -> None:
    canary.metrics = Prometheus(away)
    await canary.walk(fresh(THROUGH_STAGES))
    async with canary.tail("a"):
        await hung(canary)
    (picture,) = pictures(canary)
    assert ("p95 of v1.2 at the end 0.8 s, of v1.1 0.6 s." in picture["alt_txt"]) is not away


async def test_other_deploys_have_no_pictures(room: Room) -> None:
    async with room.tail("a"):
        await room.walk(fresh(FINISHED))
        await until(lambda: "Asked for by Dana Dev" in room.told())
        await asyncio.sleep(0.4)
    assert pictures(room) == []


async def test_of_what_was_missed_the_newest_is_hung(canary: Room) -> None:
    """Slack was away the whole time: one picture, which shows all of it."""
    await canary.walk(fresh(THROUGH_STAGES))
    async with canary.tail("a"):
        await hung(canary)
    assert weights(canary) == ["100 %"]
    assert pictures(canary)[0]["alt_txt"].count("requests to v1.2") == 3


async def test_what_is_old_gets_no_picture(canary: Room) -> None:
    canary.change = replace(canary.change, at=canary.change.at - timedelta(hours=20))
    async with canary.tail("a"):
        await canary.walk(fresh(THROUGH_STAGES, timedelta(hours=25)))
        await until(lambda: "Asked for by Dana Dev" in canary.told())
        await asyncio.sleep(0.5)
    assert pictures(canary) == []


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("fault", ["lost", "429", "500"])
async def test_a_call_that_goes_wrong_leaves_one_picture(canary: Room, method: str, fault: str) -> None:
    await canary.slack.stand_in.fault({"slack": fault, "method": method, "count": 1, "seconds": 1})
    await canary.walk(fresh(THROUGH_STAGES))
    async with canary.tail("a"):
        await hung(canary)
    assert weights(canary) == ["100 %"]


async def test_without_the_scope_a_lost_answer_leaves_one_picture_too(blind_room: Room) -> None:
    room = blind_room
    room.change = replace(SHIFTING, at=room.change.at)
    await room.slack.stand_in.fault({"slack": "lost", "method": "files.completeUploadExternal", "count": 1})
    await room.walk(fresh(THROUGH_STAGES))
    async with room.tail("a"):
        await hung(room)
    assert weights(room) == ["100 %"]


@pytest.mark.parametrize("fault", ["500", "lost"])
async def test_a_bot_that_died_over_it_leaves_one_picture(canary: Room, fault: str) -> None:
    """Dead with its id noted, not shared or shared and that not noted."""
    await canary.slack.stand_in.fault({"slack": fault, "method": "files.completeUploadExternal", "seconds": 60})
    await canary.walk(fresh(THROUGH_STAGES))
    async with canary.tail("a", replace(QUICK, backoff=(5, 5), flush=0)):
        await until(lambda: any(file.content for file in canary.slack.stand_in.memory.files.values()), 20)
        await until(lambda: fault == "500" or bool(pictures(canary)), 20)
        for _ in range(200):
            if read_shown(await canary.store.shown(canary.change.id)).hung.file:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
    assert len(pictures(canary)) == (fault == "lost")
    await canary.slack.stand_in.fault({"slack": "up"})
    async with canary.tail("b"):
        await hung(canary)
    assert weights(canary) == ["100 %"]


async def test_a_file_that_slack_forgot_is_brought_once_more(canary: Room) -> None:
    await canary.slack.stand_in.fault({"slack": "500", "method": "files.completeUploadExternal", "seconds": 60})
    await canary.walk(fresh(THROUGH_STAGES))
    async with canary.tail("a", replace(QUICK, backoff=(5, 5), flush=0)):
        for _ in range(1000):
            if read_shown(await canary.store.shown(canary.change.id)).hung.file:
                break
            await asyncio.sleep(0.02)
    canary.slack.stand_in.memory.files.clear()
    await canary.slack.stand_in.fault({"slack": "up"})
    async with canary.tail("b"):
        await hung(canary)
    assert weights(canary) == ["100 %"]


async def test_slack_that_takes_no_files_loses_nothing_else(canary: Room) -> None:
    scopes = tuple(scope for scope in canary.slack.stand_in.workspace.scopes if scope != "files:write")
    canary.slack.stand_in.workspace.scopes = scopes
    async with canary.tail("a"):
        await canary.walk(fresh(THROUGH_STAGES))
        await until(lambda: canary.says("live") and "Asked for by Dana Dev" in canary.told())
        await until(lambda: "10 % of users go to v1.2" in canary.told())
    assert pictures(canary) == []
