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
    failed = monitoring.query(lab.mentat, 'sum(chom_requests_total{status=~"5.."})')
    assert not failed or failed[0][1] == 0, failed
