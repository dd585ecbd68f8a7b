"""Bots that are killed with -9 in the middle of a call to Slack, before and after its effect, and at any time."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from bot.sandbox.slack.errors import RateLimited
from bot.sandbox.slack.limits import Limits, Tier
from tests.slack.changes import CHANGE, SHIFTING
from tests.slack.journals import FINISHED, THROUGH_STAGES, TURNED
from tests.slack.room import Room
from tests.slack.support import until
from tests.slack.tail_process import tail

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.slack.tail_process"])
WRITES = ("chat.postMessage", "chat.update", "files.completeUploadExternal")
Tried = Callable[[str, int], None]


@dataclass
class Bot:
    """One process at a time, started again whenever it is dead."""

    room: Room
    born: int = 0
    process: BaseProcess | None = None

    def live(self) -> None:
        if self.process is None or not self.process.is_alive():
            self.bury()
            url, settings = self.room.store.link.url, self.room.slack.settings()
            self.process = _FORKS.Process(target=tail, args=(url, settings), daemon=True)
            self.process.start()
            self.born += 1

    def die(self) -> None:
        assert self.process is not None
        self.process.kill()

    def bury(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()


@dataclass
class Deadly(Limits):
    """Kills the bot in every call that writes: at the first try before its effect, at the second after it."""

    bot: Bot | None = None
    deadly: bool = True
    kills: Counter[str] = field(default_factory=Counter[str])
    _before: set[str] = field(default_factory=set[str])

    def spend(self, method: str, tier: Tier) -> None:
        if self.bot is None or not self.deadly or method not in WRITES:
            return
        self.bot.die()
        if method not in self._before:
            self._before.add(method)
            self.kills[f"before {method}"] += 1
            raise RateLimited(1)
        self._before.discard(method)
        self.kills[f"after {method}"] += 1

    def post(self, channel: str) -> None:
        return


@contextmanager
def bot_in(room: Room) -> Iterator[Bot]:
    bot = Bot(room)
    try:
        yield bot
    finally:
        bot.bury()


def fresh(entries: Any) -> Any:
    """As if it had been just now."""
    shift = datetime.now(UTC) - entries[-1].at
    return [replace(entry, at=entry.at + shift) for entry in entries]


async def said_once(room: Room, entries: Any, *, files: int) -> None:
    """One card that is true, every entry told once and in order, and a failure's log as one file.

    Of a canary's pictures, `files` at most, those that a newer one came before are not there.
    """
    (card,) = room.cards()
    assert card["metadata"]["event_payload"]["revision"] == f"{len(entries)}.1"
    told = [m["metadata"]["event_payload"]["upto"] for m in room.thread() if "metadata" in m]
    assert told == sorted(set(told)) and told[-1] == len(entries)
    lines = [line for m in room.thread() for block in m.get("blocks", ()) for line in block["text"]["text"].split("\n")]
    twice = [line for line, times in Counter(lines).items() if times > 1 and line != "```"]
    assert twice == []
    shared = [message["files"] for message in room.thread() if "files" in message]
    assert all(len(found) == 1 for found in shared) and bool(files) <= len(shared) <= files
    titles = [file["title"] for found in shared for file in found]
    assert sorted(set(titles), key=len) == titles, "each once, in order of the weights"


def complete(room: Room, entries: Any, *, files: int) -> bool:
    cards = room.cards()
    shown = [card["metadata"]["event_payload"]["revision"] for card in cards]
    titles = [file["title"] for message in room.thread() for file in message.get("files", [])]
    last = bool(titles) and (titles[-1].endswith(" 100 %") or titles[-1].endswith(".log"))
    ended = any("Asked for by Dana Dev" in str(message.get("blocks")) for message in room.thread())
    return shown == [f"{len(entries)}.1"] and ended and (last or not files)


TURN = fresh(TURNED)
CANARY = fresh(THROUGH_STAGES)
STORIES = {"turned back": (CHANGE, TURN, 1), "done": (CHANGE, fresh(FINISHED), 0), "canary": (SHIFTING, CANARY, 3)}


@pytest.mark.parametrize("story", STORIES)
async def test_killed_in_every_call_before_and_after_its_effect_everything_is_said_once(
    room: Room, story: str, tried: Tried
) -> None:
    change, entries, files = STORIES[story]
    room.change = replace(change, at=room.change.at)
    with bot_in(room) as bot:
        deadly = room.slack.stand_in.workspace.limits = Deadly(time.time, on=False, bot=bot)
        walking = asyncio.create_task(room.walk(entries, pause=0.05))
        until_s = time.monotonic() + 60
        while not (walking.done() and complete(room, entries, files=files)):
            bot.live()
            await asyncio.sleep(0.01)
            assert time.monotonic() < until_s, (deadly.kills, bot.born)
        await walking
        deadly.deadly = False
        bot.live()
        await asyncio.sleep(1.0)
    await said_once(room, entries, files=files)
    assert all(deadly.kills[f"{when} {method}"] for when in ("before", "after") for method in WRITES[: 2 + bool(files)])
    tried("calls to Slack in which a bot was killed", deadly.kills.total())


@pytest.mark.parametrize("seed", range(2))
async def test_killed_at_any_time_a_card_is_late_by_no_more_than_the_next_start(
    room: Room, seed: int, tried: Tried
) -> None:
    dice = random.Random(seed)
    with bot_in(room) as bot:
        walking = asyncio.create_task(room.walk(TURN, pause=0.12))
        while not walking.done():
            bot.live()
            await asyncio.sleep(dice.uniform(0.02, 0.35))
            bot.bury()
        await walking
        bot.live()
        await until(lambda: complete(room, TURN, files=1), 8)
        await asyncio.sleep(0.5)
    await said_once(room, TURN, files=1)
    tried("moments at which a bot that tails was killed", bot.born - 1)
