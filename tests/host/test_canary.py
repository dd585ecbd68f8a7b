"""The canary pool on a server: its master, its leases that end by themselves, and what it tells a bot that is back."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.host.chom_host import pools
from actions.host.chom_host.leases import LASTS, lapsed_since, lease, leased, minute
from actions.host.chom_host.settings import Settings
from tests.host.deploys import R1, R2, deploy, twice
from tests.host.server import Channel, Refusal, Server, target

NOON = 1_795_694_405.0
"""2026-11-26T12:00:05Z."""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "state").mkdir()
    return Settings(state=str(tmp_path / "state"), leases=str(tmp_path / "run"), canary="chom_canary")


def buckets(settings: Settings, at: float) -> set[str]:
    """The buckets that nginx finds in that minute."""
    place = Path(settings.leases, "lease", minute(at))
    return {path.name for path in place.iterdir()} if place.is_dir() else set()


@pytest.fixture
def zone() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Europe/Berlin"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_a_minute_is_named_as_nginx_names_it_and_the_hour_that_comes_twice_has_two_names(zone: None) -> None:
    assert minute(NOON) == "2026-11-26T13:00+01:00"
    twice_two = 1_792_888_200.0  # 2026-10-25T00:30Z, and an hour later
    assert [minute(twice_two), minute(twice_two + 3600)] == ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00"]


def test_each_weight_contains_the_last_one_and_nothing_is_left_of_zero(settings: Settings) -> None:
    before: set[str] = set()
    for percent in (1, 10, 25, 50, 75, 100):
        assert lease(settings, percent, NOON)["percent"] == percent
        now = buckets(settings, NOON)
        assert now == buckets(settings, NOON + 60) == {str(n) for n in range(1, percent + 1)}
        assert before < now
        before = now
    assert lease(settings, 0, NOON) == {"percent": 0, "until": 0, "lapsed": None}
    assert list(Path(settings.leases, "lease").iterdir()) == []
    assert leased(settings, NOON) == 0


def test_nobody_leaves_while_nginx_is_late_for_a_new_minute(settings: Settings) -> None:
    began = NOON - 4.7
    lease(settings, 10, began - 20)
    lease(settings, 25, began)
    assert buckets(settings, began - 1) == buckets(settings, began) == {str(n) for n in range(1, 26)}
    lease(settings, 25, began + 20)
    assert buckets(settings, began - 1) == set()


@given(st.integers(0, 119))
def test_a_lease_that_nobody_renews_is_over_within_two_minutes(second: int) -> None:
    at = NOON - 5 + second / 2
    until = (int(at) // 60 + 2) * 60
    assert 60 <= until - at <= LASTS
    assert minute(until - 0.001) == minute(at + 60)
    assert minute(until) not in (minute(at), minute(at + 60))


def test_who_comes_back_too_late_is_told(settings: Settings) -> None:
    until = lease(settings, 10, NOON)["until"]
    assert lease(settings, 10, NOON + 50) == {"percent": 10, "until": until, "lapsed": None}
    assert lease(settings, 10, NOON + 60)["until"] == until + 60
    late = until + 60 + 1
    assert (leased(settings, late), lapsed_since(settings, late)) == (0, until + 60)
    assert buckets(settings, late) == set()
    assert lease(settings, 10, late)["lapsed"] == until + 60
    assert lapsed_since(settings, late) is None


def test_after_a_reboot_the_lease_has_lapsed_when_it_is_asked_for(settings: Settings) -> None:
    lease(settings, 10, NOON)
    for path in Path(settings.leases, "lease").iterdir():
        path.unlink()
    assert lapsed_since(settings, NOON + 20) == int(NOON + 20)


def test_a_lease_that_was_taken_back_has_not_lapsed(settings: Settings) -> None:
    lease(settings, 25, NOON)
    lease(settings, 0, NOON)
    assert lapsed_since(settings, NOON + 500) is None


@pytest.fixture
def canary(server: Server) -> Iterator[Server]:
    """A server with a canary pool, whose master takes requests."""
    path = server.root / "canary.sock"
    (server.root / "pins.conf").write_text('"abc-canary" canary;\n"abc-stable" stable;\n')
    server.settings(canary="chom_canary", canary_socket=str(path), leases=str(server.root / "run"),
                    pins=str(server.root / "pins.conf"), fpm_files=[str(server.root / "www.conf")])  # fmt: skip
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        yield server


def sudo_log(server: Server) -> list[str]:
    path = server.bin / "sudo.log"
    return path.read_text().splitlines() if path.exists() else []


def test_its_master_is_begun_with_a_release_and_ended_without_clients(canary: Server) -> None:
    channel = canary.channel()
    deploy(canary, channel, R1, "v1.0")
    twice(channel, "stage", canary.stage_args(R2, "v1.2"))
    said = twice(channel, "canary_start", {"release": R2})
    assert said["summary"] == "v1.2 is ready in the canary pool, and no client has it yet"
    assert target(canary.www / "chom_canary") == f"releases/{R2}"
    assert sudo_log(canary)[-1] == "-n /usr/bin/systemctl start php8.2-fpm-canary"
    assert channel.ask("route", fence=1, percent=10)["percent"] == 10
    seen = channel.ask("survey")["pools"]
    assert (seen["canary"], seen["running"], seen["weight"], seen["lapsed"]) == (R2, True, 10, None)
    assert seen["memory"] > 0
    refused = channel.run("run/start/other", "canary_start", {"release": R1})
    assert not refused["ok"] and "it serves another release" in refused["summary"]
    refused = channel.run("run/unstage/back", "unstage", {"release": R2})
    assert not refused["ok"] and "is the release in the canary pool" in refused["summary"]
    assert twice(channel, "prune", {"keep": 1, "protect": []})["summary"] == "nothing to remove"
    twice(channel, "canary_stop", {})
    assert sudo_log(canary)[-1] == "-n /usr/bin/systemctl stop php8.2-fpm-canary"
    nobody, stopped = (path.stat().st_mtime for path in (canary.state / "weight.json", canary.bin / "sudo.log"))
    assert stopped - nobody > 0.4, "who was sent there just before has arrived"
    seen = channel.ask("survey")["pools"]
    assert (seen["canary"], seen["weight"]) == ("", 0)
    assert not (canary.www / "chom_canary").is_symlink()


def refused(channel: Channel, fence: int, percent: int) -> tuple[str, str]:
    with pytest.raises(Refusal) as refusal:
        channel.ask("route", fence=fence, percent=percent)
    return refusal.value.code, str(refusal.value)


def test_nobody_is_sent_to_a_canary_that_serves_nothing_or_does_not_run(canary: Server) -> None:
    channel = canary.channel()
    assert refused(channel, 1, 10) == ("not possible", "the canary serves no release yet, so no client can have it")
    twice(channel, "stage", canary.stage_args(R1, "v1.0"))
    twice(channel, "canary_start", {"release": R1})
    (canary.root / "canary.sock").unlink()
    assert "does not run" in refused(channel, 1, 10)[1]
    assert channel.ask("route", fence=1, percent=0)["percent"] == 0, "the way back is always open"


def test_routing_is_the_newest_bots_alone(canary: Server) -> None:
    channel = canary.channel()
    twice(channel, "stage", canary.stage_args(R1, "v1.0"))
    twice(channel, "canary_start", {"release": R1})
    assert channel.ask("route", fence=3, percent=10)["percent"] == 10
    assert refused(channel, 2, 25)[0] == "fenced"
    assert refused(channel, 3, 101)[0] == "bad argument"
    assert channel.ask("survey")["pools"]["weight"] == 10


def test_the_bot_learns_how_a_probe_names_its_pool(canary: Server) -> None:
    assert canary.channel().ask("pins") == {"canary": "abc-canary", "stable": "abc-stable"}
    (canary.root / "pins.conf").unlink()
    with pytest.raises(Refusal, match="run `chom-bot host install`"):
        canary.channel().ask("pins")


@pytest.mark.parametrize(
    ("verb", "args"),
    [("canary_start", {"release": R1}), ("canary_health", {"release": R1, "path": "/"}), ("canary_stop", {})],
)
def test_a_server_without_pools_says_how_it_gets_them(channel: Channel, server: Server, verb: str, args: dict) -> None:
    twice(channel, "stage", server.stage_args(R1, "v1.0"))
    said = channel.run(f"run/{verb}/one", verb, args)
    assert not said["ok"] and "[hosts.NAME.canary] in chom.toml" in said["summary"]
    assert channel.ask("survey")["pools"] is None
    assert "host install" in refused(channel, 1, 0)[1]


def test_the_room_that_a_canary_needs_is_that_of_as_many_workers_as_stable_may_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each worker what is its own: 3,000 pages resident, 1,000 of them shared."""
    proc = tmp_path / "proc"
    titles = ("php-fpm: pool www", "php-fpm: pool www", "php-fpm: master process (/etc/php)", "php-fpm: pool other")
    for number, title in enumerate(titles):
        (proc / str(number)).mkdir(parents=True)
        (proc / str(number) / "cmdline").write_bytes(title.encode() + b"\0" * 5)
        (proc / str(number) / "statm").write_text("9000 3000 1000 1 0 1 0\n")
    (proc / "meminfo").write_text("MemTotal:       9000 kB\nMemAvailable:   2048 kB\n")
    monkeypatch.setattr(pools, "_FILES", proc)
    (tmp_path / "www.conf").write_text("[www]\npm.max_children = 5\n;pm.max_children = 9\n")
    (tmp_path / "zz.conf").write_text("[www]\npm.max_children = 12\n")
    settings = Settings(fpm_files=(str(tmp_path / "www.conf"), str(tmp_path / "zz.conf")))
    assert pools.needed(settings) == 12 * 2000 * os.sysconf("SC_PAGE_SIZE")
    assert pools.memory_free() == 2048 * 1024
    assert pools.needed(Settings(fpm_files=(str(tmp_path / "none.conf"),))) == 0
