"""`chom-bot check` on a real server, by the bot's own key and the shipped sudoers: whole, and broken in four ways."""

from __future__ import annotations

from tests.lab.bot_process import Bot
from tests.lab.slack import Slack
from tests.lab.vps import Vps

EVERYTHING = "find /var/www /etc -printf '%p %m %u:%g %T@\\n' | sort"
HARM = (
    "systemctl stop php8.2-fpm && mv /etc/sudoers.d/chom /opt/chom.sudoers && mv /var/www/shared/.env /opt/"
    " && chown root /var/www/shared/storage && chmod 755 /var/www/shared/storage"
)
MEND = (
    "systemctl start php8.2-fpm && mv /opt/chom.sudoers /etc/sudoers.d/chom && mv /opt/.env /var/www/shared/"
    " && chown ops /var/www/shared/storage && chmod 2775 /var/www/shared/storage"
)


def test_a_server_that_was_set_up_lacks_nothing(vps: Vps, bot: Bot, channel: Slack) -> None:
    before = vps.ssh(EVERYTHING).stdout
    said = bot.shell("check").ends(0)
    for name in ("app1", "app2"):
        assert f"ok     {name}: {name} lets the bot in and lacks nothing; " in said, said
    assert "ok     Slack: " in said and "ok     Redis: " in said and "Nothing is missing." in said
    assert vps.ssh(EVERYTHING).stdout == before


def test_what_is_broken_there_is_said_with_what_to_do(vps: Vps, bot: Bot, channel: Slack) -> None:
    vps.ssh(HARM)
    try:
        said = bot.shell("check").ends(1)
    finally:
        vps.ssh(MEND)
    for words in (
        "FAULT  app1: PHP-FPM does not answer at /run/php/php8.2-fpm.sock (No such file or directory)",
        "FAULT  app1: sudo does not let ops run “/usr/bin/systemctl reload php8.2-fpm”; run `chom-bot host install`",
        "FAULT  app1: /var/www/shared/storage cannot be written by ops; run `chom-bot host install`",
        "FAULT  app1: /var/www/shared/.env is missing; put it there, readable for ops and PHP-FPM",
        "4 faults. Nothing was started, and nothing was changed on a server.",
    ):
        assert words in said, said
    assert "Nothing is missing." in bot.shell("check").ends(0)


def test_an_environment_file_that_is_somebody_elses_is_noted_before_anybody_asks_for_a_change(
    vps: Vps, bot: Bot, channel: Slack
) -> None:
    vps.ssh("chown root /var/www/shared/.env")
    try:
        said = bot.shell("check").ends(0)
    finally:
        vps.ssh("chown ops /var/www/shared/.env")
    assert "note   app1: /var/www/shared/.env does not belong to the login of chom-host" in said, said
    assert "no change of the environment file can be made there" in said
