"""Rollback as a plan: to what every host keeps, and each refusal is a sentence that says what can be had."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.engine.fleet import CannotPlan, Fleet
from actions.engine.plan import Back, Call, Do, Watch
from tests.pure.going_back import back, went
from tests.pure.making import BLUE, OLD, OLDEST, V10, V11, V101, fleet, host


def test_back_to_the_release_that_was_served_before() -> None:
    made = back()
    assert [step.name for step in made.steps] == ["expect", "health", "switch", "restart", "verify"]
    assert made.title == "Roll back production: v1.1 → v1.0.1"
    assert (made.version, made.commit, made.sha256) == ("v1.0.1", "1" * 40, "")
    switch, verify = made.step("switch"), made.step("verify")
    assert isinstance(switch, Do)
    assert switch.call == Call("switch", {"release": OLD, "workers": False})
    assert isinstance(switch.undo, Back)
    assert switch.undo.call == Call("switch", {"release": BLUE, "workers": True})
    assert isinstance(verify, Watch)
    assert verify.probes[0].contains == '"version":"v1.0.1"'
    assert made.facts == {
        "replaces": "v1.1",
        "migrations": (),
        "migrations_left": ("m2",),
        "migrations_left_known": True,
        "way_back": "forward-only",
        "version_step": "minor",
        "hosts": ("app1", "app2"),
        "strategy": "rollback",
        "release": OLD,
        "log": "rollback",
    }


@pytest.mark.parametrize(
    ("arguments", "release"),
    [
        ({}, OLD),
        ({"steps": 1}, OLD),
        ({"steps": 2}, OLDEST),
        ({"version": "v1.0"}, OLDEST),
        ({"version": "v1.0.1"}, OLD),
    ],
)
def test_steps_and_versions(arguments: dict[str, Any], release: str) -> None:
    assert back(**arguments).facts["release"] == release


def test_the_same_version_again_is_told_apart_by_its_time() -> None:
    older = replace(V101, version="v1.1")
    made = back(fleet(host(releases=(V10, older, V11))))
    assert made.title == "Roll back production: v1.1 → the v1.1 of 3 October 2026, 04:00 UTC"


@pytest.mark.parametrize(
    ("on", "arguments", "said"),
    [
        (
            fleet(host("app1"), host("app2", releases=(V10, V11))),
            {},
            "app2 does not keep v1.0.1. You can roll back to v1.0.",
        ),
        (
            fleet(host("app1"), host("app2", releases=(V10, V11)), host("app3", releases=(V11,))),
            {"version": "v1.0.1"},
            "app2 and app3 do not keep v1.0.1. There is nothing to roll back to.",
        ),
        (
            fleet(),
            {"steps": 3},
            "production keeps 2 releases before v1.1, so it cannot go back 3. You can roll back to v1.0.1 or v1.0.",
        ),
        (
            fleet(host(releases=(V11,))),
            {},
            "production keeps only v1.1, so there is nothing to roll back to.",
        ),
        (
            went("0", "2", "0"),
            {},
            "v0 is live because v2 was rolled back, and no older release is kept. "
            "To go to v2 again: `rollback to v2 on production`.",
        ),
        (
            went("0", "1", "2", "1", "0"),
            {"steps": 2},
            "v0 is live because v1 and v2 were rolled back, and no older release is kept. "
            "To go to v1 again: `rollback to v1 on production`.",
        ),
        (
            fleet(),
            {"version": "v0.9"},
            "v0.9 is not kept on app1 and app2. You can roll back to v1.0.1 or v1.0.",
        ),
        (fleet(), {"version": "v1.1"}, "production serves v1.1 now; nothing to do."),
        (
            fleet(host("app1"), host("app2", current=OLD)),
            {},
            "The servers differ (app1 serves v1.1 and app2 serves v1.0.1), so say which version you want. "
            "You can roll back to v1.1, v1.0.1 or v1.0.",
        ),
        (fleet(host(current="", releases=())), {}, "production keeps no release, so there is nothing"),
        (Fleet(fleet().environment, ()), {}, "production has no servers"),
    ],
)
def test_what_cannot_be_planned_is_said(on: Fleet, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotPlan) as refused:
        back(on, **arguments)
    assert said in str(refused.value)


def test_a_mixed_fleet_is_rolled_back_by_version_and_each_host_has_its_own_way_back() -> None:
    made = back(fleet(host("app1"), host("app2", current=OLD)), version="v1.0.1")
    ways = [
        step.undo.call.args["release"] for step in made.steps if isinstance(step, Do) and isinstance(step.undo, Back)
    ]
    assert ways == [BLUE, OLD]
