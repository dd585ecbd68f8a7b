"""Every verb does what PROTOCOL.md says, and does it twice without harm."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from actions.host.chom_host.verbs import pruning
from tests.host.deploys import R1, R2, R3, R4, R5, deploy, twice
from tests.host.server import QUICK, Channel, Refusal, Server, target, until


def test_hello_says_who_answers(channel: Channel) -> None:
    said = channel.ask("hello", protocol=1)
    assert said["agent"] == hashlib.sha256(QUICK.read_bytes()).hexdigest()
    assert said["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (said["protocol"], said["fence"], said["host"]) == (1, 0, os.uname().nodename)
    with pytest.raises(Refusal) as refused:
        channel.ask("hello", protocol=2)
    assert refused.value.code == "protocol"


KEYS = ["APP_KEY", "APP_NAME", "DB_PASSWORD"]
"""Of the environment file that an operator put there."""


def test_survey_of_a_server_that_has_nothing(channel: Channel) -> None:
    seen = channel.ask("survey")
    assert seen.pop("disk_free") > 0
    assert len(seen.pop("config")) == 32
    assert seen.pop("pools") is None
    assert seen == {
        "current": "",
        "releases": [],
        "migrations": [],
        "ran": {},
        "fence": 0,
        "configs": [],
        "config_keys": KEYS,
    }


def test_fence_only_grows(channel: Channel) -> None:
    assert channel.ask("fence", fence=3) == channel.ask("fence", fence=3) == {"fence": 3}
    with pytest.raises(Refusal) as refused:
        channel.ask("fence", fence=2)
    assert (refused.value.code, refused.value.error["current"]) == ("fenced", 3)
    with pytest.raises(Refusal) as refused:
        channel.begin("run/unstage/back", "unstage", {"release": R1}, fence=2)
    assert refused.value.code == "fenced"
    assert channel.run("run/unstage/back", "unstage", {"release": R1}, fence=4)["ok"]
    assert channel.ask("survey")["fence"] == 4, "a job under a higher fence raises it"


def test_put_and_holds(server: Server, channel: Channel) -> None:
    data = os.urandom(3_000_000)
    sha256 = hashlib.sha256(data).hexdigest()
    assert channel.ask("holds", sha256=sha256) == {"holds": False}
    want = {"sha256": sha256, "bytes": len(data)}
    assert server.enter(f"put {sha256} {len(data)}", data) == (0, {"result": {**want, "stored": True}})
    assert server.enter(f"put {sha256} {len(data)}", b"") == (0, {"result": {**want, "stored": False}})
    assert channel.ask("holds", sha256=sha256) == {"holds": True}
    kept = server.state / "incoming" / f"{sha256}.tar.gz"
    kept.write_bytes(b"rotten")
    assert channel.ask("holds", sha256=sha256) == {"holds": False}
    assert server.put(data) == sha256, "a rotten one is replaced"
    assert kept.read_bytes() == data


def test_the_first_switch_ever_and_those_after_it(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    assert target(server.www / "chom_current") == f"releases/{R1}"
    assert target(server.www / "chom") == "chom_current"
    deploy(server, channel, R2, "v1.1")
    twice(channel, "switch", {"release": R1, "workers": True})
    seen = channel.ask("survey")
    assert seen["current"] == R1
    one, two = ({r["id"]: r["activated"] for r in seen["releases"]}[id_] for id_ in (R1, R2))
    assert len(one) == 2 and len(two) == 1, "switching to what is served already is no activation"
    assert one[0] < two[0] < one[1], "in order, even within one second"
    assert [call["release"] for call in server.php_log("queue:restart")] == [R1, R1]


def test_an_activation_that_a_crash_swallowed_is_made_good(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    (server.www / "chom_current").symlink_to(f"releases/{R1}")
    (server.www / "chom").symlink_to("chom_current")
    (server.state / "activations.jsonl").write_text('{"release": "torn')
    channel.run("run/switch/forward", "switch", {"release": R1, "workers": False})
    assert len(channel.ask("survey")["releases"][0]["activated"]) == 1


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda www: (www / "chom_current").mkdir(), "chom_current is not a link"),
        (lambda www: (www / "chom").mkdir(), "chom is not a link to chom_current"),
        (lambda www: (www / "chom").symlink_to("elsewhere"), "points to elsewhere, not to chom_current"),
    ],
    ids=["current is a directory", "link is a directory", "link points elsewhere"],
)
def test_switch_refuses_what_would_reach_nobody(
    server: Server, channel: Channel, make: Callable[[Path], None], why: str
) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    make(server.www)
    state = channel.run("run/switch/forward", "switch", {"release": R1, "workers": False})
    assert not state["ok"] and why in state["summary"]
    assert channel.ask("survey")["releases"][0]["activated"] == []


def test_switch_to_what_is_not_there(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    state = channel.run("run/switch/forward", "switch", {"release": R2, "workers": False})
    assert not state["ok"] and "is not on this server" in state["summary"]
    assert target(server.www / "chom_current") == f"releases/{R1}"


def test_unstage_never_removes_what_is_served(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    channel.run("run/stage/forward", "stage", server.stage_args(R2, "v1.1"))
    twice(channel, "unstage", {"release": R2})
    state = channel.run("run/unstage/back", "unstage", {"release": R1})
    assert not state["ok"] and "is served; it is not removed" in state["summary"]
    assert {path.name for path in (server.www / "releases").iterdir()} == {R1}


def test_what_was_done_is_said_in_versions_without_paths_and_ids(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    channel.run("run/stage/forward", "stage", server.stage_args(R2, "v1.1"))
    switched = channel.run("run/switch/a", "switch", {"release": R1, "workers": True})["summary"]
    assert switched == "v1.0 is served already, and the queue workers were told to restart"
    assert channel.run("run/switch/b", "switch", {"release": R2, "workers": False})["summary"] == "v1.1 is served"
    channel.run("run/stage/c", "stage", server.stage_args(R3, "v1.2"))
    assert channel.run("run/unstage/d", "unstage", {"release": R3})["summary"] == "v1.2 was removed"
    channel.run("run/stage/e", "stage", server.stage_args(R3, "v1.2"))
    deploy(server, channel, R4, "v1.3")
    assert channel.run("run/prune/f", "prune", {"keep": 1, "protect": []})["summary"] == "v1.0, v1.2 removed"


def test_restart_tells_the_workers_and_reloads_through_sudo(server: Server, channel: Channel) -> None:
    assert "no release is served" in channel.run("run/restart/a", "restart", {"services": []})["summary"]
    deploy(server, channel, R1, "v1.0")
    state = twice(channel, "restart", {"services": ["php8.2-fpm"]})
    assert "php8.2-fpm was reloaded" in state["summary"]
    assert {call["nice"] for call in server.php_log("queue:restart")} == {os.nice(0)}, "users have the release by now"
    assert (server.bin / "sudo.log").read_text() == "-n /usr/bin/systemctl reload php8.2-fpm\n" * 2
    state = channel.run("run/restart/b", "restart", {"services": ["broken"]})
    assert (state["ok"], state["summary"]) == (False, "systemctl reload broken failed with exit status 1")
    with pytest.raises(Refusal) as refused:
        channel.begin("run/restart/c", "restart", {"services": ["mariadb"]})
    assert refused.value.code == "bad argument" and "may reload php8.2-fpm, broken" in str(refused.value)


def test_prune_orders_by_activation_and_keeps_what_matters(server: Server, channel: Channel) -> None:
    for release in (R5, R4, R3, R1):
        deploy(server, channel, release, f"v{release[7]}")
    channel.run("run/stage/forward", "stage", server.stage_args(R2, "v2"))
    deploy(server, channel, R4, "v4")  # served: R4, before it R1, then R3, R5; R2 never
    twice(channel, "prune", {"keep": 1, "protect": [R5]})
    assert [r["id"] for r in channel.ask("survey")["releases"]] == [R1, R4, R5]
    twice(channel, "prune", {"keep": 5, "protect": []})
    twice(channel, "prune", {"keep": 1, "protect": []})
    assert [r["id"] for r in channel.ask("survey")["releases"]] == [R1, R4]
    assert list((server.state / "incoming").iterdir()) == [], "what was staged is not kept twice"


def test_a_prune_that_was_given_up_touches_nothing_of_the_next_run(server: Server, channel: Channel) -> None:
    """It is stopped where it has begun to remove, and the next deploy uploads and stages meanwhile."""
    for release in (R1, R2, R3):
        deploy(server, channel, release, f"v{release[7]}")
    many = server.www / "releases" / R1 / "many"
    many.mkdir()
    for n in range(20_000):
        (many / str(n)).touch()
    channel.begin("old/prune/forward", "prune", {"keep": 1, "protect": []})
    pid = server.claim("old/prune/forward")["pid"]
    until(lambda: (server.www / "releases" / f".{R1}.gone").exists())
    os.kill(pid, signal.SIGSTOP)
    staged = server.stage_args(R4, "v1.3")
    waiting = server.put(b"one more upload")
    assert channel.run("new/stage/forward", "stage", staged, fence=2)["ok"]
    os.kill(pid, signal.SIGCONT)
    assert channel.follow("old/prune/forward")["summary"] == f"v{R1[7]} removed"
    assert [r["id"] for r in channel.ask("survey")["releases"]] == [R2, R3, R4]
    names = {path.name for path in (server.state / "incoming").iterdir()}
    assert names == {f"{staged['sha256']}.tar.gz", f"{waiting}.tar.gz"}


def test_prune_forgets_what_nobody_will_ask_about(server: Server, channel: Channel) -> None:
    assert channel.run("run/unstage/old", "unstage", {"release": R1})["ok"]
    assert channel.run("run/unstage/new", "unstage", {"release": R1})["ok"]
    long_ago = time.time() - pruning.REMEMBERED - 60
    os.utime(server.state / "jobs/run~unstage~old/result.json", (long_ago, long_ago))
    (server.state / "jobs/.new.1.1").mkdir()
    os.utime(server.state / "jobs/.new.1.1", (long_ago, long_ago))
    for name, at in ((".torn.part", long_ago), (".fresh.part", time.time())):
        (server.state / "incoming" / name).write_text("x")
        os.utime(server.state / "incoming" / name, (at, at))
    twice(channel, "prune", {"keep": 1, "protect": []})
    left = {path.name for path in (server.state / "jobs").iterdir()}
    assert "run~unstage~new" in left and not left & {"run~unstage~old", ".new.1.1"}
    assert [path.name for path in (server.state / "incoming").iterdir()] == [".fresh.part"]


def test_a_command_that_is_not_there(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.settings(php="/nowhere/php")
    state = server.channel().run("run/migrate/forward", "migrate", {"release": R1})
    assert not state["ok"] and "php artisan migrate cannot be started" in state["summary"]


def test_operators_read_what_was_done(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    channel.run("chg-abc/migrate/forward", "migrate", {"release": R2})
    log = server.log()
    assert f"chg-abc/migrate/forward begins: migrate release={R2} (fence 1, 30 s at most)\n" in log
    assert re.search(rf"FAILED after \d+\.\d s: {R2} is not on this server", log)
    assert all(line[:20].endswith("Z") and line[4] == "-" for line in log.splitlines())
    assert stat.S_IMODE((server.logs / "deployment_20261123_222151.log").stat().st_mode) == 0o640
