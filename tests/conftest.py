"""For all tests: how many points those that count them have tried, and no time limit an example."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from tests.support.redis import RedisServer, redis_server

settings.register_profile("house", deadline=None)  # a busy machine is no fault of what is tested
settings.load_profile("house")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the tests of one file."""
    with redis_server(tmp_path_factory.mktemp("redis")) as one:
        yield one


@pytest.fixture
def tried(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Call with what was counted and how many."""
    return lambda what, count: record_property("tried", (what, count))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Counts travel as properties of the reports, so that they arrive from other processes too."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "tried":
                what, count = value
                counts[what] += count
    for what, count in counts.items():
        terminalreporter.write_line(f"{count:>7,} {what}")
