"""What is approved is the digest: all that matters moves it, and what always moves does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.blue_green import plan
from actions.engine.codec import dump, load
from actions.engine.plan import Again, Call, Do, Harmless, Plan, Step, Watch
from policies.change import Change, change_digest
from tests.pure.making import AT, OLD, artifact, change, deploy, fleet, host, request

Moved = Callable[[], Plan]


def with_step(made: Plan, name: str, **changed: Any) -> Plan:
    steps = tuple(replace(step, **changed) if step.name == name else step for step in made.steps)
    return replace(made, steps=steps)


def do(made: Plan, name: str) -> Do:
    step = made.step(name)
    assert isinstance(step, Do)
    return step


PLAN = deploy(migrations=("m1", "m2", "m3"))
RESTATED: dict[str, Step] = {step.name: step for step in PLAN.steps}
VERIFY = RESTATED["verify"]
assert isinstance(VERIFY, Watch)

MATTERS: dict[str, Plan] = {
    "schema": replace(PLAN, schema=2),
    "environment": replace(PLAN, environment="staging"),
    "commit": replace(PLAN, commit="f" * 40),
    "artifact": replace(PLAN, sha256="f" * 64),
    "chom-host": replace(PLAN, agent="f" * 64),
    "host name": replace(PLAN, hosts=(replace(PLAN.hosts[0], name="app9"), PLAN.hosts[1])),
    "host key": replace(PLAN, hosts=(replace(PLAN.hosts[0], key="SHA256:x"), PLAN.hosts[1])),
    "served release": replace(PLAN, hosts=(replace(PLAN.hosts[0], release=OLD), PLAN.hosts[1])),
    "pending migration": replace(PLAN, hosts=(replace(PLAN.hosts[0], pending=("m3", "m4")), PLAN.hosts[1])),
    "one host less": replace(PLAN, hosts=PLAN.hosts[:1]),
    "order of hosts": replace(PLAN, hosts=PLAN.hosts[::-1]),
    "order of steps": replace(PLAN, steps=PLAN.steps[::-1]),
    "one step less": replace(PLAN, steps=PLAN.steps[:-1]),
    "verb": with_step(PLAN, "switch", call=Call("restart", do(PLAN, "switch").call.args)),
    "argument": with_step(PLAN, "health", call=Call("health", {"release": OLD, "path": "/health"})),
    "undo": with_step(PLAN, "stage", undo=Harmless("It stays.")),
    "hosts of a step": with_step(PLAN, "migrate", hosts=("app2",)),
    "again": with_step(PLAN, "migrate", again=Again.SAFE),
    "timeout": with_step(PLAN, "migrate", timeout=1),
    "must": with_step(PLAN, "verify", need=1),
    "at the same time": with_step(PLAN, "backup", beside=False),
    "probes": with_step(PLAN, "verify", probes=(replace(VERIFY.probes[0], contains=""),)),
    "what is expected": with_step(PLAN, "expect", releases={"app1": OLD, "app2": OLD}),
}


@pytest.mark.parametrize("moved", MATTERS.values(), ids=MATTERS.keys())
def test_whatever_matters_moves_the_digest(moved: Plan) -> None:
    assert moved.digest() != PLAN.digest()
    assert change_digest(moved.digest(), "r") != change_digest(PLAN.digest(), "r")


def test_no_two_of_them_share_a_digest() -> None:
    digests = {moved.digest() for moved in MATTERS.values()}
    assert len(digests) == len(MATTERS)
    assert all(len(digest) == 64 and set(digest) <= set("0123456789abcdef") for digest in digests)


@given(disk=st.integers(10**9, 10**13), fence=st.integers(0, 10**6))
def test_what_always_moves_does_not_move_the_digest(disk: int, fence: int) -> None:
    on = fleet(host("app1", disk_free=disk, fence=fence), host("app2"))
    assert plan(request(), on, artifact()).digest() == deploy().digest()


def test_planning_again_later_from_the_stored_request_gives_the_same_digest() -> None:
    asked = request(text="deploy v1.2", reason="because")
    assert plan(asked, fleet(), artifact()).digest() == plan(asked, fleet(), artifact()).digest()
    assert plan(request(reason="other words"), fleet(), artifact()).digest() == deploy().digest()
    assert plan(request(at=AT + timedelta(seconds=1)), fleet(), artifact()).digest() != deploy().digest()


def test_the_change_digest_covers_the_plan_and_the_rules_and_no_people() -> None:
    asked = change()
    assert replace(asked, rules="f" * 64).digest != asked.digest
    assert replace(asked, plan=PLAN).digest != asked.digest
    assert replace(asked, requester="tom", reason="x", id="chg-aaaaaa").digest == asked.digest


def test_a_change_survives_json_byte_for_byte() -> None:
    asked = change(plan=PLAN, reason="“quoted” \u202e ünïcode")
    again = load(Change, dump(asked))
    assert again == asked
    assert dump(again) == dump(asked)
    assert again.digest == asked.digest


@given(
    migrations=st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=4).map(tuple),
    version=st.text(min_size=1, max_size=12),
    keep=st.integers(2, 100),
    services=st.lists(st.text(min_size=1, max_size=9), max_size=2).map(tuple),
)
def test_any_plan_survives_json_byte_for_byte(
    migrations: tuple[str, ...], version: str, keep: int, services: tuple[str, ...]
) -> None:
    made = plan(request(), fleet(keep=keep, reload=services), artifact(version, migrations=migrations))
    assert load(Plan, dump(made)) == made
    assert dump(load(Plan, dump(made))) == dump(made)
