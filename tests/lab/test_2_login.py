"""What the bot's key may do at a real sshd: open chom-host's channel and put an artifact. Nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import time

import asyncssh
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lab.bot_process import Bot
from tests.lab.vps import Vps
from tests.support.redis import free_port

MARK = "/var/tmp/pwned"
"""What every refused command tries to leave behind."""

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
        if text in ("channel", "put"):
            assert (status, out) == (0, ""), "nothing was said on its stdin"
        elif not re.fullmatch(r"put [0-9a-f]{64} [1-9][0-9]{0,15}", text):
            assert (status, refusal(out.encode())) == (77, "refused"), text
    unmarked(vps)
