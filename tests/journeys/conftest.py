"""A town for each module of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.town import Town
from tests.support.redis import redis_server


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two servers that serve v1.1, a Redis, a shop, and bots to order."""
    directory = Path(tmp_path_factory.mktemp("town"))
    with redis_server(directory / "redis") as redis:
        town = Town.build(directory, redis)
        yield town
        town.close()
