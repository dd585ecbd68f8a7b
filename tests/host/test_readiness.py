"""`check`: what a server lacks, each with what to do; it changes nothing and may be asked at any time."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.server import Server
from tests.support.nginx import Nginx

R1 = "20261121_100000"
SUDO = """#!/bin/sh
printf '%s\n' "$*" >> "$(dirname "$0")/sudo.log"
[ "$1 $2" = "-n -l" ] && [ "$5" != "broken" ]
"""


@pytest.fixture
def whole(server: Server) -> Iterator[Server]:
    """A server that lacks nothing."""
    server.program("sudo", SUDO)
    server.program("mariadb-dump", "#!/bin/sh\n")
    server.settings(services=["php8.2-fpm"], dump=str(server.bin / "mariadb-dump"))
    server.settings(backups=str(server.root / "backups"))
    (server.www / "shared/storage").mkdir()
    (server.www / "shared/.env").write_text(f"DB_CONNECTION=sqlite\nDB_DATABASE={server.root}/db.sqlite\n")
    (server.root / "backups").mkdir()
    with socket.socket(socket.AF_UNIX) as fpm:
        fpm.bind(str(server.root / "fpm.sock"))
        fpm.listen()
        yield server


def check(server: Server) -> dict[str, Any]:
    status, answer = server.enter("check")
    assert status == 0, answer
    return answer["result"]


def tree(top: Path) -> list[str]:
    return sorted(str(path) for path in top.rglob("*") if path.name != "sudo.log")


def test_a_whole_server_lacks_nothing_and_is_not_changed(whole: Server) -> None:
    before = tree(whole.root)
    found = check(whole)
    assert found["faults"] == [] and found["backup"] == found["config"] == ""
    assert found["services"] == ["php8.2-fpm"] and found["disk_free"] > 0
    assert tree(whole.root) == before
    assert (whole.bin / "sudo.log").read_text() == "-n -l /usr/bin/systemctl reload php8.2-fpm\n", (
        "nothing was reloaded"
    )


def test_a_server_with_a_release_lacks_nothing(whole: Server) -> None:
    channel = whole.channel()
    channel.run("run/stage/forward", "stage", whole.stage_args(R1, "v1.0"))
    channel.run("run/switch/forward", "switch", {"release": R1, "workers": False})
    assert check(whole)["faults"] == []


def _not_a_link(server: Server) -> None:
    (server.www / "chom_current").mkdir()


def _no_shared(server: Server) -> None:
    (server.www / "shared/storage").rmdir()
    (server.www / "shared/.env").unlink()


def _file_in_the_way(server: Server) -> None:
    (server.www / "releases").write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: (s.root / "fpm.sock").unlink(), ["PHP-FPM does not answer at ", "fpm_socket in "]),
        (lambda s: s.settings(php="/nowhere/php"), ["/nowhere/php cannot be run; install PHP"]),
        (lambda s: s.settings(services=["broken"]), ["sudo does not let", "reload broken”; run `chom-bot"]),
        (lambda s: s.settings(sudo="/nowhere/sudo"), ["sudo does not let"]),
        (_not_a_link, ["chom_current is not a link; move it away"]),
        (lambda s: (s.www / "chom").symlink_to("elsewhere"), ["points to elsewhere, not to chom_current"]),
        (_file_in_the_way, ["releases is no directory; move it away"]),
        (lambda s: s.settings(state="/dev/null/nowhere"), ["/dev/null/nowhere/jobs is missing, and ", "host install`"]),
    ],
)  # fmt: skip
def test_what_it_lacks_is_said_with_what_to_do(whole: Server, spoil: Callable[[Server], None], said: list[str]) -> None:
    spoil(whole)
    faults = check(whole)["faults"]
    assert faults and all(words in faults[0] for words in said), faults


def test_everything_at_once(whole: Server) -> None:
    _no_shared(whole)
    (whole.root / "fpm.sock").unlink()
    whole.settings(php="/nowhere/php", services=["broken"], backups="/dev/null/nowhere")
    found = check(whole)
    assert len(found["faults"]) == 5, found["faults"]
    assert [fault for fault in found["faults"] if "/shared/.env is missing; put it there" in fault]
    assert "/dev/null/nowhere is missing, and " in found["backup"]


def test_what_a_backup_needs_is_told_by_the_database(whole: Server) -> None:
    whole.settings(dump="/nowhere/dump")
    env = whole.www / "shared/.env"
    env.write_text("DB_CONNECTION=mysql\nDB_DATABASE=chom\nDB_USERNAME=chom\nDB_PASSWORD=x\n")
    assert "/nowhere/dump cannot be run; install mariadb-client" in check(whole)["backup"]
    env.write_text(f"DB_CONNECTION=sqlite\nDB_DATABASE={whole.root}/db.sqlite\n")
    assert check(whole)["backup"] == ""
    env.write_text("DB_CONNECTION=oracle\n")
    assert "oracle" in check(whole)["backup"]


def test_a_socket_nobody_listens_on_and_a_port(whole: Server) -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        whole.settings(fpm_socket=f"127.0.0.1:{one.getsockname()[1]}")
        assert "PHP-FPM does not answer at 127.0.0.1:" in check(whole)["faults"][0]
        one.listen()
        assert check(whole)["faults"] == []


def test_it_is_asked_for_exactly(server: Server) -> None:
    for asked in ("check ", "check all", "Check", "check\n"):
        status, answer = server.enter(asked)
        assert (status, answer["error"]["code"]) == (77, "refused"), json.dumps(asked)


@pytest.fixture
def nginx(whole: Server) -> Iterator[Nginx]:
    """A server that lacks nothing for a canary, and has had none yet."""
    pins, files = whole.root / "pins.conf", whole.root / "pool.d"
    pins.write_text('"5ec2e7-canary" canary;\n"5ec2e7-stable" stable;\n')
    files.mkdir()
    (files / "www.conf").write_text("[www]\n")
    made = Nginx(pins, whole.root / "canary.sock", whole.www / "chom_canary")
    whole.settings(canary="chom_canary", canary_socket=str(made.socket_path), leases=str(whole.root / "leases"),
                   pins=str(pins), fpm_files=[str(files / "www.conf")], site=made.url)  # fmt: skip
    yield made
    made.close()


def test_a_canary_needs_its_place_its_secret_and_two_lines_of_sudo(whole: Server, nginx: Nginx) -> None:
    leases, pins, pool = whole.root / "leases", whole.root / "pins.conf", whole.root / "pool.d"
    leases.write_text("in the way")
    pins.rename(pins.with_suffix(".away"))
    (pool / "www.conf").rename(pool / "www.away")
    whole.settings(canary_service="broken")
    said = " / ".join(check(whole)["faults"])
    for what in (
        "leases is no directory",
        "pins.conf cannot be read by",
        "www.conf cannot be read; name the files of",
    ):
        assert what in said
    assert "systemctl start broken”" in said and "systemctl stop broken”" in said
    leases.unlink()
    pins.with_suffix(".away").rename(pins)
    (pool / "www.away").rename(pool / "www.conf")
    (pool / "other.conf").write_text("[other]\n")
    (pool / "zz.conf").write_text("[global]\n[www]\npm.max_children = 16\n")
    assert "zz.conf says more of the pool www; name it among the files" in " / ".join(check(whole)["faults"])
    (pool / "zz.conf").unlink()
    whole.settings(canary_service="php8.2-fpm-canary")
    assert check(whole)["faults"] == []


def _unrouted(server: Server, nginx: Nginx) -> None:
    nginx.routes = False


def _closed(server: Server, nginx: Nginx) -> None:
    nginx.close()


def _without_pins(server: Server, nginx: Nginx) -> None:
    (server.root / "pins.conf").write_text("")


def _no_release(server: Server, nginx: Nginx) -> None:
    nginx.routes, nginx.stable = False, (404, "File not found.\n")


def _ill(server: Server, nginx: Nginx) -> None:
    nginx.routes, nginx.stable = False, (500, "")


def _no_release_and_nginx_looks_first(server: Server, nginx: Nginx) -> None:
    nginx.routes, nginx.stable = False, (404, "<h1>404 Not Found</h1>")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            _unrouted,
            [
                " sends nobody who asks for localhost to the canary; `chom-bot host install` puts its routing in.",
                'name CHOM\'s in chom.toml, under [hosts.NAME]: layout = { health_host = "chom.example" }',
            ],
        ),
        (_closed, ["nginx does not listen at http://127.0.0.1:", "as site in [hosts.NAME.canary]"]),
        (_without_pins, ["pins.conf has no pins; run `chom-bot host install`"]),
        (_no_release, [" sends nobody who asks for localhost to the canary; "]),
        (_no_release_and_nginx_looks_first, []),
        (_ill, []),
    ],
)
def test_before_the_first_canary_it_is_said_where_nginx_would_send_nobody_there(
    whole: Server, nginx: Nginx, change: Callable[[Server, Nginx], None], said: list[str]
) -> None:
    assert check(whole)["faults"] == []
    change(whole, nginx)
    faults = check(whole)["faults"]
    assert len(faults) == bool(said) and all(words in faults[0] for words in said), faults
    assert "5ec2e7" not in "".join(faults)


def test_a_canary_that_runs_is_not_looked_for_in_nginx(whole: Server, nginx: Nginx) -> None:
    """Its answers are like stable's; and its own check has asked nginx already."""
    nginx.routes = False
    with socket.socket(socket.AF_UNIX) as canary:
        canary.bind(str(nginx.socket_path))
        canary.listen()
        assert check(whole)["faults"] == []
