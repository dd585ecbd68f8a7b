"""Prometheus on mentat sees every server, and counts what their users were given."""

from __future__ import annotations

import time

from tests.lab import monitoring
from tests.lab.conftest import Lab, Users

UP = 'up{host!=""}'
"""Not what the package's own configuration asked before ours was there: its last answers stand for five minutes."""


def test_every_target_answers_and_every_request_is_counted(lab: Lab, users: Users) -> None:
    deadline = time.monotonic() + 30
    up = monitoring.query(lab.mentat, UP)
    while not all(value for _, value in up):
        assert time.monotonic() < deadline, up
        time.sleep(0.5)
        up = monitoring.query(lab.mentat, UP)
    found = {(labels["job"], labels["host"]) for labels, _ in up}
    on_apps = {(job, vps.name) for job in ("node", "nginx", "php-fpm", "mtail") for vps in lab.apps}
    assert found == on_apps | {("mysqld", "app1"), ("node", "mentat")}
    asked = {
        labels["host"]: value for labels, value in monitoring.query(lab.mentat, "sum by (host) (chom_requests_total)")
    }
    for vps, seen in zip(lab.apps, users.each(), strict=True):
        assert asked[vps.name] >= 0.9 * sum(seen["served"].values()) > 0
    _browse(users, 100)
    before = _failed(lab)
    _browse(users, 250)
    assert _failed(lab) == before


def _browse(users: Users, requests: int) -> None:
    """Wait until the people at the first server made so many more: 25 a second, and Prometheus looks each second."""
    given = sum(users.seen()["served"].values())
    while sum(users.seen()["served"].values()) < given + requests:
        time.sleep(0.1)


def _failed(lab: Lab) -> float:
    """How many answers of 500 and above there ever were: the bot's own checks met some, in the breaks before this."""
    found = monitoring.query(lab.mentat, 'sum(chom_requests_total{status=~"5.."})')
    return found[0][1] if found else 0.0
