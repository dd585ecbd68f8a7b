"""What breaks a server in mid-deploy: the fleet ends whole on one version, or the card names what it waits for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.lab.bot_process import Bot
from tests.lab.conftest import Lab
from tests.lab.releases import AWAY
from tests.lab.slack import Json, Slack
from tests.lab.test_3_deploys import DONE, current, migrations, releases, served
from tests.lab.test_4_breaks import until_it_migrates
from tests.lab.vps import Vps

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("production")]


@pytest.fixture
def impatient(bot: Bot, channel: Slack, production: None) -> Iterator[None]:
    """A server may be away for 10 s and no longer before a deploy turns back."""
    text = bot.config.read_text()
    _begin_anew(bot, channel, text.replace("patience = 90.0", "patience = 10.0"))
    yield
    _begin_anew(bot, channel, text)


def _begin_anew(bot: Bot, channel: Slack, config: str) -> None:
    assert bot.stop() == 0
    bot.config.write_text(config)
    bot.start()
    channel.ready()


def asked(channel: Slack, version: str) -> str:
    """A deploy that was asked for and approved; its title."""
    title = f"Deploy {version} to production"
    channel.ask_and_approve(f"deploy {version}", title)
    return title


def until_it_copies(vps: Vps) -> None:
    """Until the caches of the new release are being built there."""
    deadline = time.monotonic() + 60
    while vps.ssh("pgrep -f 'artisan config:cache'", check=False).returncode:
        assert time.monotonic() < deadline, "nothing is copied"
        time.sleep(0.1)


def whole(lab: Lab, version: str) -> None:
    """Every server serves this version and has nothing half done, and no release that another lacks."""
    assert [served(vps) for vps in lab.apps] == [f"CHOM {version}"] * 2
    assert current(lab.app1) == current(lab.app2) == releases(lab.app1)[-1] == releases(lab.app2)[-1]
    hidden = [vps.ssh("ls -A /var/www/releases | grep '^[.]'", check=False).stdout for vps in lab.apps]
    assert hidden == [b"", b""]


def thread_says(channel: Slack, card: Json, words: str) -> None:
    channel.until(lambda _: any(words in said for said in channel.thread(card)), f"the thread says {words!r}")


@pytest.mark.usefixtures("impatient")
def test_a_host_that_is_cut_off_is_waited_for_and_the_card_says_so(lab: Lab, bot: Bot, channel: Slack) -> None:
    title = asked(channel, "v2.1")
    until_it_migrates(lab.app1, "v2.1")
    lab.app2.cut()
    try:
        card = channel.card_says(title, "Turning back, and waiting for app2. It serves v2.0, and it does not answer")
        thread_says(channel, card, "Waiting for app2, to undo the rest there")
        assert "Deploy v2.1 to production" in bot.shell("status").ends(1), "it is open"
        assert served(lab.app1) == "CHOM v2.0"
    finally:
        lab.app2.cut(off=False)
    card = channel.card_says(title, "Turned back.")
    assert AWAY in card["text"] and migrations(lab.app1)[-1] == AWAY, "what stays is named"
    whole(lab, "v2.0")


def test_a_host_that_loses_power_in_mid_copy_begins_anew_by_itself(lab: Lab, channel: Slack) -> None:
    title = asked(channel, "v2.2")
    until_it_copies(lab.app2)
    lab.app2.lose_power()
    lab.app2.start()
    channel.card_says(title, DONE)
    whole(lab, "v2.2")


@contextlib.contextmanager
def full(vps: Vps) -> Iterator[None]:
    """Not one block is left on the server's disk."""
    vps.ssh("dd if=/dev/zero of=/var/tmp/full bs=4k 2>/dev/null || true")
    try:
        assert vps.ssh("df --output=avail -k / | tail -1").stdout.strip() == b"0"
        yield
    finally:
        vps.ssh("rm /var/tmp/full")


def test_a_disk_that_fills_up_in_mid_copy_is_told_as_a_full_disk(lab: Lab, channel: Slack) -> None:
    title = asked(channel, "v2.4")
    until_it_copies(lab.app2)
    with full(lab.app2):
        card = channel.card_says(title, "the disk of this server is full")
        assert "app2" in card["text"] and "interrupted" not in card["text"], "it is not told as a job that was lost"
        assert [served(vps) for vps in lab.apps] == ["CHOM v2.2"] * 2
    channel.card_says(title, "Turned back.")
    whole(lab, "v2.2")
