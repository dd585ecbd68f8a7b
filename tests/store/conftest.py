"""One Redis for the module's tests, emptied for each, and stores that are closed afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from bot.store import Store
from tests.support.redis import RedisServer, redis_server

MakeStore = Callable[..., Store]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """appendfsync always: what was acknowledged has to be there after kill -9."""
    with redis_server(Path(tmp_path_factory.mktemp("redis")), fsync="always") as one:
        yield one


@pytest.fixture
def empty(server: RedisServer) -> RedisServer:
    """The server with nothing in it."""
    with server.client() as client:
        client.flushall()
    return server


@pytest.fixture
async def make_store(empty: RedisServer) -> AsyncIterator[MakeStore]:
    """Makes stores, each with connections of its own, as different bots have them."""
    made: list[Store] = []

    def make(url: str = "", **more: float) -> Store:
        made.append(Store(url or empty.url, **more))
        return made[-1]

    yield make
    for store in made:
        await store.close()


@pytest.fixture
def store(make_store: MakeStore) -> Store:
    """One bot's store."""
    return make_store()
