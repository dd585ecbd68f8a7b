"""Another configuration: ready beside the served one, in force in one rename, kept for the way back, and never said."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from actions.host.chom_host.envfile import difference, edited, faults, statements
from tests.host.fpm import Fpm
from tests.host.server import Server, kill_session, until
from tests.support.nginx import Nginx

BLUE, GREEN, LATER = "20261121_100000", "20261122_100000", "20261123_100000"
MARKER = "Tr0ub4dor-and-3"
BASE = """# who we are
APP_NAME=chom
APP_KEY=base64:c2VjcmV0

export MAIL_HOST = "mail.example.com"   # the old one
DB_PASSWORD='correct horse'
CERT="-----BEGIN
MIIB
-----END"
"""
KEEPS_ENV = "p = release / 'bootstrap/cache/config.php'; p.write_text((release / '.env').read_text())"


def edits(unset: tuple[str, ...] = (), **sets: str) -> bytes:
    return json.dumps({"salt": "0" * 64, "set": sets, "unset": list(unset)}).encode()


def put(server: Server, data: bytes) -> str:
    sha256 = hashlib.sha256(data).hexdigest()
    status, answer = server.enter(f"config put {sha256} {len(data)}", data)
    assert status == 0, answer
    return sha256


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


def config_of(server: Server) -> str:
    return server.channel().ask("survey")["config"]


def stage(server: Server, data: bytes, release: str = GREEN, source: str = BLUE, **more: Any) -> dict[str, Any]:
    args = {
        "release": release,
        "source": source,
        "revision": "",
        "edits": put(server, data),
        "to": [],
        "base": [config_of(server)],
    }
    return server.channel().run(f"run/{release}/forward", "config_stage", {**args, **more})


def apply(server: Server, base: str, release: str = GREEN, source: str = BLUE, job: str = "apply") -> dict[str, Any]:
    args = {"release": release, "source": source, "base": [base]}
    return server.channel().run(f"run/{job}{release}/forward", "config_apply", args)


def switched(server: Server, release: str) -> None:
    assert server.channel().run(f"run/s{release}/forward", "switch", {"release": release, "workers": False})["ok"]


# --- the file ------------------------------------------------------------------


def test_what_is_not_named_stays_to_the_byte() -> None:
    text = edited(BASE, {"MAIL_HOST": '"smtp.example.com"', "NEW_KEY": "1"}, ["APP_NAME"])
    then = BASE.replace('export MAIL_HOST = "mail.example.com"   # the old one', 'MAIL_HOST="smtp.example.com"')
    assert text == then.replace("APP_NAME=chom\n", "") + "NEW_KEY=1\n"
    differs = difference(BASE, text)
    assert (differs.added, differs.changed, differs.removed) == (["NEW_KEY"], ["MAIL_HOST"], ["APP_NAME"])


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nB= two # three\nC=\n", {"A": "1", "B": "two", "C": ""}),
        ("A='x # y' # z\n", {"A": "x # y"}),
        ('A="say \\"hi\\"\\n"\n', {"A": 'say "hi"\n'}),
        ('A="one\ntwo"\nB=2', {"A": "one\ntwo", "B": "2"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("#A=1\nA=#c\n", {"A": ""}),
    ],
)
def test_it_is_read_as_laravel_reads_it(text: str, values: dict[str, str]) -> None:
    assert {one.name: one.value for one in statements(text)} == values
    assert faults(text) == []
    assert edited(text, {}, []) == text


@pytest.mark.parametrize("text", ['A="x\n', "A='x\n", "A=two words\n", "A=pass#word\n", "just words\n", "A='x'y\n"])
def test_what_laravel_cannot_read_is_a_fault_that_says_no_value(text: str) -> None:
    assert len(faults(text)) == 1
    assert not {"two", "words", "pass", "x"} & set(faults(text)[0].replace("(", " ").split()[3:])


def test_a_key_that_is_there_twice_is_there_once_after_it_is_set() -> None:
    assert edited("A=1\nB=2\nA=3", {"A": "4"}) == "B=2\nA=4"
    assert difference("A='x'\n", 'A="x"\n').changed == []
    assert difference("A='${B}'\n", 'A="${B}"\n').changed == ["A"], "one of them stands for another value"


# --- the way in ----------------------------------------------------------------


def test_a_look_answers_names_and_changes_nothing(live: Server) -> None:
    data = edits(("APP_NAME", "NEVER_THERE"), MAIL_HOST=MARKER, NEW_KEY=MARKER, CERT=MARKER)
    before = set(live.root.rglob("*"))
    status, answer = live.enter(f"config look {len(data)}", data)
    assert status == 0
    assert answer["result"] == {
        "config": config_of(live),
        "added": ["NEW_KEY"],
        "changed": ["CERT", "MAIL_HOST"],
        "removed": ["APP_NAME"],
    }
    assert set(live.root.rglob("*")) == before
    assert (live.www / "shared/.env").read_text() == BASE


def test_edits_lie_there_for_their_owner_alone(live: Server) -> None:
    sha256 = put(live, edits(MAIL_HOST=MARKER))
    path = live.state / "config/incoming" / sha256
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == stat.S_IMODE((live.state / "config").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "data",
    [
        b"not JSON " + MARKER.encode(),
        edits(**{"A B": MARKER}),
        edits(A=f"two {MARKER}"),
        edits(A=f'"{MARKER}'),
        edits(A=f"x\nB={MARKER}"),
        edits(("A",), A=MARKER),
        json.dumps({"salt": "", "set": {"A": 1}, "unset": []}).encode(),
        json.dumps([MARKER]).encode(),
    ],
)
def test_what_is_refused_says_no_value(live: Server, data: bytes) -> None:
    for asked in (f"config look {len(data)}", f"config put {hashlib.sha256(data).hexdigest()} {len(data)}"):
        status, answer = live.enter(asked, data)
        assert (status, answer["error"]["code"]) == (1, "bad argument")
        assert MARKER not in json.dumps(answer) + live.log("chom-host")


def test_edits_that_are_cut_off_or_other_than_announced(live: Server) -> None:
    data = edits(A="1")
    sha256 = hashlib.sha256(data).hexdigest()
    assert live.enter(f"config put {sha256} {len(data) + 1}", data)[1]["error"]["code"] == "wrong size"
    assert live.enter(f"config put {'0' * 64} {len(data)}", data)[1]["error"]["code"] == "wrong checksum"
    assert live.enter("config put " + "0" * 64 + " 9000000", b"")[1]["error"]["code"] == "too large"
    assert live.enter("config get", b"")[0] == 77, "no value ever comes back"
    assert not (live.state / "config/incoming").exists()


# --- a change, and its way back --------------------------------------------------


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


# --- secrets ---------------------------------------------------------------------


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
