"""Bad canaries on real servers, each at a server of its own: how soon they are back, and at what price."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest

from tests.lab.bases import told
from tests.lab.canaries import FAILS, GOOD, HANGS, SLOW, CanarySite, canary_site, people, weights
from tests.lab.conftest import Lab
from tests.lab.load import LIGHT, Habits
from tests.lab.vps import Vps
from tests.support.redis import RedisServer

pytestmark = pytest.mark.timeout(900)
RUNS = 20
MEDIAN, LONGEST = 75, 180
"""Seconds from the first user to nobody."""
SEEN = 0.5
"""Seconds within which a weight that began is seen to have begun: its first users may be answered before."""
LIMITS = "extensions = 1\npatience = 15"
"""How sure the analysis is, and how often it looks, is what it is without a word of chom.toml."""
TEN = Habits(slots=5, pause=0.045, only=LIGHT)
"""About 100 requests a second at each site, so 10 for its canary."""
PATIENT = Habits(slots=20, pause=0.05, only=LIGHT, patience=120)


@pytest.fixture(scope="module")
def apart(lab: Lab, redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanarySite]:
    """Two servers, each an environment of its own."""
    with canary_site(lab, redis, tmp_path_factory.mktemp("bad"), LIMITS, apart=True) as made:
        yield made


def test_a_slow_one_a_hanging_one_and_one_that_nobody_visits_go_back(apart: CanarySite, tmp_path: Path) -> None:
    one, two = apart.servers
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(slow_and_then_alone, apart, one, tmp_path)
        hanging = pool.submit(hangs, apart, two, tmp_path)
        slow.result()
        hanging.result()


def slow_and_then_alone(apart: CanarySite, vps: Vps, out: Path) -> None:
    with people([vps], out, PATIENT) as users:
        apart.begin(SLOW, environment=vps.name)
        card = apart.says(SLOW, "Turned back.", environment=vps.name)
        users.end()
    assert "requests were slow; stable: 0 of" in card["text"] and users.failures == [], card["text"]

    apart.begin(GOOD, "every=15s", vps.name)
    card = apart.says(GOOD, "It is held; if nobody answers", environment=vps.name)
    assert "Only 0 requests in this stage; 59 are needed to tell." in card["text"], card["text"]
    card = apart.says(GOOD, "Turned back.", environment=vps.name)
    assert "Nobody answered for 15 seconds" in card["text"], card["text"]


def hangs(apart: CanarySite, vps: Vps, out: Path) -> None:
    """Whoever is there waits; who comes after is well."""
    with people([vps], out, PATIENT):
        apart.begin(HANGS, environment=vps.name)
        card = apart.says(HANGS, "Turned back.", 150, vps.name)
    assert "of the canary had work and completed nothing for" in card["text"], card["text"]


def test_one_that_fails_one_request_in_five_is_back_in_time(apart: CanarySite, tmp_path: Path) -> None:
    """As many runs as there are, shared out to the two servers as they come."""
    left = iter(range(RUNS))
    with people(apart.servers, tmp_path, TEN) as users, weights(apart.servers) as seen:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda vps: one_after_another(apart, vps, left), apart.servers))
        answers = users.end()
    times, failed = list[float](), list[int]()
    for vps in apart.servers:
        turns = seen[vps.name]
        assert [percent for _, percent in turns] == [0, *[10, 0] * ((len(turns) - 1) // 2)]
        begins, ends = turns[1::2], turns[2::2]
        for (began, _), (ended, _) in zip(begins, ends, strict=True):
            times.append(ended - began)
            given = [what for at, _, what in answers[vps.name] if began - SEEN <= at <= ended + 1]
            failed.append(given.count("HTTP 500"))
            rate = (given.count("HTTP 500") + given.count(FAILS)) / (ended - began)
            told(f"{vps.name}: {rate:.1f} requests/s at the canary, back after {times[-1]:.0f} s, {failed[-1]} failed")
    price = f"{median(failed):.0f} requests failed, {max(failed)} at most"
    told(f"{RUNS} canaries that fail 20 %: back after {median(times):.0f} s, {max(times):.0f} s at most; {price}")
    assert len(times) == RUNS and median(times) <= MEDIAN and max(times) <= LONGEST
    assert len(users.failures) == sum(failed), "nothing else has failed"


def one_after_another(apart: CanarySite, vps: Vps, left: Iterator[int]) -> None:
    for _ in left:
        apart.begin(FAILS, "every=5m", vps.name)
        card = apart.says(FAILS, "Turned back.", LONGEST, vps.name)
        assert "requests failed; stable: 0 of" in card["text"], card["text"]
