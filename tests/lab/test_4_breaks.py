"""What breaks in the middle of a migration: the bot, the network, sshd. Nothing is done twice and nothing is lost."""

from __future__ import annotations

import time

from tests.lab.bot_process import Bot
from tests.lab.conftest import Users
from tests.lab.releases import CUT, RESTARTED, SLOW
from tests.lab.site import query
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import DONE, columns, current, migrations, releases, served
from tests.lab.vps import Vps


def notes(vps: Vps, version: str) -> int:
    """How often the migration of that version has begun."""
    return int(query(vps, f"select count(*) from notes where text = 'migrated by {version}'"))


def until_it_migrates(vps: Vps, version: str) -> None:
    deadline = time.monotonic() + 60
    while not notes(vps, version):
        assert time.monotonic() < deadline, f"{version} does not migrate"
        time.sleep(0.1)


def migrated_once(vps: Vps, version: str, migration: str, column: str) -> None:
    """By what the database says and by what chom-host wrote into its log."""
    assert notes(vps, version) == 1
    assert migrations(vps).count(migration) == 1 and column in columns(vps)
    logs = f"grep -l 'begins: stage .*version={version} ' /var/log/chom/deployment_*.log"
    lines = vps.ssh(f"cat $({logs})").stdout.decode().splitlines()
    for verb in ("stage", "migrate", "health", "switch", "restart", "prune"):
        assert sum(f"begins: {verb} " in line for line in lines) == 1, (verb, lines)


def test_the_bot_is_killed_in_mid_migration(vps: Vps, bot: Bot, channel: Slack, users: Users) -> None:
    channel.ask_and_approve("deploy v1.4", "Deploy v1.4 to production")
    until_it_migrates(vps, "v1.4")
    bot.kill()
    assert SLOW not in migrations(vps), "it was killed in the middle"
    bot.start()
    channel.card_says("Deploy v1.4 to production", DONE)
    assert served(vps) == "CHOM v1.4" and current(vps) == releases(vps)[-1]
    migrated_once(vps, "v1.4", SLOW, "slow")
    users.were_given("v1.0", "v1.1", "v1.0", "v1.4")


def test_the_network_is_cut_in_mid_migration(vps: Vps, channel: Slack, users: Users) -> None:
    channel.ready()
    channel.ask_and_approve("deploy v1.5", "Deploy v1.5 to production")
    until_it_migrates(vps, "v1.5")
    vps.cut()
    try:
        time.sleep(8)
    finally:
        vps.cut(off=False)
    assert CUT not in migrations(vps), "it was cut in the middle"
    channel.card_says("Deploy v1.5 to production", DONE)
    assert served(vps) == "CHOM v1.5"
    migrated_once(vps, "v1.5", CUT, "cut")
    users.were_given("v1.0", "v1.1", "v1.0", "v1.4", "v1.5")


def test_sshd_is_restarted_in_mid_migration(vps: Vps, channel: Slack, users: Users) -> None:
    channel.ask_and_approve("deploy v1.6", "Deploy v1.6 to production")
    until_it_migrates(vps, "v1.6")
    vps.ssh("systemctl restart ssh && pkill -KILL -u ops -x sshd")
    assert RESTARTED not in migrations(vps), "it was restarted in the middle"
    channel.card_says("Deploy v1.6 to production", DONE)
    assert served(vps) == "CHOM v1.6"
    migrated_once(vps, "v1.6", RESTARTED, "restarted")
    users.were_given("v1.0", "v1.1", "v1.0", "v1.4", "v1.5", "v1.6")
    assert len(releases(vps)) == 5, "keep = 5: the oldest was removed"
