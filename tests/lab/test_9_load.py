"""Ten deploys and ten rollbacks with thousands of people on the site: not one request fails."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from tests.lab.conftest import Lab
from tests.lab.load import Habits, crowd
from tests.lab.slack import Slack
from tests.lab.test_3_deploys import DONE

ROUNDS = 10
REQUESTS = 100_000
pytestmark = pytest.mark.timeout(900)


@pytest.mark.usefixtures("production")
def test_nobody_notices_ten_deploys_and_ten_rollbacks(lab: Lab, channel: Slack, tmp_path: Path) -> None:
    channel.ask_and_approve("deploy v3.0", "Deploy v3.0 to production")
    channel.card_says("Deploy v3.0 to production", DONE)
    deploy, back = "Deploy v3.1 to production", "Roll back production: v3.1 → v3.0"
    with contextlib.ExitStack() as stack:
        crowds = [
            stack.enter_context(crowd(vps, tmp_path / f"{vps.name}.json", Habits(pause=0.01))) for vps in lab.apps
        ]
        for _ in range(ROUNDS):
            channel.ask_and_approve("deploy v3.1", deploy)
            channel.card_says(deploy, DONE)
            channel.ask_and_approve("rollback", back)
            channel.card_says(back, DONE)
        deadline = time.monotonic() + 300
        while sum(sum(one.seen()["served"].values()) for one in crowds) < REQUESTS:
            assert time.monotonic() < deadline, "the load is too slow"
            time.sleep(0.5)
        seen = [one.end() for one in crowds]
    assert [one["failures"] for one in seen] == [[], []]
    assert all(set(one["served"]) == {"v3.0", "v3.1"} for one in seen)
    assert all(order == ["v3.0", "v3.1"] * ROUNDS + ["v3.0"] for one in seen for order in one["orders"]), (
        "each of them was sent forward and back as often as it was done"
    )
    assert sum(one["clients"] for one in seen) == 4000 and sum(len(one["ms"]) for one in seen) > REQUESTS * 0.7
