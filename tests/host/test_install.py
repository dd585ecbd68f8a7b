"""What is installed on a server: rendered, and made by the real script with the commands of root stood in for."""

from __future__ import annotations

import grp
import json
import os
import pwd
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from actions.host import install, packed
from actions.host.chom_host.settings import read_settings
from actions.host.layout import HostSpec, Installation, rendered
from actions.host.managed import Maker, Managed
from actions.host.removal import removal_script
from actions.host.script import install_script, status_script

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaUJrNakS6sToFibo"
WHO = pwd.getpwuid(os.getuid()).pw_name


def entry(wanted: Installation, path: str) -> Managed:
    return next(e for e in wanted.entries if e.path == path)


def test_what_belongs_on_a_server() -> None:
    wanted = rendered(HostSpec((f"{KEY} somebody@laptop",)))
    program = entry(wanted, "/usr/local/lib/chom/chom-host")
    assert (program.content, program.owner, program.mode) == (packed(), "root", 0o755)
    assert entry(wanted, "/etc/sudoers.d/chom").content == (
        b"# All that chom-host may do as root on this server. Written by `chom-bot host install`.\n"
        b"Defaults:ops !requiretty, env_reset, !setenv, passwd_tries=0, "
        b'secure_path="/usr/sbin:/usr/bin:/sbin:/bin"\n'
        b"ops ALL=(root) NOPASSWD: /usr/bin/systemctl reload php8.2-fpm\n"
    )
    keys = entry(wanted, "/var/lib/chom/.ssh/authorized_keys")
    assert keys.content == f'restrict,command="/usr/local/lib/chom/chom-host" {KEY} chom-bot\n'.encode()
    assert wanted.entries[-1] is keys, "the bot is let in when all the rest is there"
    assert (entry(wanted, "/var/www/shared/storage").mode, entry(wanted, "/var/log/chom").group) == (0o2775, "adm")
    told = json.loads(entry(wanted, "/etc/chom/host.json").content or b"")
    assert read_settings(told, "host.json").services == ("php8.2-fpm",)


def test_nothing_that_root_trusts_is_the_logins() -> None:
    wanted = rendered(HostSpec((KEY,)))
    ours = {e.path for e in wanted.entries if e.owner != "root"}
    for e in wanted.entries:
        assert e.content is None or (e.owner == "root" and not e.mode & 0o022)
        parents = {str(parent) for parent in Path(e.path).parents}
        assert (e.maker is Maker.LOGIN) == bool(parents & ours), "root makes nothing where the login could put a link"


def test_what_differs_between_servers() -> None:
    wanted = rendered(
        HostSpec((KEY, KEY.replace("AAAA", "BBBB")), user="bot", group="http", services=("php-fpm", "php-fpm-canary"),
                 sources=("10.0.0.0/8",), settings={"www": "/srv/www", "shared": [".env"]})
    )  # fmt: skip
    sudoers = (entry(wanted, "/etc/sudoers.d/chom").content or b"").decode().splitlines()[2:]
    assert sudoers == [f"bot ALL=(root) NOPASSWD: /usr/bin/systemctl reload {s}" for s in ("php-fpm", "php-fpm-canary")]
    keys = (entry(wanted, "/var/lib/chom/.ssh/authorized_keys").content or b"").decode().splitlines()
    options = 'from="10.0.0.0/8",restrict,command="/usr/local/lib/chom/chom-host"'
    assert [line.split(" ")[0] for line in keys] == [options] * 2
    assert not [e for e in wanted.entries if e.path.endswith("storage")]
    assert (entry(wanted, "/srv/www/releases").owner, entry(wanted, "/srv/www").group) == ("bot", "http")
    assert not [e for e in rendered(HostSpec((KEY,), services=())).entries if "sudoers" in e.path]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (HostSpec(()), "at least one public key"),
        (HostSpec(("-----BEGIN OPENSSH PRIVATE KEY-----",)), "is no public key"),
        (HostSpec((f'command="sh" {KEY}',)), "is no public key"),
        (HostSpec((f"{KEY}\n{KEY}",)), "is no public key"),
        (HostSpec((KEY,), user="root"), "cannot be root"),
        (HostSpec((KEY,), user="ops ALL"), "has to be a Unix name"),
        (HostSpec((KEY,), services=("php8.2-fpm, ALL",)), "services has to be a list of names"),
        (HostSpec((KEY,), services=("*",)), "services has to be a list of names"),
        (HostSpec((KEY,), sources=('1.1.1.1" no-pty',)), "is no address"),
        (HostSpec((KEY,), settings={"colour": "blue"}), "'colour' is no setting"),
    ],
)
def test_a_wrong_spec_is_said(spec: HostSpec, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        rendered(spec)


FAKES = {
    "id": 'case "$1" in -u) cat "$D/uid";; -gn) echo www-data;; esac',
    "getent": 'grep "^$2:" "$D/$1"',
    "useradd": 'for u; do :; done; echo "$u:x:9:33::/var/lib/chom:/bin/sh" >> "$D/passwd"; echo "$u:!:" >> "$D/shadow"',
    "usermod": 'echo "usermod $*" >> "$D/log"; [ "$1" != -p ] || echo "$3:$2:" > "$D/shadow"',
    "runuser": 'shift 3; [ "$1" != env ] || exit "$(cat "$D/start")"; exec "$@"',
    "visudo": '! grep -q broken "$2" || { echo "syntax error near line 3"; exit 1; }',
    "sshd": 'cat "$D/sshd"',
    "nginx": 'cat "$D/nginx"',
    "userdel": 'sed -i "/^$1:/d" "$D/passwd" "$D/shadow"',
    "pgrep": '[ "$3" = -f ] && exec grep . "$D/jobs"; exit 1',
    "pkill": "exit 1",
    "chown": 'echo "chown $*" >> "$D/log"',
}


class Machine:
    """A directory in which the script runs: its files are real, root's commands are stood in for."""

    def __init__(self, top: Path) -> None:
        self.top, self.bin, self.etc = top, top / "bin", top / "etc"
        self.bin.mkdir()
        for name, text in FAKES.items():
            (self.bin / name).write_text(f"#!/bin/sh\nD={top}\n{text}\n")
            (self.bin / name).chmod(0o755)
        (top / "sshd").write_text("port 22\nauthorizedkeysfile .ssh/authorized_keys .ssh/authorized_keys2\n")
        state = {
            "uid": "0",
            "group": "www-data:x:33:",
            "passwd": "",
            "shadow": "",
            "start": "77",
            "nginx": "",
            "jobs": "",
        }
        for name, text in state.items():
            (top / name).write_text(text + "\n")
        who, named = WHO, grp.getgrgid(top.stat().st_gid).gr_name
        self.wanted = Installation("ops", "www-data", (
            Managed(str(self.etc), 0o755, who, named),
            Managed(f"{self.etc}/sudoers.d", 0o755, who, named),
            Managed(f"{self.etc}/sudoers.d/chom", 0o440, who, named, b"ops ALL=(root) NOPASSWD: x\n"),
            Managed(f"{self.etc}/it's $(here)", 0o644, who, named, bytes(range(256)) * 50),
            Managed(f"{self.etc}/own", 0o2775, who, named, maker=Maker.LOGIN),
        ))  # fmt: skip

    def run(self, script: str) -> tuple[int, list[str]]:
        for name in ("before", "left"):
            script = script.replace(f"=/var/lib/chom-{name}", f"={self.top}/{name}")
        script = script.replace("PATH=/usr/sbin", f"PATH={self.bin}:/usr/sbin")
        script = script.replace("/usr/bin/python3", sys.executable)
        done = subprocess.run(["sh", "-s"], input=script.encode(), capture_output=True, timeout=60, check=False)
        assert done.stderr == b""
        return done.returncode, done.stdout.decode().splitlines()

    def install(self) -> tuple[int, list[str]]:
        return self.run(install_script(self.wanted))

    def take_back(self) -> tuple[int, list[str]]:
        return self.run(removal_script(self.wanted))

    def tree(self) -> list[str]:
        """Everything below etc, as it lies there."""
        argv = ["find", str(self.etc), "-printf", "%p %M %l %s\n"]
        return sorted(subprocess.run(argv, capture_output=True, text=True, check=False).stdout.splitlines())

    def put(self, name: str, text: str) -> None:
        (self.top / name).write_text(text + "\n")

    def drifts(self) -> list[str]:
        status, lines = self.run(status_script(self.wanted))
        assert status == 0 and len(lines) == len(self.wanted.entries) + 1
        found = install._person_drifts(self.wanted, lines[0])
        for e, line in zip(self.wanted.entries, lines[1:], strict=True):
            found += install._drifts(e, line)
        return [f"{Path(d.path).name} {d.what}" for d in found]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_script_makes_it_so_and_then_changes_nothing(machine: Machine) -> None:
    assert set(machine.drifts()) >= {"user ops is missing", "etc is missing"}
    paths = [e.path for e in machine.wanted.entries]
    assert machine.install() == (0, [f"changed {what}" for what in ("user ops", *paths)])
    for e in machine.wanted.entries:
        found = Path(e.path)
        assert stat.S_IMODE(found.stat().st_mode) == e.mode
        assert e.content is None or found.read_bytes() == e.content
    assert machine.drifts() == []
    assert machine.install() == (0, [f"kept {what}" for what in ("user ops", *paths)])
    assert not list(machine.top.rglob("*.chom-new"))


def test_what_drifted_is_told_and_put_right(machine: Machine) -> None:
    machine.install()
    (machine.etc / "sudoers.d/chom").chmod(0o644)
    (machine.etc / "sudoers.d/chom").write_text("ops ALL=(ALL) NOPASSWD: ALL\n")
    (machine.etc / "it's $(here)").chmod(0o666)
    machine.put("shadow", "ops:$6$hash:")
    assert machine.drifts() == [
        "user ops has a password, or is locked",
        "chom has the mode 644, not 440",
        "chom has another content",
        "it's $(here) has the mode 666, not 644",
    ]
    status, lines = machine.install()
    changed = [line.partition(" ")[2].rpartition("/")[2] for line in lines if line.startswith("changed")]
    assert (status, changed) == (0, ["user ops", "chom", "it's $(here)"])
    assert machine.drifts() == []


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("uid", "1000", "this login is not root"),
        ("group", "other:x:1:", "there is no group www-data"),
        ("passwd", "ops:x:1000:1000::/home/ops:/bin/bash", "exists already, with the home /home/ops"),
        ("sshd", "authorizedkeysfile /etc/ssh/keys/%u", "sshd does not read .ssh/authorized_keys"),
        ("start", "127", "chom-host does not start as ops (exit status 127)"),
    ],
)
def test_a_server_that_does_not_allow_it_says_why(machine: Machine, name: str, text: str, why: str) -> None:
    machine.put(name, text)
    status, lines = machine.install()
    assert status == 1 and lines[-1].startswith("FAILED ") and why in lines[-1]


def test_a_sudoers_file_that_visudo_refuses_is_not_put_in_place(machine: Machine) -> None:
    broken = replace(machine.wanted.entries[2], content=b"broken\n")
    machine.wanted = replace(machine.wanted, entries=(*machine.wanted.entries[:2], broken))
    status, lines = machine.install()
    assert status == 1 and "visudo refuses" in lines[-1] and "syntax error near line 3" in lines[-1]
    assert list((machine.etc / "sudoers.d").iterdir()) == []


def test_what_lies_in_the_way_is_not_followed(machine: Machine) -> None:
    elsewhere = machine.top / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    machine.etc.symlink_to(elsewhere)
    status, lines = machine.install()
    assert status == 1 and "in the way: it is not a directory" in lines[-1]
    assert list(elsewhere.iterdir()) == []
    machine.etc.unlink()
    machine.install()
    secret = machine.top / "secret"
    secret.write_text("as it was")
    (machine.etc / "it's $(here)").unlink()
    (machine.etc / "it's $(here)").symlink_to(secret)
    assert "it's $(here) is a link, not a file" in machine.drifts()
    assert machine.install()[0] == 0
    assert secret.read_text() == "as it was" and machine.drifts() == []


def test_taken_back_everything_is_as_it_was_and_installed_again_as_it_was_then(machine: Machine) -> None:
    machine.etc.mkdir(mode=0o711)
    (machine.etc / "sudoers.d").mkdir(mode=0o700)
    (machine.etc / "sudoers.d/chom").write_text("# an operator's own\n")
    (machine.etc / "sudoers.d/chom").chmod(0o600)
    (machine.etc / "it's $(here)").symlink_to("sudoers.d/a file")
    before = machine.tree()
    machine.install()
    installed = machine.tree()
    (machine.etc / "sudoers.d/chom").chmod(0o644)
    machine.install()
    assert machine.tree() == installed
    status, lines = machine.take_back()
    assert status == 0 and "removed user ops" in lines and not (machine.top / "before").exists()
    assert machine.tree() == before
    assert (machine.etc / "sudoers.d/chom").read_text() == "# an operator's own\n"
    machine.install()
    assert machine.tree() == installed and machine.drifts() == []


def test_what_is_not_ours_stays_when_all_is_taken_back(machine: Machine) -> None:
    machine.wanted = replace(machine.wanted, own=(f"{machine.etc}/sudoers.d",))
    machine.install()
    (machine.etc / "own/release").write_text("what users are served")
    (machine.etc / "sudoers.d/more").write_text("of ours")
    status, lines = machine.take_back()
    assert status == 0 and f"left {machine.etc}/own" in lines and f"left {machine.etc}" in lines
    assert (machine.etc / "own/release").read_text() == "what users are served"
    assert not (machine.etc / "sudoers.d").exists() and not (machine.etc / "it's $(here)").exists()


def test_nothing_is_taken_back_where_nothing_is_or_a_job_runs(machine: Machine) -> None:
    assert "there is nothing to take back" in machine.take_back()[1][-1]
    machine.install()
    machine.put("jobs", "4711")
    installed = machine.tree()
    status, lines = machine.take_back()
    assert status == 1 and "or a job of it runs" in lines[-1]
    assert machine.tree() == installed


def test_remarks_on_what_is_the_operators_own(machine: Machine) -> None:
    machine.put("sshd", "allowusers root\nauthorizedkeysfile %h/.ssh/authorized_keys")
    machine.put("nginx", "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;")
    status, lines = machine.install()
    notes = [line for line in lines if line.startswith("NOTE")]
    assert status == 0 and len(notes) == 2
    assert "allowusers root" in notes[0] and "$realpath_root" in notes[1]
