"""The night when Slack is down: the same desk on the bot's machine, by the same policy, journal and fence."""

from __future__ import annotations

import re

from tests.lab.bot_process import Bot
from tests.lab.conftest import Users
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import DONE, current, releases, served, worker_runs
from tests.lab.vps import Vps

GIVEN = ("v1.0", "v1.1", "v1.0", "v1.4", "v1.5", "v1.6")


def asked(bot: Bot, said: str) -> str:
    found = re.search(r"chom-bot approve (chg-[a-z2-9]{6})", said)
    assert found, said
    return found[1]


def test_deploy_with_slack_down(vps: Vps, bot: Bot, channel: Slack, users: Users) -> None:
    channel.fault(slack="down", seconds=600)
    assert "Nobody in chom.toml has the Unix login" in bot.shell("deploy", "v1.7", login="mallory").ends(2)
    assert "v3.1" in bot.shell("deploy", "v9.9").ends(2), "a version that does not exist: those that do"
    deploy = bot.shell("deploy", "v1.7")
    change = asked(bot, deploy.until("chom-bot approve"))
    refused = bot.shell("approve", change).ends(2)
    assert refused.startswith("You asked for this yourself, so somebody else has to decide it. Waiting for")
    assert refused.count("Lea Martin") == 1
    assert served(vps) == "CHOM v1.6"
    bot.shell("approve", change, login="lea").ends(0)
    said = deploy.ends(0)
    assert "v1.7" in said.splitlines()[-1]
    assert served(vps) == "CHOM v1.7"
    assert "production: app1 v1.7, app2 v1.7" in bot.shell("status").ends(0)
    users.were_given(*GIVEN, "v1.7")


def test_rollback_with_neither_slack_nor_a_bot_that_serves(vps: Vps, bot: Bot, channel: Slack, users: Users) -> None:
    assert bot.stop() == 0
    rollback = bot.shell("rollback")
    approve = bot.shell("approve", asked(bot, rollback.until("chom-bot approve")), login="lea")
    rollback.ends(0)
    approve.ends(0)
    assert served(vps) == "CHOM v1.6" and current(vps) == releases(vps)[-2]
    worker_runs(vps, current(vps))
    history = bot.shell("history").ends(0)
    assert history.index("Roll back production") < history.index("Deploy v1.7") < history.index("Deploy v1.6")
    users.were_given(*GIVEN, "v1.7", "v1.6")


def test_when_slack_is_back_it_shows_what_happened(bot: Bot, channel: Slack) -> None:
    channel.fault(slack="up")
    bot.start()
    channel.ready()
    channel.card_says("Deploy v1.7 to production", DONE)
    channel.card_says("Roll back production: v1.7 → v1.6", DONE)
