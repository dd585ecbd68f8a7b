"""The environment file of a living site is changed and changed back: by a click, under load, and no value is seen."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.lab.bot_process import Bot
from tests.lab.conftest import Lab
from tests.lab.load import Habits, crowd
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import current, releases, served, worker_runs
from tests.lab.vps import Vps
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.timeout(600), pytest.mark.usefixtures("production")]
PLANTED, WRONG = "Tr0ub4dor-and-3", "zebra-stapler-9"
"""A value that is brought into force, and one with which the site cannot work."""
UPDATE, UNDO = "Update the configuration of production", "Undo 1 change of the configuration of production"
IN_FORCE = "The new configuration is live on production"
NONE = "200 NOTICE "
"""The page before anybody has set its value."""
ENV = "/var/www/shared/.env"
ALLOWED = (ENV, "/var/lib/chom-host/config/kept/", "/bootstrap/cache/config.php")
"""Where a server may have a value: in the file, in those before it, and in what Laravel makes of it."""
REQUESTS = 4000


class Visitor(threading.Thread):
    """Somebody who asks each server for the page that shows the value, and reads the list of processes meanwhile."""

    def __init__(self, lab: Lab) -> None:
        super().__init__(daemon=True)
        self.pages: dict[str, list[str]] = {vps.name: [] for vps in lab.apps}
        """What each server answered, one after the other, without repetition."""
        self.processes: set[str] = set()
        """Command lines with a value, on this machine and on the servers, whose processes are this kernel's too."""
        self._servers, self._over = lab.apps, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.05):
            for vps in self._servers:
                said = page(vps)
                if self.pages[vps.name][-1:] != [said]:
                    self.pages[vps.name].append(said)
            lines = (" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"]))
            self.processes |= {line for line in lines if PLANTED in line or WRONG in line}

    def sees(self, *pages: str) -> None:
        """AssertionError where any server did not answer just these, one after the other, or does not come to it."""
        deadline = time.monotonic() + 60
        while any(seen != list(pages) for seen in self.pages.values()):
            assert time.monotonic() < deadline, self.pages
            time.sleep(0.05)

    def end(self) -> None:
        self._over.set()
        self.join(30)


def page(vps: Vps) -> str:
    """Its status and what it shows of shared/.env."""
    connection = http.client.HTTPConnection(vps.address, timeout=15)
    try:
        connection.request("GET", "/notice")
        answer = connection.getresponse()
        return f"{answer.status} {answer.read().decode()[:200]}"
    except OSError as fault:
        return f"no answer: {fault!r}"
    finally:
        connection.close()


@contextlib.contextmanager
def visited(lab: Lab) -> Iterator[Visitor]:
    visitor = Visitor(lab)
    visitor.start()
    try:
        yield visitor
    finally:
        visitor.end()


def env(vps: Vps) -> tuple[bytes, bytes]:
    """shared/.env, and its owner and mode."""
    return vps.ssh(f"cat {ENV}").stdout, vps.ssh(f"stat -c '%U:%G %a' {ENV}").stdout


def test_a_changed_value_is_approved_served_and_taken_back(lab: Lab, bot: Bot, channel: Slack, tmp_path: Path) -> None:
    before, version = [env(vps) for vps in lab.apps], served(lab.app1).removeprefix("CHOM ")
    change = tmp_path / "change.env"
    change.write_text(f"SHOP_NOTICE={PLANTED}\nMAIL_PASSWORD='{PLANTED}'\nunset APP_ENV\n")
    stored = bot.shell("config", "put", change, "to", "production").ends(0)
    listed = bot.shell("config", "list").ends(0)
    assert "SHOP_NOTICE" in listed and "MAIL_PASSWORD (a secret)" in listed and PLANTED not in stored + listed
    channel.command("dev", "config diff")
    told = channel.whisper("dev", "SHOP_NOTICE")
    assert "MAIL_PASSWORD" in told and "APP_ENV" in told and "Only a plan: nothing has been started." in told

    with contextlib.ExitStack() as stack:
        crowds = [
            stack.enter_context(crowd(vps, tmp_path / f"{vps.name}.json", Habits(clients=1000, slots=8)))
            for vps in lab.apps
        ]
        visitor = stack.enter_context(visited(lab))
        channel.ask_and_approve("config apply", UPDATE)
        channel.card_says(UPDATE, IN_FORCE)
        visitor.sees(NONE, f"200 NOTICE {PLANTED}")
        for vps, (old, access) in zip(lab.apps, before, strict=True):
            added = f"SHOP_NOTICE={PLANTED}\nMAIL_PASSWORD='{PLANTED}'\n".encode()
            assert env(vps) == (old.replace(b"APP_ENV=production\n", b"") + added, access)
            worker_runs(vps, current(vps))
        channel.command("dev", "config apply")
        channel.whisper("dev", "already; nothing to do")
        channel.ask_and_approve("config undo", UNDO)
        channel.card_says(UNDO, IN_FORCE)
        visitor.sees(NONE, f"200 NOTICE {PLANTED}", NONE)
        deadline = time.monotonic() + 120
        while sum(sum(one.seen()["served"].values()) for one in crowds) < REQUESTS:
            assert time.monotonic() < deadline, "the load is too slow"
            time.sleep(0.2)
        seen = [one.end() for one in crowds]
    assert [env(vps) for vps in lab.apps] == before
    assert [one["failures"] for one in seen] == [[], []]
    assert [one["orders"] for one in seen] == [[[version]] * 8] * 2, "the code stays what it is"
    visitor.sees(NONE, f"200 NOTICE {PLANTED}", NONE)
    assert visitor.processes == set()


def test_a_value_that_breaks_the_site_is_served_to_nobody(lab: Lab, bot: Bot, channel: Slack, tmp_path: Path) -> None:
    """Written in an editor, which shows the keys that there are, and no value."""
    before = [(env(vps), current(vps), releases(vps)) for vps in lab.apps]
    shown, editor = tmp_path / "shown", tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {shown}\necho DB_PASSWORD={WRONG} >> "$1"\n')
    editor.chmod(0o755)
    assert "DB_PASSWORD (a secret)" in bot.shell("config", "edit", EDITOR=str(editor)).ends(0)
    assert "DB_PASSWORD" in shown.read_text() and "correct-horse" not in shown.read_text()

    with visited(lab) as visitor:
        channel.ask_and_approve("config apply", UPDATE)
        card = channel.card_says(UPDATE, "Turned back.")
    assert "Access denied for user 'chom'" in card["text"], "why, in the database's own words"
    assert [(env(vps), current(vps), releases(vps)) for vps in lab.apps] == before
    visitor.sees(NONE)
    assert visitor.processes == set()


def test_no_value_is_anywhere_else(lab: Lab, bot: Bot, channel: Slack, redis: RedisServer) -> None:
    """Slack, the bot's files and its log, its Redis, and all that the servers have written down."""
    places = {"Slack": json.dumps(channel.state(), ensure_ascii=False).encode()}
    for name, directory in (("the bot", bot.directory), ("Redis", redis.directory)):
        places[name] = b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())
        assert len(places[name]) > 1000, name
    for place, content in places.items():
        for value in (PLANTED, WRONG, bot.config_key):
            assert value.encode() not in content, (place, value)
    for vps in lab.apps:
        search = "grep -rlsF -D skip -f - /etc /home /opt /root /run /tmp /var /dev/shm; true"
        found = vps.ssh(search, stdin=f"{PLANTED}\n{WRONG}\n".encode()).stdout.decode().split("\n")
        assert any(path.endswith("/config.php") for path in found), "the release that was served had it"
        assert [path for path in found if path and not any(part in path for part in ALLOWED)] == []
