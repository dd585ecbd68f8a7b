"""`chom-bot host install` on a real server: shows, asks, writes once, and what drifts is seen and put right."""

from __future__ import annotations

import re

import pytest

from actions.host import packed
from tests.lab import site
from tests.lab.bot_process import Bot
from tests.lab.conftest import Lab
from tests.lab.vps import Vps

PATHS = "/usr/local/lib/chom /etc/chom /etc/sudoers.d /var/lib/chom /var/lib/chom-host /var/log/chom"
STATE = (
    f"find {PATHS} /var/www/releases /var/www/shared -printf '%p %m %u:%g %i\\n' | sort;"
    f" find {PATHS} -type f -not -name '*.log' -printf '%p %T@ %C@\\n' | sort;"
    f" find {PATHS} -type f -not -name '*.log' -exec sha256sum {{}} + | sort;"
    " getent passwd ops; getent shadow ops; id ops; visudo -c"
)


@pytest.fixture(scope="module", params=["app1", "app2"])
def each(request: pytest.FixtureRequest, lab: Lab) -> Vps:
    """Debian 12, then Debian 13."""
    return {server.name: server for server in lab.apps}[request.param]


def host(bot: Bot, vps: Vps, command: str, *words: str, status: int = 0, typed: str = "") -> str:
    """`chom-bot host …` by an administrator who has a key for root; what it said."""
    return bot.shell("host", command, vps.name, *words, "--key", vps.admin_key, typed=typed).ends(status)


def test_nothing_is_written_before_a_yes(bot: Bot, each: Vps) -> None:
    said = host(bot, each, "install", status=1, typed="n\n")
    assert f"Write this on {each.name} ({each.address})?" in said and "nothing was written" in said
    assert 'restrict,command="/usr/local/lib/chom/chom-host" ssh-ed25519' in said, "the key is shown with its bounds"
    assert f"ops ALL=(root) NOPASSWD: /usr/bin/systemctl reload php{each.base.php}-fpm" in said, (
        "the sudoers lines are shown"
    )
    assert each.ssh("id ops; ls /usr/local/lib/chom /etc/chom /etc/sudoers.d/chom", check=False).stdout == b""


def test_taken_back_the_server_is_as_it_was_and_installed_again_as_it_was_then(bot: Bot, each: Vps) -> None:
    passing = " ".join(
        f"! -path '{path}/*'" for path in ("/proc", "/sys", "/run", "/tmp", "/var/log", "/root", "/var/lib/systemd")
    )
    passing += " ! -path /var/lib/chom-left"
    found = f"find / -xdev {passing} \\( -type f -o -path '*chom*' \\) | sort"
    everything = (
        f"{found} | xargs -d '\\n' stat -c '%n %a %U:%G %F'; sha256sum /etc/passwd /etc/group /etc/sudoers.d/*;"
        " stat -c '%n %a %U:%G' /var/www /var/lib /etc; getent passwd; getent group"
    )
    before = each.ssh(everything, check=False).stdout.decode()
    host(bot, each, "install", "--yes")
    installed = each.ssh(STATE).stdout
    said = host(bot, each, "remove", "--yes")
    assert "removed: /var/lib/chom/.ssh/authorized_keys" in said and "user ops" in said
    assert each.ssh(everything, check=False).stdout.decode() == before, "but for the log, which is the operator's"
    host(bot, each, "install", "--yes")
    assert _without_times(each.ssh(STATE).stdout) == _without_times(installed)
    host(bot, each, "remove", "--yes")
    assert "nothing to take back" in host(bot, each, "remove", "--yes", status=1)


def _without_times(state: bytes) -> list[str]:
    """Without inode numbers and times."""
    lines = state.decode().splitlines()
    return [re.sub(r" \d+$", "", line) for line in lines if not re.search(r" \d{10}\.\d+ ", line)]


def test_installed_once_and_a_second_time_changes_nothing(bot: Bot, each: Vps, lab: Lab) -> None:
    first = host(bot, each, "install", "--yes")
    assert "changed user ops" in first and "/var/lib/chom/.ssh/authorized_keys" in first
    before = each.ssh(STATE).stdout
    second = host(bot, each, "install")
    assert "no drift" in second and "no change" in second
    assert each.ssh(STATE).stdout == before
    assert each.ssh("cat /usr/local/lib/chom/chom-host").stdout == packed()
    assert "no drift" in host(bot, each, "status")
    site.write_env(each, lab.app1.address)
    assert "no drift" in host(bot, each, "status"), "what the operator puts into shared/ is the operator's"


@pytest.mark.parametrize(
    ("harm", "path", "what"),
    [
        ("echo '# ' >> /usr/local/lib/chom/chom-host", "/usr/local/lib/chom/chom-host", "has another content"),
        ("chmod 777 /usr/local/lib/chom", "/usr/local/lib/chom", "has the mode 777, not 755"),
        ("chown ops /etc/chom/host.json", "/etc/chom/host.json", "belongs to ops:root"),
        ("echo 'ops ALL=NOPASSWD: ALL' >> /etc/sudoers.d/chom", "/etc/sudoers.d/chom", "has another content"),
        (
            "sed -i 's/^restrict,command=[^ ]* //' /var/lib/chom/.ssh/authorized_keys",
            "/var/lib/chom/.ssh/authorized_keys",
            "has another content",
        ),
        ("rm -r /var/log/chom", "/var/log/chom", "is missing"),
        ("ln -sfn /etc/hostname /etc/chom/host.json", "/etc/chom/host.json", "is a link, not a file"),
        ("usermod -s /bin/bash ops", "user ops", "has the shell /bin/bash, not /bin/sh"),
        ("echo ops:hunter2hunter2 | chpasswd", "user ops", "has a password"),
    ],
)
def test_drift_is_named_and_put_right(bot: Bot, vps: Vps, harm: str, path: str, what: str) -> None:
    vps.ssh(harm)
    drift, _, done = host(bot, vps, "install", "--yes").partition(f"{vps.name}: changed")
    assert f"{path} {what}" in drift
    assert path in done


def test_status_says_what_drifted_and_changes_nothing(bot: Bot, vps: Vps, lab: Lab) -> None:
    assert "no drift" in host(bot, vps, "status"), "all of the above was put right"
    vps.ssh("chmod 666 /etc/chom/host.json")
    for _ in range(2):
        assert "/etc/chom/host.json has the mode 666, not 644" in host(bot, vps, "status", status=1)
    vps.ssh("chmod 644 /etc/chom/host.json")


def test_only_to_the_server_that_was_pinned_and_with_a_key(bot: Bot, vps: Vps) -> None:
    text = bot.config.read_text()
    other = (bot.directory / "id_ed25519.pub").read_text().split()[1]
    try:
        bot.config.write_text(text.replace(vps.host_key().split()[1], other))
        assert "shows another host key than the pinned one" in host(bot, vps, "install", "--yes", status=1)
    finally:
        bot.config.write_text(text)
    refused = bot.shell("host", "install", vps.name, "--yes", "--key", bot.directory / "id_ed25519").ends(1)
    assert "name one that lets an administrator in with --key" in refused
    assert "it has app1, app2" in bot.shell("host", "status", "app9").ends(2)
