"""Another configuration: ready beside the served one, in force in one rename, kept for the way back, and never said."""

from __future__ import annotations

import stat
from pathlib import Path

from tests.host.configs import (
    BASE,
    BLUE,
    GREEN,
    KEEPS_ENV,
    LATER,
    MARKER,
    apply,
    config_of,
    edits,
    put,
    stage,
    switched,
)
from tests.host.fpm import Fpm
from tests.host.server import Server, kill_session, until
from tests.support.nginx import Nginx


def test_it_is_made_ready_beside_what_is_served(live: Server) -> None:
    state = stage(live, edits(MAIL_HOST=MARKER))
    assert (state["ok"], state["summary"]) == (True, "v1.0 is ready with it")
    blue, green = (live.www / "releases" / name for name in (BLUE, GREEN))
    assert (live.www / "shared/.env").read_text() == BASE, "nobody is told yet"
    assert (blue / "bootstrap/cache/config.php").read_text() == BASE
    assert f"MAIL_HOST={MARKER}\n" in (green / "bootstrap/cache/config.php").read_text()
    assert stat.S_IMODE((green / ".env").stat().st_mode) == 0o640
    assert (green / "artisan").stat().st_ino == (blue / "artisan").stat().st_ino, "code is not copied"
    assert list((live.state / "config/incoming").iterdir()) == [], "edits go once they are used"
    seen = {one["id"]: one for one in live.channel().ask("survey")["releases"]}
    assert seen[GREEN]["version"] == "v1.0" and seen[GREEN]["source"] == BLUE and seen[BLUE]["source"] == ""
    assert seen[GREEN]["config"] != seen[BLUE]["config"] == config_of(live)


def test_it_comes_into_force_and_goes_back(live: Server) -> None:
    base = config_of(live)
    assert stage(live, edits(MAIL_HOST=MARKER))["ok"]
    switched(live, GREEN)
    assert apply(live, base)["summary"] == "shared/.env is the new one"
    env = live.www / "shared/.env"
    assert f"MAIL_HOST={MARKER}\n" in env.read_text() and stat.S_IMODE(env.stat().st_mode) == 0o640
    assert (live.www / "releases" / GREEN / ".env").is_symlink()
    assert [call["release"] for call in live.php_log("queue:restart")] == [BLUE], "workers look where they always did"
    (back,) = live.channel().ask("survey")["configs"]
    assert (back["config"], back["changed"], back["added"], back["removed"]) == (base, ["MAIL_HOST"], [], [])
    assert stat.S_IMODE((live.state / "config/kept" / base).stat().st_mode) == 0o600
    state = live.channel().run("run/apply/back", "config_restore", {"to": ["0" * 32, base]})
    assert (state["ok"], env.read_text()) == (True, BASE)
    assert live.channel().ask("survey")["configs"] == [], "what was turned back is on no way back"


def test_each_is_asked_twice_and_happens_once(live: Server) -> None:
    base = config_of(live)
    assert stage(live, edits(MAIL_HOST=MARKER))["ok"]
    once = {"release": GREEN, "source": BLUE, "revision": "", "edits": "", "to": [], "base": [base]}
    assert live.channel().run("again/stage/forward", "config_stage", once)["summary"] == "it is ready already"
    switched(live, GREEN)
    for job in ("one", "two"):
        assert apply(live, base, job=job)["ok"]
    assert len(live.php_log("queue:restart")) == 1
    assert [one["config"] for one in live.channel().ask("survey")["configs"]] == [base]
    for job in ("one", "two"):
        assert live.channel().run(f"run/{job}/back", "config_restore", {"to": [base]})["ok"]
    assert (live.www / "shared/.env").read_text() == BASE


def test_the_way_back_leads_through_all_that_were_in_force(live: Server) -> None:
    first = config_of(live)
    assert stage(live, edits(MAIL_HOST="one"))["ok"] and apply(live, first)["ok"]
    second = config_of(live)
    assert stage(live, edits(MAIL_HOST="two"), LATER, GREEN)["ok"] and apply(live, second, LATER, GREEN)["ok"]
    assert [one["config"] for one in live.channel().ask("survey")["configs"]] == [second, first]
    again = {
        "release": "20261124_100000",
        "source": LATER,
        "revision": "",
        "edits": "",
        "to": [first],
        "base": [config_of(live)],
    }
    assert live.channel().run("run/undo/forward", "config_stage", again)["ok"]
    assert apply(live, again["base"][0], "20261124_100000", LATER)["ok"]
    assert (live.www / "shared/.env").read_text() == BASE
    assert live.channel().ask("survey")["configs"] == []
    assert len(list((live.state / "config/kept").iterdir())) <= 2, "what is on no way back is forgotten"
    said = live.channel().ask("survey")["releases"]
    assert {one["source"] for one in said if one["id"] != BLUE} == {BLUE}, "the source of a source"


def test_a_file_that_somebody_changed_meanwhile_is_not_lost(live: Server) -> None:
    base = config_of(live)
    with (live.www / "shared/.env").open("a") as file:
        file.write("BY_HAND=1\n")
    state = stage(live, edits(MAIL_HOST="x"), base=[base])
    assert not state["ok"] and "somebody has changed it" in state["summary"]
    assert stage(live, edits(MAIL_HOST="x"), LATER)["ok"]
    with (live.www / "shared/.env").open("a") as file:
        file.write("AGAIN=1\n")
    state = apply(live, base, LATER)
    assert not state["ok"] and "somebody has changed it" in state["summary"]
    assert "AGAIN=1" in (live.www / "shared/.env").read_text()


def test_a_file_that_the_application_could_not_read_is_not_made(live: Server) -> None:
    (live.www / "shared/.env").write_text(BASE + "BROKEN=two words\n")
    state = stage(live, edits(MAIL_HOST=MARKER))
    assert not state["ok"] and "line 10 (BROKEN): a value with spaces has to stand in quotes" in state["summary"]
    assert [one["id"] for one in live.channel().ask("survey")["releases"]] == [BLUE]


def test_a_job_that_is_killed_while_it_makes_it_ready_is_run_again(live: Server) -> None:
    live.artisan("config:cache", "(here / 'slow').write_text(''); time.sleep(30)")
    sha256, base = put(live, edits(MAIL_HOST=MARKER)), config_of(live)
    args = {"release": GREEN, "source": BLUE, "revision": "", "edits": sha256, "to": [], "base": [base]}
    channel = live.channel()
    channel.begin("run/stage2/forward", "config_stage", args)
    until((live.bin / "slow").exists)
    kill_session(live.claim("run/stage2/forward")["pid"])
    assert channel.follow("run/stage2/forward")["state"] == "lost"
    live.artisan("config:cache", KEEPS_ENV)
    assert channel.run("run/stage2/forward", "config_stage", args, retry=True)["ok"]
    assert MARKER in (live.www / "releases" / GREEN / "bootstrap/cache/config.php").read_text()


def test_prune_counts_builds_and_removes_the_same_code_with_an_older_configuration(live: Server) -> None:
    at = BLUE
    for number, release in enumerate((GREEN, LATER, "20261124_100000")):
        base = config_of(live)
        assert stage(live, edits(COUNT=str(number)), release, at)["ok"]
        switched(live, release)
        assert apply(live, base, release, at)["ok"]
        at = release
    assert live.channel().run("run/p/forward", "prune", {"keep": 1, "protect": []})["ok"]
    left = [one["id"] for one in live.channel().ask("survey")["releases"]]
    assert left == [LATER, at], "the served one, and the one before it, which may still be answering"


def test_no_value_is_said_logged_or_left_behind(live: Server) -> None:
    live.artisan("config:cache", f"print('who printed {MARKER}?'); {KEEPS_ENV}")
    base = config_of(live)
    assert stage(live, edits(MAIL_HOST=MARKER, API_TOKEN=MARKER))["lines"][-1] == "who printed [redacted]?"
    switched(live, GREEN)
    assert apply(live, base)["ok"]
    assert live.channel().run("run/apply/back", "config_restore", {"to": [base]})["ok"]
    holds = {str(path.relative_to(live.root)) for path in live.root.rglob("*") if _holds(path)}
    kept = {f"state/config/kept/{path.name}" for path in (live.state / "config/kept").iterdir()}
    release = f"www/releases/{GREEN}"
    assert holds <= {f"{release}/bootstrap/cache/config.php", "bin/php-config-cache.py"} | kept


def _holds(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and MARKER.encode() in path.read_bytes()


def test_a_canary_has_the_configuration_of_its_own_release_and_what_users_have_keeps_its_own(live: Server) -> None:
    """shared/.env was changed, and v1.2 is made with it: both pools answer out of what their caches were built from."""

    def reply(asked: dict[str, str]) -> bytes:
        cached = Path(asked["SCRIPT_FILENAME"]).parents[1] / "bootstrap/cache/config.php"
        (mail,) = (line for line in cached.read_text().splitlines() if "MAIL_HOST" in line)
        return f"\r\n\r\n{mail}\n".encode()

    socket, pins = live.root / "canary.sock", live.root / "pins.conf"
    pins.write_text('"abc-canary" canary;\n')
    nginx = Nginx(pins, socket, live.www / "chom_canary")
    live.settings(canary="chom_canary", canary_socket=str(socket), canary_status=str(socket), site=nginx.url,
                  leases=str(live.root / "run"), pins=str(pins))  # fmt: skip
    pools = [Fpm(live.root / name, reply) for name in ("fpm.sock", "canary.sock")]
    for pool in pools:
        pool.start()
    try:
        channel = live.channel()
        (live.www / "shared/.env").write_text(BASE.replace("mail.example.com", "mx2.example.com"))
        assert channel.run("run/stage2/forward", "stage", live.stage_args(GREEN, "v1.2"))["ok"]
        assert channel.run("run/canary/forward", "canary_start", {"release": GREEN})["ok"]
        for job, verb, release, mail in (
            ("new", "canary_health", GREEN, "mx2.example.com"),
            ("old", "health", BLUE, "mail.example.com"),
            ("end", "canary_stop", "", ""),
            ("after", "health", BLUE, "mail.example.com"),
        ):
            said = channel.run(f"run/{job}/forward", verb, {"release": release, "path": "/"} if release else {})
            assert said["ok"] and mail in "".join(said["lines"]), said
        seen = channel.ask("survey")
        baked = {release["id"]: release["config"] for release in seen["releases"]}
        assert baked[GREEN] == seen["config"] != baked[BLUE]
    finally:
        for pool in (*pools, nginx):
            pool.close()
