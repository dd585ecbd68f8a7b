"""A fresh server in a directory for each test, with everything that it started ended behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.configs import BASE, BLUE, KEEPS_ENV
from tests.host.fpm import Fpm
from tests.host.server import Channel, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.close()


@pytest.fixture
def channel(server: Server) -> Channel:
    return server.channel()


@pytest.fixture
def fpm(server: Server) -> Iterator[Callable[[Any], Fpm]]:
    """Start PHP-FPM's stand-in with that reply."""
    started: list[Fpm] = []

    def start(reply: Any) -> Fpm:
        made = Fpm(server.root / "fpm.sock", reply)
        made.start()
        started.append(made)
        return made

    yield start
    for one in started:
        one.close()


@pytest.fixture
def live(server: Server) -> Server:
    """A server that serves BLUE, whose cache was built from BASE."""
    env = server.www / "shared/.env"
    env.write_text(BASE)
    env.chmod(0o640)
    server.settings(caches=["config:cache"])
    server.artisan("config:cache", KEEPS_ENV)
    channel = server.channel()
    assert channel.run("run/stage/forward", "stage", server.stage_args(BLUE, "v1.0"))["ok"]
    assert channel.run("run/switch/forward", "switch", {"release": BLUE, "workers": False})["ok"]
    return server
