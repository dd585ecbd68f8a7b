"""Rollback as a plan: by activation and not by directory name, to what every host keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.engine.fleet import CannotPlan, Fleet
from actions.engine.plan import Back, Call, Do, Plan, Watch
from actions.rollback import plan
from tests.pure.making import BLUE, OLD, OLDEST, V10, V11, V101, fleet, host, request


def back(on: Fleet | None = None, **arguments: Any) -> Plan:
    return plan(request("rollback", arguments), on or fleet(), None)


def test_back_to_the_release_that_was_served_before() -> None:
    made = back()
    assert [step.name for step in made.steps] == ["expect", "health", "switch", "restart", "verify"]
    assert made.title == "Roll back production from v1.1 to v1.0.1 (m2 stays in the database)"
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


def test_before_means_activated_before_and_not_the_older_directory() -> None:
    """v1.0 was served again after v1.0.1, and then v1.1: one step back is v1.0."""
    again = replace(V10, activated=(1_790_000_000, 1_791_500_000))
    on = fleet(host(releases=(again, V101, V11)))
    assert back(on).facts["release"] == OLDEST
    assert back(on, steps=2).facts["release"] == OLD


def test_a_release_that_never_served_anybody_is_no_way_back() -> None:
    on = fleet(host(releases=(V10, replace(V101, activated=()), V11)))
    assert back(on).facts["release"] == OLDEST
    with pytest.raises(CannotPlan, match=r"v1\.0\.1 is not kept on app1\. You can roll back to v1\.0\."):
        back(on, version="v1.0.1")


def test_the_newest_of_two_releases_of_a_version_is_taken_if_all_hosts_keep_it() -> None:
    newer = replace(V10, id="20261020_100000", activated=(1_791_800_000,))
    both = (V10, V101, newer, V11)
    assert back(fleet(host(releases=both)), version="v1.0").facts["release"] == newer.id
    on = fleet(host("app1", releases=both), host("app2"))
    assert back(on, version="v1.0").facts["release"] == OLDEST


@pytest.mark.parametrize(
    ("on", "arguments", "said"),
    [
        (
            fleet(host("app1"), host("app2", releases=(V10, V11))),
            {},
            f"app2 does not keep v1.0.1 ({OLD}). You can roll back to v1.0.",
        ),
        (
            fleet(host("app1"), host("app2", releases=(V10, V11)), host("app3", releases=(V11,))),
            {"version": "v1.0.1"},
            f"app2 and app3 do not keep v1.0.1 ({OLD}). There is nothing to roll back to.",
        ),
        (
            fleet(),
            {"steps": 3},
            "app1 keeps 2 earlier releases, so it cannot go back 3. You can roll back to v1.0.1 or v1.0.",
        ),
        (
            fleet(host(releases=(V11,))),
            {},
            "app1 keeps no earlier release, so it cannot go back 1. There is nothing to roll back to.",
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
        (fleet(host(current="", releases=())), {}, "app1 keeps no earlier release"),
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


def test_a_host_that_does_not_list_its_migrations_is_not_guessed_at() -> None:
    silent = tuple(replace(release, migrations=None) for release in (V10, V101, V11))
    made = back(fleet(host(releases=silent)))
    assert made.title == "Roll back production from v1.1 to v1.0.1 (the database stays as it is)"
    assert (made.facts["migrations_left"], made.facts["migrations_left_known"]) == ((), False)


def test_nothing_is_said_of_migrations_where_none_lie_between() -> None:
    same = (replace(V101, migrations=("m1", "m2")), V11)
    assert back(fleet(host(releases=same))).title == "Roll back production from v1.1 to v1.0.1"
