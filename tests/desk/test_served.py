"""What a bot that serves says of itself on /readyz, and what a shell beside it knows of Slack's people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Bot, build
from bot.config import load
from bot.serving.serve import serve
from bot.shell import login
from tests.desk.test_command_line import Place
from tests.slack.support import BRISK, Slack, start_slack
from tests.store.samples import change
from tests.store.waiting import until
from tests.support.redis import RedisServer, free_port, redis_server


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(Path(tmp_path_factory.mktemp("redis"))) as one:
        yield one


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    made = await start_slack(limits=False)
    yield made
    await made.server.close()


@pytest.fixture
def place(tmp_path: Path, redis: RedisServer, slack: Slack) -> Place:
    """Lea is the Tech Lead, as long as she is in a group that she is not in."""
    made = Place(tmp_path, redis, free_port(), f"{slack.base}/api/")
    made.write(slack=True)
    with made.config.open("a") as toml:
        toml.write('[slack.groups]\ntech-lead = "S0DEVOPS"\n')
        toml.write('[people.lead]\nname = "Lea"\nroles = ["tech-lead"]\nslack = ["T0CHOM:U0LEAD"]\n')
        toml.write(f"unix = {json.dumps([login()])}\n")
    return made


@asynccontextmanager
async def serving(place: Place) -> AsyncIterator[Bot]:
    bot, stop = build(load(place.config, place.env())), asyncio.Event()
    running = asyncio.create_task(serve(bot, stop, BRISK))
    try:
        yield bot
    finally:
        stop.set()
        await running
        await bot.close()


async def ready(place: Place) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http:
        try:
            async with http.get(f"http://127.0.0.1:{place.port}/readyz") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectionError:
            return 0, {}


async def until_ready(place: Place, status: int, words: str = "") -> dict[str, Any]:
    told: dict[str, Any] = {}

    async def so() -> bool:
        nonlocal told
        now, told = await ready(place)
        return now == status and words in str(told)

    await until(so, 60)
    return told


async def test_ready_is_who_is_heard_by_slack_and_what_is_not_known_is_a_note(place: Place, slack: Slack) -> None:
    await slack.stand_in.fault({"slack": "500", "method": "usergroups.users.list", "seconds": 600})
    async with serving(place):
        told = await until_ready(place, 200)
        assert told["status"] == "ok" and "the roles of chom.toml count" in told["notes"]["user groups"]
        await slack.stand_in.fault({"slack": "down", "seconds": 600})
        told = await until_ready(place, 503, "HTTP 503")
        assert told["status"] == "not ready" and "The connection to Slack is down for" in told["troubles"]["slack"]
        await slack.stand_in.fault({"slack": "up"})
        await until_ready(place, 200)


async def test_a_shell_goes_by_what_slack_last_said(place: Place) -> None:
    asked = replace(change(), at=datetime.now(UTC).replace(microsecond=0))
    async with serving(place) as bot:
        await bot.store.put_change(asked)
        await until(lambda: bot.store.roster(), 60)
        told = await until_ready(place, 200, "'notes': {}")
        assert told["troubles"] == {}
    said = await asyncio.to_thread(lambda: place.refused("approve", asked.id))
    assert "chom.toml names you as Tech Lead only while you are in the Slack user group S0DEVOPS" in said
    with place.redis.client() as client:
        client.hdel("chom:roster", "group:S0DEVOPS")
    process = place.start("status")
    out, err = await asyncio.to_thread(lambda: process.communicate(timeout=60))
    assert "Slack has not said who is in the user groups" in out, err
