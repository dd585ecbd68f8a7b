"""The way to a server for installing: an administrator's login to a pinned host, and a sentence where it fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncssh
import pytest
from typer.testing import CliRunner

from actions.host.install import AdminLogin, CannotInstall, Drift, HostSpec, install, rendered, status
from bot.cli import cli
from bot.hosts.targets import targets

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaUJrNakS6sToFibo"
WANTED = rendered(HostSpec((KEY,)))


@dataclass
class Peer:
    """A server that says what a test has it say; nothing that it is told is ever run."""

    login: AdminLogin
    out: str = ""
    err: str = ""
    exit_status: int | None = 0
    told: list[tuple[str, str]] = field(default_factory=list)

    async def talk(self, process: asyncssh.SSHServerProcess[str]) -> None:
        self.told.append((process.command or "", await process.stdin.read()))
        process.stdout.write(self.out)
        process.stderr.write(self.err)
        if self.exit_status is None:
            process.channel.get_connection().abort()
        else:
            process.exit(self.exit_status)


@pytest.fixture
async def peer(tmp_path: Path) -> AsyncIterator[Peer]:
    host_key, admin = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    admin.write_private_key(tmp_path / "admin")
    admin.write_public_key(tmp_path / "authorized")
    made = Peer(AdminLogin("127.0.0.1", host_key.export_public_key().decode().strip(), keys=(tmp_path / "admin",)))

    async def talk(process: asyncssh.SSHServerProcess[str]) -> None:
        await made.talk(process)

    acceptor = await asyncssh.create_server(
        asyncssh.SSHServer, "127.0.0.1", 0, server_host_keys=[host_key], process_factory=talk,
        authorized_client_keys=str(tmp_path / "authorized"),
    )  # fmt: skip
    made.login = replace(made.login, port=acceptor.get_port())
    yield made
    acceptor.close()
    await acceptor.wait_closed()


async def test_a_report_of_what_was_done(peer: Peer) -> None:
    peer.out = "changed user ops\nkept /etc/chom\nNOTE see to it\nchanged /etc/with space\n"
    report = await install(peer.login, WANTED)
    assert (report.changed, report.kept) == (("user ops", "/etc/with space"), ("/etc/chom",))
    assert report.notes == ("see to it",)
    command, script = peer.told[0]
    assert command == "sh -s" and script.endswith("main </dev/null\n")
    await install(replace(peer.login, user="admin"), WANTED)
    assert peer.told[1][0] == "sudo -n sh -s"


async def test_drift_in_words(peer: Peer) -> None:
    peer.out = "\n".join(["missing||||"] * (len(WANTED.entries) + 1))
    found = await status(peer.login, WANTED)
    assert found[0] == Drift("user ops", "is missing") and len(found) == len(WANTED.entries) + 1
    peer.out = "too few lines"
    with pytest.raises(CannotInstall, match="answered 0 lines where"):
        await status(peer.login, WANTED)


@pytest.mark.parametrize(
    ("out", "err", "exit_status", "why"),
    [
        ("changed x\nFAILED there is no group www-data\n", "", 1, "127.0.0.1: there is no group www-data"),
        ("", "sudo: a password is required\n", 1, "'sh -s' ended with status 1: sudo: a password is required"),
        ("changed x\n", "", None, "was lost on the way; run it again"),
    ],
)  # fmt: skip
async def test_what_went_wrong_there(peer: Peer, out: str, err: str, exit_status: int | None, why: str) -> None:
    peer.out, peer.err, peer.exit_status = out, err, exit_status
    with pytest.raises(CannotInstall, match=why.replace("(", r"\(")):
        await install(peer.login, WANTED)


async def test_another_host_key_is_told_nothing(peer: Peer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    with pytest.raises(CannotInstall, match="another host key than the pinned one; nothing was sent"):
        await install(replace(peer.login, host_key=other), WANTED)
    assert peer.told == []


async def test_a_way_in_that_is_none(peer: Peer, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(stranger)
    with pytest.raises(CannotInstall, match=r"does not accept .*stranger; name one .* with --key"):
        await install(replace(peer.login, keys=(stranger,)), WANTED)
    for wrong in (replace(peer.login, port=1), replace(peer.login, host_key="ssh-ed25519 nonsense"),
                  replace(peer.login, keys=(tmp_path / "nowhere",))):  # fmt: skip
        with pytest.raises(CannotInstall, match="cannot be reached"):
            await install(wrong, WANTED)


async def test_status_goes_on_behind_a_server_that_lets_nobody_in(peer: Peer, tmp_path: Path) -> None:
    """Each is said, and the status is the worst: 2 where one was not asked, 1 where all were and one differs."""
    config, pub = tmp_path / "chom.toml", tmp_path / "bot.pub"
    pub.write_text(KEY)
    hosts = "".join(
        f'[hosts.{name}]\naddress = "127.0.0.1"\nport = {port}\nhost_key = "{peer.login.host_key}"\n'
        for name, port in (("app1", 1), ("app2", peer.login.port))
    )
    config.write_text(
        '[artifacts]\nsource = "/srv"\n[environments.production]\nhosts = ["app1", "app2"]\n'
        f'probes = [{{url = "http://127.0.0.1:1/"}}]\n{hosts}[people.dana]\nname = "Dana"\n'
    )
    (second,) = targets(config, ["app2"], "root", [], pub)
    peer.out = "\n".join(["missing||||"] * (len(second.wanted.entries) + 1))
    words = ["host", "status", "--config", str(config), "--key", str(tmp_path / "admin"), "--bot-key", str(pub)]
    both = await asyncio.to_thread(CliRunner().invoke, cli, words)
    assert (both.exit_code, both.stderr.split(":")[0]) == (2, "app1")
    assert both.stdout.startswith("app2: ") and "user ops is missing" in both.stdout
    assert (await asyncio.to_thread(CliRunner().invoke, cli, [*words, "app2"])).exit_code == 1
