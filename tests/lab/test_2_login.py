"""What the bot's login may do on a real server: open chom-host, put an artifact, reload PHP-FPM. Nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import asyncssh
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lab.bot_process import Bot
from tests.lab.vps import Vps
from tests.support.redis import free_port

MARK = "/var/tmp/pwned"
"""What every refused command tries to leave behind."""
ALLOWED = ["/usr/bin/systemctl", "reload", "php8.2-fpm"]

COMMANDS = [
    "",
    "sh",
    "id",
    f"touch {MARK}",
    f"channel; touch {MARK}",
    f"channel && touch {MARK}",
    f"channel\ntouch {MARK}",
    f"channel $(touch {MARK})",
    f"`touch {MARK}`",
    "channel ",
    " channel",
    "CHANNEL",
    "channel\0",
    "channel --config /var/tmp/evil.json",
    "--config /var/tmp/evil.json",
    "/usr/local/lib/chom/chom-host --config /var/tmp/evil.json",
    f"put {'0' * 64}",
    f"put {'0' * 64} 0",
    f"put {'0' * 64} -1",
    f"put {'0' * 64} 10; touch {MARK}",
    f"put ../../../..{MARK} 10",
    f"put {'A' * 64} 10",
    f"put {'0' * 63}/ 10",
    "scp -t /tmp",
    "scp -f /etc/passwd",
    "/usr/lib/openssh/sftp-server",
    "internal-sftp",
    "rsync --server -e.LsfxC . /tmp",
    "git-upload-pack /var/www",
    "sudo -n /usr/bin/systemctl reload php8.2-fpm",
    "php /var/www/chom/artisan tinker",
    "cat /var/www/shared/.env",
    "x" * 100_000,
    "‮" + "channel",
]


def ssh(vps: Vps, bot: Bot, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """OpenSSH's client with the bot's own key."""
    options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    key = ["-F", "/dev/null", "-i", str(bot.directory / "id_ed25519"), "-o", "IdentitiesOnly=yes"]
    argv = ["ssh", "-q", *options, *key, *words[:-1], f"ops@{vps.address}", "--", *[w for w in words[-1:] if w]]
    return subprocess.run(argv, input=data, capture_output=True, timeout=30, check=False)


def unmarked(vps: Vps) -> None:
    """Nothing of what was tried has happened."""
    assert [path.name for path in (vps.root / "var/tmp").iterdir() if not path.name.startswith("systemd-")] == []


def refusal(out: bytes) -> str:
    """The code of the one JSON line that is all a refused request is answered."""
    lines = out.decode().splitlines()
    assert len(lines) == 1, lines
    return json.loads(lines[0])["error"]["code"]


@pytest.mark.parametrize("command", [c for c in COMMANDS if "\0" not in c], ids=lambda c: ascii(c)[1:40])
def test_no_other_command(vps: Vps, bot: Bot, command: str) -> None:
    done = ssh(vps, bot, command)
    assert (done.returncode, refusal(done.stdout), done.stderr) == (77, "refused", b"")
    unmarked(vps)


def test_refusals_are_logged_without_what_could_mislead_a_reader(vps: Vps) -> None:
    log = vps.ssh("cat /var/log/chom/chom-host.log").stdout.decode()
    assert "refused: 10.232.7.1 asked for “id”" in log
    assert all(line.isprintable() for line in log.splitlines())
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in log.splitlines())


def test_no_file_transfer_no_terminal_no_agent_no_x11(vps: Vps, bot: Bot) -> None:
    sftp = ssh(vps, bot, "-s", "sftp", data=b"")
    assert sftp.returncode == 77 and refusal(sftp.stdout) == "refused"
    terminal = ssh(vps, bot, "-tt", "id")
    assert terminal.returncode == 255 and b"uid=" not in terminal.stdout, "refused before anything is run"
    for option in ("-A", "-X", "-Y"):
        assert ssh(vps, bot, option, "id").returncode == 77
    unmarked(vps)


@pytest.mark.parametrize("target", ["127.0.0.1:3306", "127.0.0.1:6379", "127.0.0.1:80", "/run/mysqld/mysqld.sock"])
def test_no_forwarding_to_what_listens_there(vps: Vps, bot: Bot, target: str) -> None:
    if not target.startswith("/"):
        direct = ssh(vps, bot, "-W", target, "")
        assert direct.returncode != 0 and direct.stdout == b""
    port = free_port()
    with _kept_open(vps, bot, "-L", f"127.0.0.1:{port}:{target}"), socket.create_connection(("127.0.0.1", port)) as way:
        way.settimeout(10)
        way.sendall(b"PING\r\n")
        assert _closed(way), "the server forwarded the connection"


def _closed(way: socket.socket) -> bool:
    try:
        return way.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize(
    "words", [("-R", "8022:127.0.0.1:22"), ("-R", "/var/tmp/pwned.sock:127.0.0.1:22"), ("-w", "0:0")]
)
def test_no_listening_and_no_tunnel_there(vps: Vps, bot: Bot, words: tuple[str, ...]) -> None:
    before = vps.ssh("ss -Hltnx | wc -l; ip -br link").stdout
    done = ssh(vps, bot, "-N", "-o", "ExitOnForwardFailure=yes", *words, "")
    assert done.returncode == 255
    assert vps.ssh("ss -Hltnx | wc -l; ip -br link").stdout == before
    unmarked(vps)


class _kept_open:
    """A client that only forwards, while the block runs."""

    def __init__(self, vps: Vps, bot: Bot, *words: str) -> None:
        self._argv = ["ssh", "-q", "-N", "-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes",
                      "-o", "UserKnownHostsFile=/dev/null", "-i", str(bot.directory / "id_ed25519"), *words,
                      f"ops@{vps.address}"]  # fmt: skip
        self._port = int(words[1].split(":")[1])

    def __enter__(self) -> None:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            try:
                return socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the client did not log in")

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)


def test_environment_does_not_reach_chom_host(vps: Vps, bot: Bot) -> None:
    """The client may send what it likes: sshd keeps it out, and the interpreter is isolated."""
    wanted = {
        "PYTHONSTARTUP": "/var/tmp/evil.py",
        "PYTHONPATH": "/tmp",
        "LD_PRELOAD": "/var/tmp/evil.so",
        "LC_ALL": "x;id",
    }
    for name, value in {**wanted, "SSH_ORIGINAL_COMMAND": "channel", "BASH_ENV": "/var/tmp/evil.sh"}.items():
        done = ssh(vps, bot, "-o", f"SetEnv={name}={value}", "id")
        assert done.returncode == 77 and refusal(done.stdout) == "refused", name
    unmarked(vps)


WORDS = st.sampled_from(
    ["channel", "put", " ", "\n", ";", "|", "&", "$(", "`", "'", '"', "\\", "../", "-", "--config", "0" * 64, "10", "é"]
)
ASKED = st.one_of(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80),
                  st.lists(WORDS, max_size=6).map("".join))  # fmt: skip


def test_any_text_is_refused_but_the_two_that_are_spoken(vps: Vps, bot: Bot) -> None:
    asked: list[str] = []

    @given(ASKED)
    @settings(max_examples=120, database=None, deadline=None, derandomize=True)
    def collect(text: str) -> None:
        asked.append(text)

    collect()

    few = asyncio.Semaphore(6)

    async def tried() -> list[tuple[str, int | None, str]]:
        key = asyncssh.import_public_key(vps.host_key())
        async with asyncssh.connect(
            vps.address, username="ops", client_keys=[str(bot.directory / "id_ed25519")], config=None, agent_path=None,
            known_hosts=([key], [], []),
        ) as connection:  # fmt: skip
            return await asyncio.gather(*(one(connection, text) for text in dict.fromkeys(asked)))

    async def one(connection: asyncssh.SSHClientConnection, text: str) -> tuple[str, int | None, str]:
        async with few:
            done = await connection.run(text, stdin=asyncssh.DEVNULL, check=False, timeout=20)
        return text, done.exit_status, str(done.stdout)

    tries = asyncio.run(tried())
    assert len(tries) > 80
    for text, status, out in tries:
        if text == "channel":
            assert status == 0
        elif not re.fullmatch(r"put [0-9a-f]{64} [1-9][0-9]{0,15}", text):
            assert (status, refusal(out.encode())) == (77, "refused"), text
    unmarked(vps)


# ---- sudo -------------------------------------------------------------------------------------------------------

AS_OPS = """
import json, subprocess, sys
for line in sys.stdin:
    done = subprocess.run(json.loads(line), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


class Ops:
    """Commands run as the bot's login on the server, as if somebody had broken out of chom-host."""

    def __init__(self, vps: Vps) -> None:
        vps.ssh("cat > /root/as_ops.py", stdin=AS_OPS.encode())
        self._process = subprocess.Popen(
            ["ssh", "-q", "-i", str(vps.admin_key), "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", f"root@{vps.address}",
             "runuser -u ops -- python3 -u -c \"$(cat /root/as_ops.py)\""],
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
