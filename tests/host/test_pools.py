"""What a server gets for a canary, and how a living site of nginx is changed for it and changed back."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.host.chom_host.settings import read_settings
from actions.host.layout import HostSpec, Installation, rendered
from actions.host.nginx import routing
from actions.host.pools import PASS, SITE, Pools
from actions.host.remote import program
from tests.host.test_install import KEY, Machine, entry, machine
from tests.lab.site import NGINX

__all__ = ["machine"]
SOCKET = "unix:/run/php/php8.2-fpm.sock"
TOLD = {"include": SITE, "pass": PASS, "log": ""}


def content(wanted: Installation, path: str) -> str:
    return (entry(wanted, path).content or b"").decode()


def wanted(**more: object) -> Installation:
    return rendered(HostSpec((KEY,), pools=Pools(**more)))  # pyright: ignore[reportArgumentType]


def test_a_server_without_a_canary_gets_nothing_of_it() -> None:
    without = rendered(HostSpec((KEY,)))
    assert not [e.path for e in without.entries if "canary" in e.path or "mtail" in e.path]
    assert "canary" not in content(without, "/etc/sudoers.d/chom")


def test_what_belongs_on_a_server_with_a_canary() -> None:
    have = wanted(
        php="8.4",
        pool="chom",
        files=("chom.conf", "zz.conf"),
        prometheus=("10.0.0.12", "fd00::/8"),
        slow=1.5,
        host="app1",
        address="10.1.1.1",
        site="https://127.0.0.1:8443",
    )
    unit = content(have, "/etc/systemd/system/php8.4-fpm-canary.service")
    assert "ExecStart=/usr/sbin/php-fpm8.4 --nodaemonize --fpm-config /etc/chom/canary-fpm.conf\n" in unit
    assert "KillSignal=SIGQUIT\nKillMode=mixed\n" in unit, "what it has begun to answer, it answers"
    assert "[Install]" not in unit, "after a reboot nobody has the canary, so it is not begun"
    fpm = content(have, "/etc/chom/canary-fpm.conf")
    files = "".join(f"include = /etc/php/8.4/fpm/pool.d/{name}.conf\n" for name in ("chom", "zz"))
    assert f"{files}[chom]\nlisten = /run/php/php8.4-fpm-canary.sock\n" in fpm
    assert "pm = ondemand\n" in fpm and "max_children" not in fpm, "as many workers as the site's own pool has"
    http = content(have, "/etc/nginx/conf.d/chom-canary.conf")
    assert re.findall(r"^    1% (\d+);$", http, re.M) == [str(n) for n in range(1, 100)]
    assert "    allow ::1;\n    allow 10.0.0.12;\n    allow fd00::/8;\n    deny all;\n" in http
    assert "$urt > 1.5 {" in content(have, "/etc/chom/mtail/chom.mtail")
    assert "1, 1.5, 3.0\n" in content(have, "/etc/chom/mtail/chom.mtail"), "an edge exactly at the limit"
    assert 'targets: ["10.1.1.1:9254"]' in content(have, "/etc/chom/canary-prometheus.yml")
    sudoers = content(have, "/etc/sudoers.d/chom")
    assert [line for line in sudoers.splitlines() if "canary" in line] == [
        f"ops ALL=(root) NOPASSWD: /usr/bin/systemctl {what} php8.4-fpm-canary" for what in ("start", "stop")
    ]
    told = read_settings(json.loads(content(have, "/etc/chom/host.json")), "host.json")
    assert (told.canary, told.canary_service) == ("chom_canary", "php8.4-fpm-canary")
    assert told.site == "https://127.0.0.1:8443" and f"pm.status_listen = {told.canary_status}\n" in fpm
    assert not [e.path for e in have.entries if e.content and re.search(rb"@[A-Z_]+@", e.content) and not e.secret]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"pool": "www]\nuser=root"}, "no name of a PHP-FPM pool"),
        ({"files": ("../../shadow",)}, "no name of a PHP-FPM pool"),
        ({"prometheus": ("all; }",)}, "no address of a Prometheus"),
        ({"slow": 0.0}, "above 0"),
        ({"site": "127.0.0.1"}, "no address of nginx"),
    ],
)
def test_a_wrong_canary_is_said(more: dict[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        wanted(**more)


def test_the_secret_is_made_once_on_the_server_and_is_no_drift(machine: Machine) -> None:
    made = entry(wanted(), "/etc/chom/pins.conf")
    who, group = machine.wanted.entries[0].owner, machine.wanted.entries[0].group
    path = machine.etc / "pins.conf"
    ours = type(made)(str(path), made.mode, who, group, made.content, secret=True)
    machine.wanted = Installation("ops", "www-data", (*machine.wanted.entries, ours))
    assert machine.install()[0] == 0
    found = re.fullmatch(r'"([0-9a-f]{32})-canary" canary;\n"\1-stable" stable;\n', path.read_text())
    assert found and machine.drifts() == []
    assert f"kept {path}" in machine.install()[1]
    assert found[0] == path.read_text()
    machine.take_back()
    assert not path.exists()
    machine.install()
    assert path.read_text() != found[0]


def test_a_site_is_changed_in_two_lines_and_changed_back_to_the_byte() -> None:
    text = routing.routed(NGINX, "/var/www/chom/public", SOCKET, TOLD)
    assert "    # chom had:    root /var/www/chom/public;\n    include /etc/chom/canary-nginx.conf;\n" in text
    assert f"        # chom had:        fastcgi_pass {SOCKET};\n        fastcgi_pass chom_$chom_pool;\n" in text
    assert len(text.splitlines()) == len(NGINX.splitlines()) + 2
    assert routing.unrouted(text) == NGINX
    mended = text.replace("server {", "server {\n    server_name chom.example;")
    assert routing.unrouted(mended) == NGINX.replace("server {", "server {\n    server_name chom.example;")


def test_a_log_that_the_site_inherits_stays() -> None:
    log = "access_log /var/log/nginx/access.log;"
    text = routing.routed(NGINX, "/var/www/chom/public", SOCKET, {**TOLD, "log": log})
    assert f"    include {SITE}; {log}\n" in text
    assert routing.unrouted(text) == NGINX


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (NGINX.replace("root /var", "root /srv"), "0 times, not once"),
        (NGINX + NGINX, "2 times, not once"),
        (NGINX.replace(SOCKET, "php"), "0 of its 1 fastcgi_pass"),
        (NGINX.replace("}\n}", "}\n    location = /b.php { fastcgi_pass other; }\n}"), "1 of its 2 fastcgi_pass"),
    ],
)
def test_a_site_that_is_not_understood_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        routing.routed(text, "/var/www/chom/public", SOCKET, TOLD)


lines = st.lists(
    st.sampled_from(
        [
            "root /var/www/chom/public;",
            f"fastcgi_pass {SOCKET}; # ours",
            "# root x;",
            "server {",
            "}",
            "access_log off;",
        ]
    ),
    max_size=12,
)


@given(lines, st.sampled_from(["", "  ", "\t"]))
def test_whatever_a_site_is_like_it_is_given_back_to_the_byte(words: list[str], indent: str) -> None:
    text = "".join(f"{indent}{word}\n" for word in words)
    try:
        changed = routing.routed(text, "/var/www/chom/public", SOCKET, TOLD)
    except ValueError:
        return
    assert changed != text
    assert routing.unrouted(changed) == text


class Nginx:
    """A server's nginx in a directory: `nginx -T` says the files that there are, and refuses what says "broken"."""

    def __init__(self, top: Path) -> None:
        self.top, self.site, self.conf = top, top / "site", top / "nginx.conf"
        (top / "bin").mkdir()
        self.site.write_text(NGINX)
        self.conf.write_text("http {\n    access_log /var/log/nginx/access.log;\n}\n")
        refused = 'echo "unknown directive \\"broken\\"" >&2; exit 1'
        self.program("nginx", f'! grep -q broken {self.site} || {{ {refused}; }}\n'
            f'for f in /etc/nginx/nginx.conf:{self.conf} {self.site}:{self.site}; do '
            'echo "# configuration file ${f%%:*}:"; cat "${f##*:}"; done')  # fmt: skip
        self.program("systemctl", f'echo "$*" >> {top}/log; [ ! -e {top}/stuck ] || {{ echo stuck >&2; exit 1; }}')

    def program(self, name: str, text: str) -> None:
        path = self.top / "bin" / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def asked(self, what: str, **told: object) -> dict[str, object]:
        env = {"PATH": f"{self.top}/bin:/usr/bin:/bin"}
        done = subprocess.run(
            [sys.executable, "-I", "-"], input=program(what, told), env=env, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return json.loads(done.stdout)

    def put(self) -> dict[str, object]:
        return self.asked("route", root="/var/www/chom/public", socket=SOCKET, include=SITE, pass_=PASS)

    def located(self) -> dict[str, object]:
        return self.asked("locate", root="/var/www/chom/public", include=SITE, pass_=PASS)

    def reloads(self) -> int:
        log = self.top / "log"
        return log.read_text().count("reload nginx") if log.exists() else 0


@pytest.fixture
def nginx(tmp_path: Path) -> Nginx:
    return Nginx(tmp_path)


def test_a_living_site_is_tested_before_it_counts_and_reloaded_once(nginx: Nginx) -> None:
    assert nginx.located() == {"site": str(nginx.site), "routed": False}
    assert "sends each client to its pool" in str(nginx.put()["done"])
    assert "access_log /var/log/nginx/access.log;" in nginx.site.read_text(), "the log that it inherited stays"
    assert nginx.put() == {"done": ""} and nginx.reloads() == 1
    assert nginx.located()["routed"]
    whole = nginx.site.read_text()
    nginx.site.write_text(whole.replace(f"fastcgi_pass {PASS};", f"fastcgi_pass {SOCKET};"))
    assert not nginx.located()["routed"], "somebody has put his own back"
    assert "0 times, not once" in str(nginx.put()["cannot"])
    nginx.site.write_text(whole)
    assert "is as it was" in str(nginx.asked("unroute", include=SITE)["done"])
    assert nginx.site.read_text() == NGINX and nginx.reloads() == 2
    assert nginx.asked("unroute", include=SITE) == {"done": ""}


def test_a_configuration_that_was_broken_by_hand_is_refused_in_nginxs_words_before_anything_is_changed(
    nginx: Nginx,
) -> None:
    nginx.site.write_text(NGINX + "broken;\n")
    said = str(nginx.located()["cannot"])
    assert 'unknown directive "broken"' in said and "mend that first" in said
    assert 'unknown directive "broken"' in str(nginx.put()["cannot"])
    assert nginx.site.read_text() == NGINX + "broken;\n" and nginx.reloads() == 0


def test_what_nginx_refuses_is_as_it_was(nginx: Nginx) -> None:
    said = nginx.asked("route", root="/var/www/chom/public", socket=SOCKET, include="/etc/broken", pass_=PASS)
    assert "so it is as it was" in str(said["cannot"])
    assert nginx.site.read_text() == NGINX and nginx.reloads() == 0
