"""What the bot's login may do as root on a real server, by the real sudo: reload PHP-FPM. Nothing else."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lab.vps import Vps

ALLOWED = ["/usr/bin/systemctl", "reload", "php8.2-fpm"]

AS_OPS = """
import json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


class Ops:
    """Commands run as the bot's login on the server, as if somebody had broken out of chom-host."""

    def __init__(self, vps: Vps) -> None:
        vps.ssh("umask 022; cat > /run/as_ops.py", stdin=AS_OPS.encode())
        self._process = subprocess.Popen(
            ["ssh", "-q", "-i", str(vps.admin_key), "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", f"root@{vps.address}",
             "runuser -u ops -- python3 -u /run/as_ops.py"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip

    def run(self, *argv: str) -> tuple[int, str, str]:
        """Exit status, stdout, stderr."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(argv) + "\n")
        self._process.stdin.flush()
        said: list[Any] = json.loads(self._process.stdout.readline())
        return said[0], said[1], said[2]

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def ops(vps: Vps) -> Iterator[Ops]:
    made = Ops(vps)
    try:
        yield made
    finally:
        made.close()


def test_sudo_reloads_php_fpm(ops: Ops, vps: Vps) -> None:
    reloads = "journalctl -u php8.2-fpm -q | grep -c Reloaded"
    before = int(vps.ssh(reloads, check=False).stdout)
    assert ops.run("sudo", "-n", *ALLOWED)[0] == 0
    assert int(vps.ssh(reloads).stdout) == before + 1
    listed = ops.run("sudo", "-n", "-l")[1]
    assert re.findall(r"^    \(.*$", listed, re.M) == ["    (root) NOPASSWD: /usr/bin/systemctl reload php8.2-fpm"]


REFUSED = [
    ["sh"],
    ["-i"],
    ["-s"],
    ["id"],
    ["-u", "root", "id"],
    ["-u", "#0", "id"],
    ["-u", "#-1", "id"],
    ["-u", "#4294967295", "id"],
    ["-u", "www-data", *ALLOWED],
    ["-u", "nobody", *ALLOWED],
    ["-g", "root", *ALLOWED],
    ["-E", *ALLOWED],
    ["LD_PRELOAD=/var/tmp/evil.so", *ALLOWED],
    ["SYSTEMD_PAGER=/var/tmp/evil", *ALLOWED],
    ["PATH=/tmp", *ALLOWED],
    ["-D", "/tmp", *ALLOWED],
    ["-R", "/tmp", *ALLOWED],
    ["-h", "other", *ALLOWED],
    ["-e", "/etc/sudoers"],
    ["-e", "/etc/hostname"],
    ["-l", "-U", "root"],
    ["--", "/usr/bin/systemctl"],
    [*ALLOWED, "ssh"],
    [*ALLOWED, "--root=/tmp"],
    [*ALLOWED, "-H", "root@127.0.0.1"],
    ["/usr/bin/systemctl", "-H", "x", "reload", "php8.2-fpm"],
    ["/usr/bin/systemctl", "reload"],
    ["/usr/bin/systemctl", "reload", "ssh"],
    ["/usr/bin/systemctl", "reload", "php8.2-fpm.service"],
    ["/usr/bin/systemctl", "reload", "php8.2-fpm ssh"],
    ["/usr/bin/systemctl", "reload", "*"],
    ["/usr/bin/systemctl", "restart", "php8.2-fpm"],
    ["/usr/bin/systemctl", "stop", "php8.2-fpm"],
    ["/usr/bin/systemctl", "edit", "php8.2-fpm"],
    ["/usr/bin/systemctl", "link", "/var/tmp/evil.service"],
    ["/usr/bin/systemctl", "status"],
    ["/usr/bin/../bin/systemctl", "restart", "nginx"],
    ["/tmp/systemctl", "reload", "php8.2-fpm"],
    ["/var/lib/chom-host/systemctl", "reload", "php8.2-fpm"],
]


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_sudo_does_nothing_else(ops: Ops, words: list[str]) -> None:
    status, out, err = ops.run("sudo", "-n", *words)
    assert status != 0 and err, out
    said = r"password is required|not allowed|not permitted|unknown user|may not run|usage:|no valid|only be specified"
    assert re.search(said, err), err


def test_no_variable_gets_through_sudo(ops: Ops) -> None:
    """The shipped line with variables set: refused where sudo is asked to keep it, else it is gone."""
    for name in ("SYSTEMD_PAGER", "PATH", "DBUS_SYSTEM_BUS_ADDRESS"):
        evil = ["/usr/bin/env", f"{name}=/var/tmp/evil", "/usr/bin/sudo", "-n"]
        status, _, err = ops.run(*evil, f"--preserve-env={name}", *ALLOWED)
        assert status == 1 and "not allowed to" in err, (name, err)
        assert ops.run(*evil, *ALLOWED)[::2] == (0, ""), name
    evil = ["/usr/bin/env", "LD_PRELOAD=/var/tmp/evil.so", "/usr/bin/sudo", "-n", "--preserve-env=LD_PRELOAD"]
    assert ops.run(*evil, *ALLOWED)[0] == 0, "the loader takes it away before sudo begins"


FRAGMENTS = ["/usr/bin/systemctl", "/bin/systemctl", "systemctl", "reload", "restart", "php8.2-fpm", "nginx", "*", "--",
             "-H", "--now", "", " ", "reload php8.2-fpm", "php8.2-fpm\n", "php8x2-fpm", "../", "!", "ALL"]  # fmt: skip
WORD = st.one_of(
    st.sampled_from(FRAGMENTS), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
)


def test_sudo_refuses_every_other_argument(ops: Ops) -> None:
    """Asked of sudo itself (-l), so that nothing would run even where it said yes. Any argv that begins with none of
    sudo's own options and assignments is the shipped line or refused. (sudo compares the words joined by blanks: what
    it lets pass besides is `systemctl "reload php8.2-fpm"`, which systemctl knows no verb for.)"""

    @given(st.one_of(st.lists(WORD, min_size=1, max_size=5), st.lists(WORD, max_size=3).map(lambda w: [*ALLOWED, *w])))
    @settings(max_examples=250, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    def refused(argv: list[str]) -> None:
        status, out, _ = ops.run("sudo", "-n", "-l", "--", *argv)
        same = " ".join(argv[1:]) == " ".join(ALLOWED[1:]) and argv[0] in (ALLOWED[0], "/bin/systemctl", "systemctl")
        assert (status == 0) == same, (argv, out)

    refused()


def test_nothing_that_root_or_the_way_in_uses_can_be_written_by_the_login(ops: Ops) -> None:
    """Else whoever breaks out of chom-host could let in another key, or have root run a file of theirs."""
    status, out, err = ops.run(
        "find", "/usr/local/lib/chom", "/etc/chom", "/etc/sudoers.d", "/var/lib/chom", "/etc/ssh", "/etc/nginx",
        "/etc/php", "/etc/systemd", "/usr/bin/systemctl", "/usr/bin/php", "-writable", "-not", "-type", "l",
    )  # fmt: skip
    assert out == "", (status, out, err)
    assert ops.run("su", "-", "-c", "id")[0] != 0
    assert "ops" not in ops.run("id", "-Gn")[1].replace("ops@", ""), "it is in no group but PHP-FPM's"
    assert ops.run("id", "-Gn")[1].split() == ["www-data"]
