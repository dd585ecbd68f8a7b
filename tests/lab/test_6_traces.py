"""What is left when all is over: the logs that operators read, no secret anywhere, nobody who was turned away."""

from __future__ import annotations

import json
import re
import time

from tests.lab.bot_process import Bot
from tests.lab.conftest import Users
from tests.lab.releases import LEAK
from tests.lab.site import DB_PASSWORD, REDIS_PASSWORD
from tests.lab.slack import Slack
from tests.lab.vps import Vps
from tests.support.redis import RedisServer


def test_the_logs_lie_where_operators_look(vps: Vps) -> None:
    names = vps.ssh("ls /var/log/chom").stdout.decode().split()
    deploys = [n for n in names if re.fullmatch(r"deployment_\d{8}_\d{6}\.log", n)]
    rollbacks = [n for n in names if re.fullmatch(r"rollback_\d{8}_\d{6}\.log", n)]
    assert (len(deploys), len(rollbacks)) == (9, 2), names
    assert sorted([*deploys, *rollbacks, "chom-host.log"]) == names
    as_reader = "setpriv --reuid nobody --regid nogroup --groups adm"
    for name in deploys + rollbacks:
        log = vps.ssh(f"{as_reader} cat /var/log/chom/{name}").stdout.decode()
        assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ chg-\S+ begins: ", log, re.M), name
        assert len(re.findall(r" begins: ", log)) == len(re.findall(r" (?:ended|FAILED) after ", log)), name
    assert vps.ssh("setpriv --reuid nobody --regid nogroup --clear-groups ls /var/log/chom", check=False).returncode


def test_no_secret_is_in_any_log_message_or_store(vps: Vps, bot: Bot, channel: Slack, redis: RedisServer) -> None:
    """The failed migration of v1.3 said the password aloud: everywhere it came to, it is struck out."""
    env = dict(line.split("=", 1) for line in vps.ssh("cat /var/www/shared/.env").stdout.decode().splitlines() if line)
    stored = b"".join(
        path.read_bytes() for path in redis.directory.rglob("*") if path.name != "redis.conf" and path.is_file()
    )
    state = json.dumps(channel.state(), ensure_ascii=False).encode()
    places = {
        "/var/log": vps.ssh("cat $(find /var/log -type f -not -path '*/journal/*'); journalctl --no-pager").stdout,
        "chom-host's own files": vps.ssh("cat $(find /var/lib/chom-host /etc/chom -type f)").stdout,
        "the bot's log": bot.log.read_bytes(),
        "Slack": state,
        "Redis": stored,
    }
    hidden = {DB_PASSWORD, env["APP_KEY"], "xoxb-sandbox", "xapp-sandbox", redis.password, REDIS_PASSWORD}
    for place, content in places.items():
        assert len(content) > 100, place
        for secret in hidden:
            assert secret.encode() not in content, (place, secret)
    said = LEAK.replace(DB_PASSWORD, "").encode()
    assert said in places["/var/log"] and said in state, "what failed was told, without the password"


def test_nobody_was_turned_away_and_nobody_saw_a_broken_version(users: Users) -> None:
    seen = users.seen()
    assert set(seen["served"]) == {"v1.0", "v1.1", "v1.4", "v1.5", "v1.6", "v1.7", "v1.8"}
    assert sum(seen["served"].values()) > 1000
    for crowd in users.crowds:
        crowd.end()


def test_nothing_is_left_running_and_nothing_has_drifted(vps: Vps, bot: Bot) -> None:
    assert bot.stop() == 0
    _left_alone(vps)
    assert "no drift" in bot.shell("host", "status", "--key", vps.admin_key).ends(0)
    refused = vps.ssh("cat /var/log/chom/chom-host.log").stdout.decode()
    assert "Traceback" not in refused
    assert "Traceback" not in bot.log.read_text()


def _left_alone(vps: Vps) -> None:
    """No process of the login is left; systemd keeps its user manager for 10 s after a logout (UserStopDelaySec)."""
    deadline = time.monotonic() + 30
    while left := vps.ssh("pgrep -u ops -a", check=False).stdout:
        assert time.monotonic() < deadline, left
        time.sleep(0.5)
