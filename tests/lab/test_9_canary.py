"""A canary on real nginx, PHP-FPM, mtail and Prometheus, with people on the site, from its first user to its last."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.lab.bases import told
from tests.lab.canaries import (
    GOOD,
    OLD,
    CanarySite,
    by_client,
    canary_site,
    people,
    weight,
    weights,
)
from tests.lab.conftest import Lab
from tests.lab.load import LIGHT, Habits
from tests.lab.test_3_deploys import DONE, current, served, worker_runs
from tests.support.redis import RedisServer

pytestmark = pytest.mark.timeout(600)
REQUESTS = 100_000
STAGES = [10, 25, 50, 75, 100]
LIMITS = "stage = 30\nblind = 55"
FEW = Habits(slots=4, pause=0.05, only=LIGHT)
"""So many people that the bot has most of the machine."""


@pytest.fixture(scope="module")
def pools(lab: Lab, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanarySite]:
    with canary_site(lab, redis, tmp_path_factory.mktemp("canary"), LIMITS) as made:
        yield made


def test_a_click_promotes_it_holds_it_and_ends_it_within_a_second(pools: CanarySite, tmp_path: Path) -> None:
    with people(pools.servers, tmp_path, FEW) as users:
        card = pools.begin(GOOD, "every=5m")
        pools.channel.click("lead", card, "chom_answer")
        pools.until_weight(25, 10)
        card = pools.says(GOOD, "25 % of users have v5.1, the others v5.0.")
        pools.channel.click("lead", card, "chom_answer_hold")
        card = pools.says(GOOD, "It is held; if nobody answers within 30 min, everybody goes back to v5.0.")
        pressed = time.time()
        pools.channel.click("lead", card, "chom_stop")
        card = pools.says(GOOD, "Stopped.")
        answers = users.end()
    assert "v5.0 serves as before; nothing was switched." in card["text"], card["text"]
    last = max(at for given in answers.values() for at, _, what in given if what == GOOD)
    told(f"from the click on Abort to the canary's last answer: {max(0.0, last - pressed):.2f} s")
    assert last - pressed < 1 and users.failures == []


def test_minute_three_stays_minute_three_and_a_bot_that_is_gone_leaves_nobody_there(
    pools: CanarySite, tmp_path: Path
) -> None:
    with people(pools.servers, tmp_path, FEW) as users:
        pools.begin(GOOD, "every=40s stages=10,50,100")
        began = time.time()
        time.sleep(20)  # half of the stage
        pools.bot.kill()
        pools.bot.start()
        promoted = pools.until_weight(50, 60)
        assert 30 < promoted - began < 55, "a stage of 40 s, whoever looked"

        card = pools.says(GOOD, "50 % of users have")
        pools.channel.click("lead", card, "chom_answer_hold")
        pools.says(GOOD, "It is held")
        pools.bot.kill()
        killed = time.time()
        gone = pools.until_weight(0, 125) - killed
        told(f"the bot was killed for good: {gone:.0f} s later everybody was on stable")
        assert gone < 121 and users.last(GOOD) <= killed + gone + 1
        pools.bot.start()
        card = pools.says(GOOD, "everybody was on stable for")
        assert "since no bot was there" in card["text"] and "It is held" in card["text"], card["text"]
        pools.until_weight(50, 10)
        pools.channel.click("lead", card, "chom_stop")
        pools.says(GOOD, "Stopped.")
        users.end()
    assert users.failures == []


def test_without_prometheus_it_is_held_and_then_ended_as_inconclusive(pools: CanarySite, tmp_path: Path) -> None:
    with people(pools.servers, tmp_path, FEW) as users, weights(pools.servers) as seen:
        pools.begin(GOOD, "every=40s")
        pools.mentat.ssh("systemctl stop prometheus")
        try:
            card = pools.says(GOOD, "Prometheus at")
            assert "cannot be reached" in card["text"], card["text"]
            card = pools.says(GOOD, "no decision yet", 60)
            assert "10 % of users have" in card["text"], "it is held where it was"
            card = pools.says(GOOD, "Turned back.")
        finally:
            pools.mentat.ssh("systemctl start prometheus")
            pools.scraped()
        users.end()
    assert "Nothing was measured for " in card["text"], card["text"]
    assert "inconclusive, the build may be good" in card["text"], card["text"]
    assert [[percent for _, percent in turns] for turns in seen.values()] == [[0, 10, 0]] * 2
    assert users.failures == []


def test_a_good_one_reaches_everybody_and_nobody_notices(pools: CanarySite, tmp_path: Path) -> None:
    crowds = Habits(clients=2100, slots=21, pause=0.005, visit=4, first=LIGHT)
    began = time.monotonic()
    with people(pools.servers, tmp_path, crowds) as users, weights(pools.servers) as seen:
        pools.begin(GOOD)
        pools.says(GOOD, DONE, 300)
        live = time.monotonic() - began
        while users.count() < REQUESTS:
            assert time.monotonic() - began < 450, "the load is too slow"
            time.sleep(0.5)
        answers = users.end()
    requests = sum(map(len, answers.values()))
    told(f"a canary to 100 % in {live:.0f} s: {len(users.failures)} of {requests} requests failed")
    assert users.failures == [] and requests >= REQUESTS
    for vps in pools.servers:
        mine, turns = answers[vps.name], seen[vps.name]
        assert [percent for _, percent in turns] == [0, *STAGES, 0]
        for (start, percent), (end, _) in pairwise(turns[1:]):
            at_this_stage = {client: what for at, client, what in mine if start + 1 < at < end - 0.5}
            on = sum(what == GOOD for what in at_this_stage.values())
            many, share = len(at_this_stage), percent / 100
            told(f"{vps.name}, {percent} %: {on} of {many} clients had the canary")
            assert many > 1000 and abs(on - many * share) <= 3 * (many * share * (1 - share)) ** 0.5
        given = by_client(mine)
        left = [order for order in given.values() if order not in ([OLD], [OLD, GOOD], [GOOD])]
        assert len(given) >= 2000 and left == [], "nobody has left the canary"
        assert served(vps) == f"CHOM {GOOD}" and weight(vps) == 0
        stopped = vps.ssh(f"systemctl is-active php{vps.base.php}-fpm-canary", check=False).stdout
        assert stopped == b"inactive\n"
        worker_runs(vps, current(vps))
