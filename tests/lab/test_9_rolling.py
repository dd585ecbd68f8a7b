"""Rolling over the two servers, each in Laravel's own maintenance mode for its turn; the second bad; and a dead bot."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.server import Channel
from tests.lab.bases import told
from tests.lab.bot_process import Bot, chom_host
from tests.lab.canaries import Answer, people
from tests.lab.conftest import Lab
from tests.lab.load import LARAVEL, Habits
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import DONE, current, served, worker_runs
from tests.lab.vps import Vps

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("production")]
AWAY = "HTTP 503"
DOWN = "/var/www/shared/storage/framework/down"
PAGES = Habits(slots=1, pause=0.02, only=LARAVEL)
"""One after the other, so that the order of the answers is that of the requests."""


@pytest.fixture(scope="module", autouse=True)
def before(channel: Slack, production: None) -> None:
    """What both serve first."""
    channel.ask_and_approve("deploy v6.0", "Deploy v6.0 to production")
    channel.card_says("Deploy v6.0 to production", DONE)


def asked(vps: Vps, path: str, cookie: str = "") -> tuple[int, str, http.client.HTTPMessage]:
    """One answer: status, body and headers."""
    connection = http.client.HTTPConnection(vps.address, timeout=10)
    try:
        connection.request("GET", path, headers={"Cookie": cookie} if cookie else {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers
    finally:
        connection.close()


def mode(vps: Vps) -> dict[str, Any]:
    """What the file of maintenance mode says there, {} without one."""
    found = vps.ssh(f"cat {DOWN}", check=False)
    return json.loads(found.stdout) if found.returncode == 0 else {}


def until_away(vps: Vps) -> dict[str, Any]:
    """What the file of maintenance mode says there, once it is there."""
    deadline = time.monotonic() + 60
    while not (said := mode(vps)):
        assert time.monotonic() < deadline, "it is in no maintenance mode"
        time.sleep(0.1)
    return said


def turns(answers: list[Answer]) -> list[tuple[str, float, float]]:
    """What was given one after the other, with the times (Unix, s) of the first and the last answer of each."""
    found: list[tuple[str, float, float]] = []
    for at, _, what in answers:
        first = found.pop()[1] if found and found[-1][0] == what else at
        found.append((what, first, at))
    return found


def begun(channel: Slack, version: str) -> str:
    """A rolling deploy that was asked for and approved; its title."""
    title = f"Deploy {version} to production"
    channel.ask_and_approve(f"deploy {version} rolling by=50%", title)
    return title


def test_users_are_told_to_come_back_only_by_the_server_whose_turn_it_is(
    lab: Lab, channel: Slack, tmp_path: Path
) -> None:
    with people(lab.apps, tmp_path, PAGES) as users:
        title = begun(channel, "v6.1")
        said = until_away(lab.app1)
        status, _, headers = asked(lab.app1, "/")
        assert (status, headers["Retry-After"], asked(lab.app2, "/")[:2]) == (503, "30", (200, "CHOM v6.0"))
        status, _, headers = asked(lab.app1, f"/{said['secret']}")
        assert status == 302
        assert asked(lab.app1, "/", headers["Set-Cookie"].partition(";")[0])[:2] == (200, "CHOM v6.0")
        channel.card_says(title, DONE)
        answers = users.end()
    assert all(AWAY in why for why in users.failures), "nobody was given anything else but an answer"
    seen = [turns(answers[vps.name]) for vps in lab.apps]
    assert [[what for what, *_ in one] for one in seen] == [["v6.0", AWAY, "v6.1"]] * 2
    (_, first, last), (_, later, end) = seen[0][1], seen[1][1]
    assert last < later, "one after the other"
    away = f"{last - first:.1f} s and {end - later:.1f} s"
    told(f"rolling over two servers whose health check takes 8 s: in maintenance for {away}")
    for vps in lab.apps:
        assert served(vps) == "CHOM v6.1" and mode(vps) == {}
        worker_runs(vps, current(vps))


def test_where_the_second_is_bad_all_go_back_and_the_card_says_who_serves_what(
    lab: Lab, channel: Slack, tmp_path: Path
) -> None:
    with people(lab.apps, tmp_path, PAGES) as users:
        title = begun(channel, "v6.2")
        card = channel.card_says(title, "Turned back.")
        answers = users.end()
    assert "The health check failed on app2 (/health of v6.2 answers HTTP 500" in card["text"], card["text"]
    assert "app1 was switched back to v6.1; app2 was never switched." in card["text"].lower(), card["text"]
    assert all(AWAY in why for why in users.failures)
    given = [[answer for answer in answers[vps.name] if answer[2] != AWAY] for vps in lab.apps]
    one, two = ([what for what, *_ in turns(one)] for one in given)
    assert (one, two) == (["v6.1", "v6.2", "v6.1"], ["v6.1"]), "nobody was given the bad one by app2"
    assert [(served(vps), mode(vps)) for vps in lab.apps] == [("CHOM v6.1", {})] * 2


@pytest.fixture
def host(lab: Lab, bot: Bot) -> Iterator[Channel]:
    """chom-host of app1."""
    with chom_host(bot, lab.app1) as made:
        yield made


def test_a_server_ends_it_by_itself_at_its_time(lab: Lab, host: Channel) -> None:
    job = f"limit-{int(time.time())}/down/forward"
    state = host.run(job, "down", {"seconds": 3}, fence=host.ask("survey")["fence"])
    assert state["ok"], state
    began = time.monotonic()
    host.close()
    assert asked(lab.app1, "/")[0] == 503
    while mode(lab.app1):  # nobody asks the site meanwhile
        assert time.monotonic() - began < 30
        time.sleep(0.2)
    assert asked(lab.app1, "/")[:2] == (200, "CHOM v6.1")


def test_a_bot_that_dies_in_it_leaves_users_away_for_twenty_minutes_at_most(lab: Lab, bot: Bot, channel: Slack) -> None:
    """Its time is not waited for but written into the file: what Laravel asks first ends it, with no bot alive."""
    title = begun(channel, "v6.3")
    said = until_away(lab.app1)
    bot.kill()
    assert 0 < said["chom_until"] - time.time() <= 1200 and asked(lab.app1, "/")[0] == 503
    lab.app1.ssh(f"sed -i 's/{said['chom_until']}/{int(time.time()) - 1}/' {DOWN}")
    assert asked(lab.app1, "/")[:2] == (200, "CHOM v6.1") and mode(lab.app1) == {}
    bot.start()
    channel.card_says(title, DONE)
    assert [(served(vps), mode(vps)) for vps in lab.apps] == [("CHOM v6.3", {})] * 2
