"""Maintenance mode: users are told to come back, whoever has the secret is not, and it ends by itself."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.host.fpm import Fpm
from tests.host.server import Channel, Server, until

R1 = "20261121_100000"


def framework(server: Server) -> Path:
    return server.www / "shared/storage/framework"


def told(server: Server) -> Any:
    return json.loads((framework(server) / "down").read_text())


def test_down_and_up_are_laravels_own_file(server: Server, channel: Channel) -> None:
    state = channel.run("run/down/forward", "down", {"seconds": 600})
    assert state["ok"] and state["summary"] == "users are told to come back; it ends by itself after 600 s"
    said = told(server)
    assert (said["status"], said["retry"], said["template"], len(said["secret"])) == (503, 30, None, 32)
    assert said["secret"] not in json.dumps(state) + server.log()
    up = channel.run("run/up/forward", "up", {})
    assert up["summary"] == "users are served again" and not list(framework(server).iterdir())
    assert channel.run("run/up-2/forward", "up", {})["summary"] == "it was not in maintenance mode"


def test_again_is_one_and_the_same(server: Server, channel: Channel) -> None:
    channel.run("run/down/forward", "down", {"seconds": 600})
    secret = told(server)["secret"]
    channel.run("run-2/down/forward", "down", {"seconds": 900})
    assert told(server)["secret"] == secret and told(server)["chom_until"] > time.time() + 800


def test_it_ends_at_its_time_with_the_bot_and_its_connection_gone(server: Server) -> None:
    first = server.channel()
    first.run("run/down/forward", "down", {"seconds": 1})
    first.close()
    until(lambda: not list(framework(server).iterdir()))
    until(lambda: "maintenance mode was at its time limit and was ended" in server.log("chom-host"))


def test_a_job_is_over_while_its_time_runs(server: Server, channel: Channel) -> None:
    began = time.monotonic()
    assert channel.run("run/down/forward", "down", {"seconds": 600})["state"] == "ended"
    assert time.monotonic() - began < 5
    assert channel.close() == 0, "nobody holds the connection"


def test_what_somebody_did_by_hand_stays_theirs(server: Server, channel: Channel) -> None:
    framework(server).mkdir(parents=True)
    by_hand = '{"retry": null, "secret": null}'
    (framework(server) / "down").write_text(by_hand)
    state = channel.run("run/down/forward", "down", {"seconds": 600})
    assert not state["ok"] and "by hand; end that first, with php artisan up" in state["summary"]
    state = channel.run("run/up/back", "up", {})
    assert state["ok"] and "somebody put it into by hand" in state["summary"]
    assert (framework(server) / "down").read_text() == by_hand


def test_a_server_whose_releases_do_not_share_storage_has_none(server: Server, channel: Channel) -> None:
    server.settings(shared=[".env"])
    state = server.channel().run("run/down/forward", "down", {"seconds": 600})
    assert not state["ok"] and "needs a storage that all releases share" in state["summary"]


def test_a_health_check_gets_past_it_as_laravel_lets_its_cookie_past(
    server: Server, channel: Channel, fpm: Callable[[Any], Fpm]
) -> None:
    pool = fpm(lambda asked: b"Content-type: text/plain\r\n\r\nfine\n")
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    channel.run("run/health/forward", "health", {"release": R1, "path": "/health"})
    channel.run("run/down/forward", "down", {"seconds": 600})
    channel.run("run/health-2/forward", "health", {"release": R1, "path": "/health"})
    before, after = (asked["HTTP_COOKIE"] for asked in pool.asked)
    name, _, value = after.partition("=")
    cookie = json.loads(base64.b64decode(unquote(value)))
    key = str(told(server)["secret"]).encode()
    assert before == "" and name == "laravel_maintenance"
    assert cookie["mac"] == hmac.new(key, str(cookie["expires_at"]).encode(), "sha256").hexdigest()
    assert cookie["expires_at"] > time.time() + 300


def test_the_arguments(server: Server, channel: Channel) -> None:
    with pytest.raises(Exception, match="whole number from 1 to 7200"):
        channel.begin("run/down/forward", "down", {"seconds": 0})
