"""A canary as a plan: blue-green, with users shifted to the new release before the switch makes it the served one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.canary import plan
from actions.engine.analysis import Limits
from actions.engine.fleet import CannotPlan, Fleet, Pools
from actions.engine.migrations import Migration
from actions.engine.plan import Back, Call, Do, Plan, Shift
from actions.engine.registry import BadCommand, discover
from tests.pure.making import (
    ADDS,
    BREAKS,
    LOSES,
    POOLS,
    artifact,
    environment,
    fleet,
    host,
    reading,
    request,
)

GREEN = "20261123_222151"


def planned(**arguments: Any) -> Plan:
    return plan(request("canary", arguments), two(POOLS, POOLS), artifact(migrations=("m1", "m2", "m3")))


def two(first: Pools | None, second: Pools | None) -> Fleet:
    return fleet(host("app1", pools=first), host("app2", pools=second))


def with_m3(does: Migration) -> Plan:
    on = reading(two(POOLS, POOLS), m3=does)
    return plan(request("canary", {}), on, artifact(migrations=("m1", "m2", "m3")))


def test_beside_the_served_release_migrations_only_add() -> None:
    assert with_m3(ADDS).pending == ("m3",)
    with pytest.raises(CannotPlan) as refused:
        with_m3(LOSES)
    assert str(refused.value) == (
        "v1.2 cannot go out as a canary: the code of before serves beside it, and may break on m3 (line 9: it drops "
        "the column email of wishes). Either `deploy v1.2 rolling by=100% to production`, which has everybody "
        "wait in maintenance mode meanwhile, or `deploy v1.2 to production`, where users of the old code may see "
        "errors between the migrations and the switch. Or make two releases of it: one that only adds, and later, when "
        "no code needs the old any more, one that takes it away."
    )
    with pytest.raises(CannotPlan, match=r"m3 \(line 7: it renames the table shops\)"):
        with_m3(BREAKS)


def test_what_a_migration_does_that_cannot_be_seen_counts_as_the_worst() -> None:
    blind = replace(two(POOLS, POOLS), reads={})
    with pytest.raises(CannotPlan, match=r"m3 \(line 1: it cannot be seen: no artifact .* and 1 more\. Either"):
        plan(request("canary", {}), blind, artifact(migrations=("m1", "m2", "m3", "m4", "m5", "m6")))
    assert not plan(request("canary", {}), blind, artifact(migrations=("m1", "m2"))).pending, "m2 is there already"


def shift(made: Plan) -> Shift:
    step = made.step("shift")
    assert isinstance(step, Shift)
    return step


def test_users_are_shifted_between_the_health_check_and_the_switch() -> None:
    made = planned()
    names = [step.name for step in made.steps]
    assert names[names.index("health") :] == [
        *("health", "canary", "probe", "shift", "switch", "settle", "restart", "verify", "retain")
    ]
    start = made.step("canary")
    assert isinstance(start, Do) and start.call == Call("canary_start", {"release": GREEN})
    probe = made.step("probe")
    assert isinstance(probe, Do) and probe.call == Call("canary_health", {"release": GREEN, "path": "/health"})
    assert probe.title == "Check /health of v1.2 in the canary pool of app1 and app2, also through nginx"
    assert start.undo == Back(Call("canary_stop"), "Send everybody on app1 and app2 to v1.1, and stop v1.2")
    assert (made.title, made.action, made.facts["strategy"]) == (
        "Deploy v1.2 to production, canary",
        "canary",
        "canary",
    )


def test_the_stages_are_the_seeds_and_can_be_said() -> None:
    usual = shift(planned())
    assert (usual.weights, usual.limits.stage, usual.hosts) == ((10, 25, 50, 75, 100), 300, ("app1", "app2"))
    assert usual.title == "Send users to v1.2: 10 %, 25 %, 50 %, 75 % and 100 %, 5 min each"
    other = shift(planned(stages=("5", "100"), every=90))
    assert (other.weights, other.limits.stage) == ((5, 100), 90)
    assert other.title == "Send users to v1.2: 5 % and 100 %, 90 s each"
    assert planned().digest() != planned(every=90).digest()


def test_an_environment_may_have_its_own_limits_and_looks() -> None:
    limits = Limits(stage=20, share=0.1)
    fast = replace(two(POOLS, POOLS), environment=environment(canary=limits, look_every=2))
    step = shift(plan(request("canary", {}), fast, artifact()))
    assert (step.limits, step.every) == (limits, 2)
    with pytest.raises(CannotPlan, match=r"A stage of 5 s is too short: .* every 2 s.* Write every=6s or more"):
        plan(request("canary", {"every": 5}), fast, artifact())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"stages": ("50", "25", "100")}, "stages=50,25,100 cannot be used. Each stage has to send more users there"),
        ({"stages": ("10", "50")}, "The last stage has to be 100"),
        ({"stages": ("0", "100")}, "The first stage has to send somebody there."),
        ({"stages": ("10", "100", "101")}, "The last stage has to be 100"),
        (
            {"every": 14},
            "A stage of 14 s is too short: the counters are read every 5 s, and it takes 3 looks to judge.",
        ),
    ],
)
def test_stages_that_make_no_canary_are_refused_with_what_to_write(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(CannotPlan) as refused:
        planned(**arguments)
    assert said in str(refused.value) and "for example" in str(refused.value).lower()


@pytest.mark.parametrize(
    ("pools", "said"),
    [
        (None, "app2 has no canary pool. Add [hosts.app2.canary] to chom.toml and run `chom-bot host install`"),
        (replace(POOLS, weight=25), "Users are on a canary on app2 already"),
        (
            replace(POOLS, memory=900_000_000),
            "Not enough memory for two versions at once: app2 has 900 MB free and needs 1,000 MB.",
        ),
    ],
)
def test_servers_that_can_have_no_canary_are_named(pools: Pools | None, said: str) -> None:
    with pytest.raises(CannotPlan) as refused:
        plan(request("canary"), two(POOLS, pools), artifact())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("deploy v1.2 canary", {"version": "v1.2"}),
        ("deploy v1.2 canary stages=5,50,100", {"version": "v1.2", "stages": ("5", "50", "100")}),
        ("deploy v1.2 canary every=90s stages=100", {"version": "v1.2", "stages": ("100",), "every": 90}),
        ("deploy v1.2 canary every=2h to staging", {"version": "v1.2", "every": 7200}),
    ],
)
def test_what_can_be_typed(text: str, arguments: dict[str, Any]) -> None:
    matched = discover().match(text, ("production", "staging"), "production")
    assert (matched.action.name, matched.arguments) == ("canary", arguments)


def test_a_time_that_is_none_says_what_one_looks_like() -> None:
    with pytest.raises(BadCommand, match=r'every="soon" is not a time; write for example every=5m or 90s\.'):
        discover().match("deploy v1.2 canary every=soon", ("production",), "production")
