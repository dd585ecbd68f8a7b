"""Every verb does what PROTOCOL.md says, and does it twice without harm."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.host.server import AGENT, RELEASE_FILES, Channel, Fpm, Refusal, Server, tar_gz, target

R1, R2, R3, R4, R5 = (f"2026112{n}_100000" for n in range(1, 6))


def twice(channel: Channel, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    """The job as two jobs with the same arguments; both have to end well."""
    twice.number = getattr(twice, "number", 0) + 1  # type: ignore[attr-defined]
    first = channel.run(f"run{twice.number}/{verb}/one", verb, args)
    second = channel.run(f"run{twice.number}/{verb}/two", verb, args)
    assert first["ok"] and second["ok"], (first, second)
    return first


def deploy(server: Server, channel: Channel, release: str, version: str) -> None:
    twice(channel, "stage", server.stage_args(release, version))
    twice(channel, "switch", {"release": release, "workers": False})


def test_hello_says_who_answers(channel: Channel) -> None:
    said = channel.ask("hello", protocol=1)
    assert said["agent"] == hashlib.sha256(AGENT.read_bytes()).hexdigest()
    assert said["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert (said["protocol"], said["fence"], said["host"]) == (1, 0, os.uname().nodename)
    with pytest.raises(Refusal) as refused:
        channel.ask("hello", protocol=2)
    assert refused.value.code == "protocol"


def test_survey_of_a_server_that_has_nothing(channel: Channel) -> None:
    seen = channel.ask("survey")
    assert seen.pop("disk_free") > 0
    assert seen == {"current": "", "releases": [], "migrations": [], "fence": 0}


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


def test_stage_links_what_is_shared_and_says_what_it_is(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.0")
    state = channel.run("run/stage/forward", "stage", args)
    assert state["ok"] and "v1.0" in state["summary"]
    release = server.www / "releases" / R1
    said = json.loads((release / ".chom-release.json").read_text())
    assert said == {"id": R1, "version": "v1.0", "commit": args["commit"], "sha256": args["sha256"]}
    assert target(release / ".env") == "../../shared/.env"
    assert (release / ".env").resolve() == (server.www / "shared/.env").resolve()
    assert target(release / "storage") == "../../shared/storage"
    assert not (release / "storage/app/from-the-archive").exists()
    for below in ("app/public", "framework/cache/data", "framework/sessions", "framework/views", "logs"):
        assert stat.S_IMODE((server.www / "shared/storage" / below).stat().st_mode) == 0o2775
    assert stat.S_IMODE((release / "artisan").stat().st_mode) == 0o750
    assert stat.S_IMODE((release / "public/index.php").stat().st_mode) == 0o640
    assert {path.name for path in (server.www / "releases").iterdir()} == {R1}, "no half release is left behind"


def test_stage_builds_the_caches_apart_from_each_other(server: Server, channel: Channel) -> None:
    server.artisan("config:cache", "p = release / 'bootstrap/cache/config.php'; p.write_text('secret'); p.chmod(0o777)")
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    calls = {call["verb"]: call for call in server.php_log()}
    assert set(calls) == {"config:cache", "route:cache", "view:cache"}
    cache = server.www / "releases" / R1 / "bootstrap/cache"
    for verb, call in calls.items():
        assert call["release"] == R1 and call["cwd"] == str(cache.parent.parent)
        assert "--no-interaction" in call["options"]
        hidden = {name for name in call["env"] if name.startswith("APP_")}
        mine = {"config:cache": {"APP_CONFIG_CACHE"}, "route:cache": {"APP_ROUTES_CACHE"}, "view:cache": set()}[verb]
        assert hidden == {"APP_CONFIG_CACHE", "APP_ROUTES_CACHE", "APP_EVENTS_CACHE"} - mine
        assert call["env"]["VIEW_COMPILED_PATH"] == str(cache / "views")
        assert set(call["env"]) - hidden == {"PATH", "HOME", "LANG", "CHOM_JOB", "VIEW_COMPILED_PATH", *extra(call)}
    assert stat.S_IMODE((cache / "config.php").stat().st_mode) == 0o750, "PHP-FPM's group reads and does not write"
    assert stat.S_IMODE((cache / "views").stat().st_mode) == 0o2770


def extra(call: dict[str, Any]) -> set[str]:
    """What the interpreter itself adds."""
    return set(call["env"]) & {"LC_CTYPE"}


def test_stage_twice_and_with_another_artifact(server: Server, channel: Channel) -> None:
    twice(channel, "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("other/stage/forward", "stage", server.stage_args(R1, "v1.1"))
    assert not state["ok"] and "another artifact (v1.0)" in state["summary"]


def test_a_release_without_its_mark_is_staged_anew(server: Server, channel: Channel) -> None:
    half = server.www / "releases" / R1
    half.mkdir(parents=True)
    (half / "left-over").write_text("")
    assert channel.ask("survey")["releases"] == []
    assert channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))["ok"]
    assert not (half / "left-over").exists()


def test_a_stage_whose_cache_fails_leaves_nothing_that_looks_whole(server: Server, channel: Channel) -> None:
    server.artisan("route:cache", "print('no such route'); sys.exit(3)")
    state = channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    assert (state["ok"], state["summary"]) == (False, "php artisan route:cache failed with exit status 3")
    assert "no such route" in state["lines"]
    assert channel.ask("survey")["releases"] == []
    twice(channel, "unstage", {"release": R1})
    assert list((server.www / "releases").iterdir()) == []


def test_stage_without_the_settings_of_the_application(server: Server, channel: Channel) -> None:
    (server.www / "shared/.env").unlink()
    state = channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    assert not state["ok"] and "shared/.env does not exist" in state["summary"]


def test_stage_without_an_artifact_or_with_another_one(server: Server, channel: Channel) -> None:
    args = {"release": R1, "version": "v1", "commit": "b" * 40, "sha256": "c" * 64}
    assert "has to be uploaded first" in channel.run("run/stage/a", "stage", args)["summary"]
    rotten = server.state / "incoming" / f"{'c' * 64}.tar.gz"
    rotten.write_bytes(tar_gz(RELEASE_FILES))
    state = channel.run("run/stage/b", "stage", args)
    assert not state["ok"] and f"not {'c' * 64}; it was removed" in state["summary"]
    assert not rotten.exists() and not (server.www / "releases" / R1).exists()


LARAVEL_8 = """print("Migrating: 2025_01_01_000000_create_notes")
print("Migrated:  2025_01_01_000000_create_notes (12.31ms)")
print("Migrating: 2025_02_01_000000_add_author"); print("Migrated:  2025_02_01_000000_add_author (1.02ms)")
"""
LARAVEL_11 = """print(); print("   INFO  Running migrations.  "); print()
print("  2025_01_01_000000_create_notes ............................ 12.31ms DONE")
print("\\x1b[1m  2025_02_01_000000_add_author \\x1b[90m........\\x1b[39m 1.02ms \\x1b[32;1mDONE\\x1b[39;22m  ")
"""
APPLIED = ["2025_01_01_000000_create_notes", "2025_02_01_000000_add_author"]


@pytest.mark.parametrize("output", [LARAVEL_8, LARAVEL_11], ids=["Laravel 8", "Laravel 11"])
def test_migrate_names_what_it_applied(server: Server, channel: Channel, output: str) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan("migrate", output)
    state = channel.run("run/migrate/forward", "migrate", {"release": R1})
    assert state["ok"] and state["applied"] == APPLIED
    assert state["summary"] == f"2 migrations applied: {', '.join(APPLIED)}"
    assert server.php_log("migrate")[0]["options"][:2] == ["--force", "--no-interaction"]
    server.artisan("migrate", "print('Nothing to migrate.')")
    again = channel.run("run/migrate/again", "migrate", {"release": R1})
    assert (again["ok"], again["summary"], again["applied"]) == (True, "nothing to migrate", [])
    assert channel.ask("survey")["migrations"] == APPLIED


def test_migrate_that_fails_half_way_names_what_stays(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    server.artisan("migrate", LARAVEL_8 + "print('SQLSTATE[42S01]: table exists'); sys.exit(1)")
    state = channel.run("run/migrate/forward", "migrate", {"release": R1})
    assert not state["ok"] and state["applied"] == APPLIED
    assert state["summary"].startswith("php artisan migrate failed with exit status 1; applied before that")
    assert "SQLSTATE[42S01]: table exists" in state["lines"]
    recorded = [json.loads(line) for line in (server.state / "migrations.jsonl").read_text().splitlines()]
    assert [(r["migration"], r["release"]) for r in recorded] == [(name, R1) for name in APPLIED]


def test_survey_knows_the_migrations_of_the_served_release(server: Server, channel: Channel) -> None:
    deploy(server, channel, R1, "v1.0")
    assert channel.ask("survey")["migrations"] == ["2025_01_01_000000_create_notes"]


def test_health_asks_php_fpm_for_that_release(server: Server, channel: Channel, fpm: Callable[[Any], Fpm]) -> None:
    pool = fpm(lambda asked: b"Content-type: text/plain\r\n\r\nfine\n" + b"x" * 200_000)
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = twice(channel, "health", {"release": R1, "path": "/health?deep=1"})
    assert state["summary"] == f"/health?deep=1 of {R1} answers HTTP 200" and state["lines"][0] == "fine"
    public = str((server.www / "releases" / R1 / "public").resolve())
    asked = pool.asked[0]
    assert (asked["SCRIPT_FILENAME"], asked["DOCUMENT_ROOT"]) == (f"{public}/index.php", public)
    assert (asked["REQUEST_URI"], asked["QUERY_STRING"], asked["HTTP_HOST"]) == (
        "/health?deep=1",
        "deep=1",
        "localhost",
    )
    assert (asked["REQUEST_METHOD"], asked["HTTPS"]) == ("GET", "on")


@pytest.mark.parametrize(
    ("reply", "why", "line"),
    [
        (b"Status: 503 Away\r\n\r\n<h1>down</h1>\nPASSWORD=hunter2 x", "answers HTTP 503", "<h1>down</h1>"),
        (b"Status: 302 Found\r\nLocation: /login\r\n\r\n", "answers HTTP 302", None),
        (b"", "answered nothing", None),
        (None, "closed the connection before the end", None),
    ],
    ids=["503", "redirect", "empty", "cut"],
)  # fmt: skip
def test_health_that_is_none(
    server: Server, channel: Channel, fpm: Callable[[Any], Fpm], reply: bytes | None, why: str, line: str | None
) -> None:
    fpm(lambda asked: reply)
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("run/health/forward", "health", {"release": R1, "path": "/health"})
    assert not state["ok"] and why in state["summary"]
    assert line is None or line in state["lines"]
    assert "hunter2" not in json.dumps(state) + server.log()


def test_health_without_php_fpm(server: Server, channel: Channel) -> None:
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    state = channel.run("run/health/forward", "health", {"release": R1, "path": "/"})
    assert not state["ok"] and "does not answer" in state["summary"]


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


def test_restart_tells_the_workers_and_reloads_through_sudo(server: Server, channel: Channel) -> None:
    assert "no release is served" in channel.run("run/restart/a", "restart", {"services": []})["summary"]
    deploy(server, channel, R1, "v1.0")
    state = twice(channel, "restart", {"services": ["php8.2-fpm"]})
    assert "php8.2-fpm was reloaded" in state["summary"]
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
    assert f"FAILED after 0.0 s: {R2} is not on this server" in log
    assert all(line[:20].endswith("Z") and line[4] == "-" for line in log.splitlines())
    assert stat.S_IMODE((server.logs / "deployment_20261123_222151.log").stat().st_mode) == 0o640
