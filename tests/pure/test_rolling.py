"""Rolling as a plan: what blue-green does, once for each batch, with users away while a server is changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.engine.fleet import CannotPlan, Fleet
from actions.engine.plan import Again, Back, Call, Do, Harmless, Plan, Watch, together
from actions.rolling import LIMIT_S, plan
from tests.pure.making import LOSES, OLD, PROBES, artifact, fleet, host, reading, request

GREEN = "20261123_222151"
NEW = ("m1", "m2", "m3")


def planned(on: Fleet | None = None, by: int | None = None, migrations: tuple[str, ...] = NEW) -> Plan:
    arguments = {} if by is None else {"by": by}
    return plan(request("rolling", arguments), on or fleet(), artifact(migrations=migrations))


def do(made: Plan, name: str) -> Do:
    step = made.step(name)
    assert isinstance(step, Do)
    return step


def some(number: int) -> Fleet:
    return fleet(*(host(f"app{n + 1}") for n in range(number)))


def test_on_one_server_all_happens_once_and_the_copy_before_users_are_away() -> None:
    made = planned(fleet(host("app1")))
    assert [step.name for step in made.steps] == [
        *("expect", "stage", "backup", "down", "migrate", "health", "switch", "restart", "up", "verify", "retain")
    ]
    assert (made.title, made.action, made.facts["strategy"], made.facts["batches"]) == (
        *("Deploy v1.2 to production, rolling", "rolling", "rolling", 1),
    )
    assert do(made, "down").call == Call("down", {"seconds": LIMIT_S})
    assert do(made, "down").undo == Back(Call("up"), "Take app1 out of maintenance mode")
    assert do(made, "down").title == "Put app1 into maintenance mode, for 20 minutes at most"
    assert do(made, "up").call == Call("up") and isinstance(do(made, "up").undo, Harmless)


def test_two_servers_are_two_batches_and_the_site_is_looked_at_between_them() -> None:
    made = planned()
    names = [step.name for step in made.steps]
    assert names[3:] == [
        *("down", "migrate", "health", "switch", "restart", "up", "between"),
        *("down.2", "health.2", "switch.2", "restart.2", "up.2", "verify", "retain"),
    ]
    assert ["verify"] in [[step.name for step in group] for group in together(made.steps)], (
        "none is in maintenance mode"
    )
    assert [do(made, name).hosts for name in ("stage", "switch", "switch.2")] == [
        ("app1", "app2"),
        ("app1",),
        ("app2",),
    ]
    between = made.step("between")
    assert isinstance(between, Watch)
    assert between.title == "Check from outside, with v1.2 on app1, before app2"
    assert between.probes == (replace(PROBES[0], contains=""),), "either version may answer"
    assert do(made, "restart.2").title == "Restart the queue workers on app2"
    assert made.hosts[0].pending == ("m3",)


def test_migrations_run_once_in_the_first_batch_and_are_stopped_before_users_come_back() -> None:
    made = planned(fleet(host("app1"), host("app2"), host("app3"), migrate_on="app3"))
    steps = [step.name for step in made.steps if isinstance(step, Do) and step.call.verb == "migrate"]
    assert steps == ["migrate"]
    assert do(made, "down").hosts == do(made, "migrate").hosts == ("app3",)
    assert do(made, "migrate").again is Again.ASK and do(made, "migrate").timeout < LIMIT_S
    assert "migrate" not in [step.name for step in planned(migrations=("m1", "m2")).steps]


@pytest.mark.parametrize(
    ("servers", "by", "batches"),
    [(1, 25, [1]), (2, None, [1, 1]), (4, 25, [1] * 4), (4, 50, [2, 2]), (5, 50, [2, 2, 1]), (3, 100, [3]),
     (20, 25, [5] * 4), (7, 1, [1] * 7), (10, 33, [3, 3, 3, 1])],
)  # fmt: skip
def test_a_batch_is_that_share_of_the_servers_and_at_least_one(
    servers: int, by: int | None, batches: list[int]
) -> None:
    made = planned(some(servers), by)
    downs = [step for step in made.steps if isinstance(step, Do) and step.call.verb == "down"]
    assert [len(step.hosts) for step in downs] == batches
    assert sorted(host for step in downs for host in step.hosts) == sorted(seen.name for seen in made.hosts)
    assert len({step.name for step in made.steps}) == len(made.steps)


def test_servers_of_a_batch_that_serve_different_versions_go_back_to_their_own() -> None:
    made = planned(fleet(host("app1"), host("app2", current=OLD)), by=100)
    assert (do(made, "switch").hosts, do(made, "switch-2").hosts) == (("app1",), ("app2",))


def test_batches_that_serve_beside_each_other_need_migrations_that_only_add() -> None:
    with pytest.raises(
        CannotPlan, match=r"^v1\.2 cannot go out in 2 batches: .* m3 \(line 9: it drops the column email"
    ):
        planned(reading(fleet(), m3=LOSES))
    assert planned(reading(fleet(), m3=LOSES), by=100).facts["batches"] == 1
    assert planned(reading(fleet(host("app1")), m3=LOSES)).facts["batches"] == 1
    assert planned(reading(fleet(), m2=LOSES)).facts["batches"] == 2, "m2 has run long ago"


def test_what_cannot_be_deployed_cannot_be_deployed_in_batches_either() -> None:
    with pytest.raises(CannotPlan, match="Not enough disk"):
        planned(fleet(host(disk_free=1)))
