"""What breaks a server in mid-deploy: the fleet ends whole on one version, or the card names what it waits for."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from tests.lab.bot_process import Bot
from tests.lab.conftest import Lab
from tests.lab.releases import AWAY, POWER
from tests.lab.slack import Json, Slack
from tests.lab.test_3_deploys import DONE, current, migrations, releases, served
from tests.lab.test_4_breaks import notes, until_it_migrates
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


def live(lab: Lab) -> str:
    """The version that every server serves."""
    (said,) = {served(vps) for vps in lab.apps}
    return said.removeprefix("CHOM ")


def whole(lab: Lab, version: str) -> None:
    """Every server serves this version and has nothing half done, and no release that another lacks."""
    assert live(lab) == version
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


def test_where_power_is_lost_in_mid_migration_a_person_decides(lab: Lab, channel: Slack) -> None:
    title = asked(channel, "v2.3")
    until_it_migrates(lab.app1, "v2.3")
    lab.app1.lose_power()
    lab.app1.start()

    channel.card_says(title, "A person has to decide: app1 was interrupted during the migration.", seconds=120)
    assert live(lab) == "v2.2" and POWER not in migrations(lab.app1)
    channel.answer("devops", title, "try again")
    channel.card_says(title, DONE)
    assert notes(lab.app1, "v2.3") == 2 and migrations(lab.app1).count(POWER) == 1
    whole(lab, "v2.3")


FILL = "dd if=/dev/zero of=/var/tmp/full oflag=append conv=notrunc bs=4k 2>/dev/null"
"""Ends when no block is left."""


@contextlib.contextmanager
def full(vps: Vps) -> Iterator[None]:
    """Not one block is left on the server's disk, and none that others leave stays free."""
    vps.ssh(f"! {FILL}")
    keep = vps.ssh(f"nohup sh -c 'while :; do {FILL}; sleep 0.05; done' >/dev/null 2>&1 & echo $!").stdout.decode()
    try:
        yield
    finally:
        vps.ssh(f"kill {keep.strip()}; rm /var/tmp/full")


def test_a_disk_that_fills_up_in_mid_copy_is_told_as_a_full_disk(lab: Lab, channel: Slack) -> None:
    before, title = live(lab), asked(channel, "v2.4")
    until_it_copies(lab.app2)
    with full(lab.app2):
        card = channel.card_says(title, "the disk of this server is full")
        assert "app2" in card["text"] and "interrupted" not in card["text"], "it is not told as a job that was lost"
        assert live(lab) == before
    channel.card_says(title, "Turned back.")
    whole(lab, before)


def test_mariadb_that_is_stopped_stops_the_deploy_before_the_switch(lab: Lab, channel: Slack) -> None:
    before, title = live(lab), asked(channel, "v2.4")
    until_it_copies(lab.app1)
    lab.app1.ssh("systemctl stop mariadb")
    try:
        card = channel.card_says(title, "Turned back.")
    finally:
        lab.app1.ssh("systemctl start mariadb")
    failed = ("The migration failed on app1", "The health check failed on app1")  # as far as it was by then
    assert any(said in card["text"] for said in failed), card["text"]
    whole(lab, before)


def test_php_fpm_that_is_stopped_stops_the_deploy_before_the_switch(lab: Lab, channel: Slack) -> None:
    before, title = live(lab), asked(channel, "v2.4")
    until_it_copies(lab.app2)
    lab.app2.ssh("systemctl stop php8.4-fpm")
    try:
        card = channel.card_says(title, "Turned back.")
    finally:
        lab.app2.ssh("systemctl start php8.4-fpm")
    assert "The health check failed on app2" in card["text"], card["text"]
    whole(lab, before)
    again = asked(channel, "v2.4")
    channel.card_says(again, DONE)
    whole(lab, "v2.4")


CLOCK = """
echo FAKETIME_DONT_FAKE_MONOTONIC=1 >> /etc/environment
systemctl set-environment FAKETIME_DONT_FAKE_MONOTONIC=1
echo '+0' > /etc/faketimerc
echo /usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1 > /etc/ld.so.preload
systemctl restart php8.4-fpm nginx supervisor ssh
"""
RIGHT = """
rm -f /etc/ld.so.preload /etc/faketimerc; sed -i /FAKETIME/d /etc/environment
systemctl restart php8.4-fpm nginx supervisor ssh
"""


def clock(vps: Vps, offset: str) -> None:
    """The wall clock of every process that begins there from now on; the monotonic one goes on as it does."""
    vps.ssh(f"echo '{offset}' > /etc/faketimerc")
    assert abs(float(vps.ssh("date +%s").stdout) - time.time()) > 3600


def test_a_host_whose_clock_is_hours_off_deploys_and_rolls_back(lab: Lab, channel: Slack) -> None:
    """All servers of the lab have this machine's clock, so the programs of one are given another by libfaketime."""
    lab.app2.ssh(CLOCK)
    try:
        title = asked(channel, "v2.5")
        until_it_copies(lab.app2)
        clock(lab.app2, "+7h")
        channel.card_says(title, DONE)
        whole(lab, "v2.5")
        clock(lab.app2, "-7h")
        channel.ask_and_approve("rollback", "Roll back production: v2.5 → v2.4")
        channel.card_says("Roll back production: v2.5 → v2.4", DONE)
        assert live(lab) == "v2.4" and current(lab.app1) == current(lab.app2)
    finally:
        lab.app2.ssh(RIGHT)
    assert releases(lab.app1) == releases(lab.app2), "retention has kept the same"
