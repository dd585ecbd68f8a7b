"""A staged release is whole, linked to what is shared, and nobody but the bot can write to it."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from tests.host.server import RELEASE_FILES, Channel, Server, tar_gz, target

R1 = "20261121_100000"


def test_stage_links_what_is_shared_and_says_what_it_is(server: Server, channel: Channel) -> None:
    args = server.stage_args(R1, "v1.0")
    state = channel.run("run/stage/forward", "stage", args)
    assert (state["ok"], state["summary"]) == (True, "v1.0 is unpacked")
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
    ours = [path for path in release.rglob("*") if not path.is_symlink() and path.name != "views"]
    assert [path for path in ours if path.stat().st_mode & 0o022] == [], "PHP-FPM reads code, it does not write it"
    assert {path.name for path in (server.www / "releases").iterdir()} == {R1}, "no half release is left behind"


CACHES = ["config:cache", "route:cache", "view:cache"]


def test_stage_builds_the_caches_apart_from_each_other(server: Server) -> None:
    server.settings(caches=CACHES)
    channel = server.channel()
    server.artisan("config:cache", "p = release / 'bootstrap/cache/config.php'; p.write_text('secret'); p.chmod(0o777)")
    channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    calls = {call["verb"]: call for call in server.php_log()}
    assert set(calls) == {"config:cache", "route:cache", "view:cache"}
    cache = server.www / "releases" / R1 / "bootstrap/cache"
    for verb, call in calls.items():
        assert call["release"] == R1 and call["cwd"] == str(cache.parent.parent)
        assert "--no-interaction" in call["options"]
        assert call["nice"] == min(os.nice(0) + 10, 19), "what is served has the processor first"
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
    args = server.stage_args(R1, "v1.0")
    assert channel.run("run/stage/one", "stage", args)["ok"] and channel.run("run/stage/two", "stage", args)["ok"]
    state = channel.run("other/stage/forward", "stage", server.stage_args(R1, "v1.1"))
    assert not state["ok"] and "another artifact (v1.0)" in state["summary"]


def test_a_release_without_its_mark_is_staged_anew(server: Server, channel: Channel) -> None:
    half = server.www / "releases" / R1
    half.mkdir(parents=True)
    (half / "left-over").write_text("")
    assert channel.ask("survey")["releases"] == []
    assert channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))["ok"]
    assert not (half / "left-over").exists()


def test_a_stage_whose_cache_fails_leaves_nothing_that_looks_whole(server: Server) -> None:
    server.settings(caches=CACHES)
    channel = server.channel()
    server.artisan("route:cache", "print('no such route'); sys.exit(3)")
    state = channel.run("run/stage/forward", "stage", server.stage_args(R1, "v1.0"))
    assert (state["ok"], state["summary"]) == (False, "php artisan route:cache failed with exit status 3")
    assert "no such route" in state["lines"]
    assert channel.ask("survey")["releases"] == []
    assert channel.run("run/unstage/back", "unstage", {"release": R1})["ok"]
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
