"""A change of the environment file as a plan: keys by name, one switch, drift in its digest, and a way back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions import config_apply, config_undo, rollback
from actions.engine.codec import dump
from actions.engine.fleet import CannotPlan, Differs, Earlier, Fleet
from actions.engine.plan import Back, Call, Do, Plan
from tests.pure.making import (
    BLUE,
    EARLIER,
    OLD,
    V10,
    V11,
    V101,
    changed_before,
    fleet,
    host,
    proposed,
    request,
)

GREEN = "20261123_222151"
A, B = "a" * 32, "b" * 32


def applied(on: Fleet) -> Plan:
    return config_apply.plan(request("config apply"), on, None)


def undone(on: Fleet, **arguments: Any) -> Plan:
    return config_undo.plan(request("config undo", arguments), on, None)


def calls(plan: Plan) -> dict[str, Call]:
    return {step.name: step.call for step in plan.steps if isinstance(step, Do)}


def test_it_is_made_ready_switched_to_and_then_written() -> None:
    plan = applied(proposed(fleet(smoke=("database",))))
    assert calls(plan) == {
        "stage": Call(
            "config_stage",
            {
                "release": GREEN,
                "source": BLUE,
                "revision": "cfg-7f3kq2",
                "edits": "f" * 64,
                "to": (),
                "base": (A, B),
            },
        ),
        "health": Call("health", {"release": GREEN, "path": "/health"}),
        "switch": Call("switch", {"release": GREEN, "workers": False}),
        "apply": Call("config_apply", {"release": GREEN, "source": BLUE, "base": (A, B)}),
        "restart": Call("restart", {"services": ()}),
        "smoke": Call("smoke", {"release": GREEN, "checks": ("database",), "seconds": 30}),
    }
    backs = [step.undo.call.verb for step in plan.steps if isinstance(step, Do) and isinstance(step.undo, Back)]
    assert backs == ["unstage", "switch", "config_restore"]
    assert [step.name for step in plan.steps if isinstance(step, Do) and step.revision] == ["stage"]


def test_what_changes_is_said_by_name_and_whether_it_is_called_like_a_secret() -> None:
    plan = applied(proposed(fleet()))
    assert plan.title == "Update the configuration of production (cfg-7f3kq2)"
    assert "MAIL_HOST added, DB_PASSWORD (a secret) changed and OLD_KEY (a secret) removed" in dump(plan)
    assert plan.facts["config_keys"] == ("DB_PASSWORD", "MAIL_HOST", "OLD_KEY")
    assert plan.facts["config_secrets"] == ("DB_PASSWORD", "OLD_KEY")
    assert (plan.facts["config_revision"], plan.facts["config_by"]) == ("cfg-7f3kq2", "ops")
    assert (plan.version, plan.sha256, plan.facts["log"]) == ("v1.1", "", "config")
    many = Differs((*(f"KEY{n}" for n in range(9)), "X"))
    assert "10 keys (9 secrets) added" in dump(applied(proposed(fleet(), many)))


def test_servers_that_have_it_already_are_left_alone_and_others_differ_in_their_own_way() -> None:
    plan = applied(proposed(fleet(), app1=Differs(), app2=Differs(("X",))))
    assert {step.hosts for step in plan.steps if isinstance(step, Do)} == {("app2",)}
    plan = applied(proposed(fleet(), app1=Differs((), ("X",)), app2=Differs(("X",))))
    assert {name: call.args["base"] for name, call in calls(plan).items() if "stage" in name} == {
        "stage": (A,),
        "stage-2": (B,),
    }
    with pytest.raises(CannotPlan, match="production has all of cfg-7f3kq2 already"):
        applied(proposed(fleet(), Differs()))


def test_a_file_that_somebody_changed_is_another_plan() -> None:
    before, moved = fleet(), fleet(host("app1", config="9" * 32), host("app2"))
    assert applied(proposed(before)).digest() == applied(proposed(before)).digest()
    assert applied(proposed(before)).digest() != applied(proposed(moved)).digest()
    other = replace(proposed(before).proposed, sha256="0" * 64)  # type: ignore[type-var]
    assert applied(proposed(before)).digest() != applied(replace(before, proposed=other)).digest()


@pytest.mark.parametrize(
    ("on", "why"),
    [
        (fleet(), "There is no change of the configuration"),
        (fleet(host("app1", current="")), "app1 serves nothing yet"),
        (fleet(host("app1", config="")), "shared/.env of app1 cannot be read"),
        (proposed(fleet(host("app1"), host("app2", current=OLD))), "The servers differ"),
    ],
)
def test_what_makes_no_plan(on: Fleet, why: str) -> None:
    with pytest.raises(CannotPlan, match=why):
        applied(on)


def test_it_goes_back_to_what_the_servers_keep_without_any_store() -> None:
    plan = undone(changed_before(fleet()))
    assert calls(plan)["stage"].args["to"] == ("d" * 32, "d" * 32)
    assert (calls(plan)["stage"].args["revision"], calls(plan)["stage"].args["edits"]) == ("", "")
    assert plan.facts["config_changed"] == ("MAIL_HOST",)
    assert calls(undone(changed_before(fleet()), steps=2))["stage"].args["to"] == ("e" * 32, "e" * 32)
    with pytest.raises(CannotPlan, match="keep 2 earlier configurations, so they cannot go back 3"):
        undone(changed_before(fleet()), steps=3)
    with pytest.raises(CannotPlan, match="keep no earlier configuration"):
        undone(fleet())


def test_a_change_that_was_made_on_one_server_is_taken_back_there_alone() -> None:
    newest = Earlier("7" * 32, 1_792_200_000, Differs(("X",)), "20261112_100000")
    on = fleet(host("app1", earlier=EARLIER), host("app2", earlier=(newest, *EARLIER)))
    assert {step.hosts for step in undone(on).steps if isinstance(step, Do)} == {("app2",)}
    assert calls(undone(on, steps=2))["stage"].args["to"] == ("d" * 32, "d" * 32)
    by_hand = Earlier("7" * 32, 1_792_200_000, Differs(("X",)), "")
    on = fleet(host("app1", earlier=(by_hand, *EARLIER)), host("app2", earlier=EARLIER))
    assert {step.hosts for step in undone(on).steps if isinstance(step, Do)} == {("app1",)}


# --- what else knows of releases with another configuration ------------------------


def test_a_rollback_brings_no_old_configuration_back() -> None:
    old = replace(V101, config="0" * 32)
    now = replace(V11, config=A)
    plan = rollback.plan(request("rollback"), fleet(host("app1", releases=(V10, old, now))), None)
    assert calls(plan)["stage"].args == {
        "release": GREEN,
        "source": OLD,
        "revision": "",
        "edits": "",
        "to": (A,),
        "base": (A,),
    }
    assert calls(plan)["switch"].args["release"] == plan.facts["release"] == GREEN
    same = rollback.plan(request("rollback"), fleet(host("app1", releases=(V10, replace(old, config=A), now))), None)
    assert "stage" not in calls(same) and calls(same)["switch"].args["release"] == OLD


def test_a_rollback_goes_past_releases_that_differ_by_their_configuration() -> None:
    again = replace(V11, id=GREEN, activated=(1_793_000_000,), source=BLUE)
    on = host("app1", current=GREEN, releases=(V10, V101, V11, again))
    assert [release.id for release in on.way_back()] == [OLD, V10.id]
