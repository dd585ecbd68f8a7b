"""Blue-green as a plan: (request, fleet, artifact) -> the steps that chom-host and people will see."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from actions.blue_green import plan
from actions.engine.fleet import Artifact, CannotPlan, Fleet, Release
from actions.engine.plan import Again, Back, Call, Do, Harmless, Irreversible, Plan, Probe, Watch, together
from tests.pure.making import BLUE, OLD, OLDEST, V11, artifact, deploy, fleet, host, request

GREEN = "20261123_222151"
NEW = ("m1", "m2", "m3", "m4")


def planned(on: Fleet | None = None, **more: Any) -> Plan:
    return plan(request(), on or fleet(), artifact(**more))


def do(made: Plan, name: str) -> Do:
    step = made.step(name)
    assert isinstance(step, Do)
    return step


def test_the_steps_of_a_deploy_with_migrations() -> None:
    made = planned(migrations=NEW)
    assert [step.name for step in made.steps] == [
        *("expect", "stage", "backup", "migrate", "health", "switch", "restart", "verify", "retain"),
    ]
    assert made.title == "Deploy v1.2 to production"
    assert (made.version, made.commit, made.sha256, made.agent) == ("v1.2", "c" * 40, "d" * 64, "a" * 64)


def test_what_needs_nothing_of_each_other_begins_together() -> None:
    mixed = fleet(host("app1"), host("app2", current=OLD), host("app3", current=""), smoke=("queue",))
    groups = [[step.name for step in group] for group in together(planned(mixed, migrations=NEW).steps)]
    assert groups == [
        ["expect"],
        ["stage", "stage-2", "backup"],
        ["migrate"],
        ["health"],
        ["switch", "switch-2", "switch-3"],
        ["restart", "verify", "smoke"],
        ["retain"],
    ]


def test_pages_are_asked_for_after_the_reload_of_what_they_come_from() -> None:
    groups = [[step.name for step in group] for group in together(planned(fleet(reload=("php8.2-fpm",))).steps)]
    assert ["restart"] in groups and ["verify"] in groups


def test_what_chom_host_is_asked_is_what_its_protocol_says() -> None:
    made = planned(migrations=NEW)
    calls = {step.name: step.call for step in made.steps if isinstance(step, Do)}
    assert calls == {
        "stage": Call("stage", {"release": GREEN, "version": "v1.2", "commit": "c" * 40, "sha256": "d" * 64}),
        "backup": Call("backup", {"name": GREEN, "days": 7}),
        "migrate": Call("migrate", {"release": GREEN}),
        "health": Call("health", {"release": GREEN, "path": "/health"}),
        "switch": Call("switch", {"release": GREEN, "workers": False}),
        "restart": Call("restart", {"services": ()}),
        "retain": Call("prune", {"keep": 5, "protect": (GREEN, BLUE)}),
    }
    assert do(made, "stage").artifact == "d" * 64
    assert do(made, "stage").undo == Back(Call("unstage", {"release": GREEN}), "Remove v1.2 from app1 and app2 again")
    assert do(made, "switch").undo == Back(
        Call("switch", {"release": BLUE, "workers": True}),
        "Switch app1 and app2 back to v1.1 and restart the queue workers",
    )
    assert isinstance(do(made, "health").undo, Harmless)
    assert do(made, "restart").undo == Harmless("Switching back restarts them too.")
    assert not do(made, "retain").must
    assert do(made, "retain").undo == Harmless("No release is old enough to be removed.")
    assert all(step.must for step in made.steps if isinstance(step, Do) and step.name != "retain")


def test_the_database_is_backed_up_before_anything_reaches_it_and_a_failure_stops_the_deploy() -> None:
    backup = do(planned(migrations=NEW), "backup")
    assert backup.hosts == ("app1",) and backup.must
    assert backup.title == "Back up the database, kept for 7 days"
    assert do(planned(), "backup").call == backup.call, "also where there is nothing to migrate"
    none = planned(fleet(backup_days=0), migrations=NEW)
    assert [step.name for step in none.steps][:3] == ["expect", "stage", "migrate"]


def test_smoke_tests_come_after_the_switch_where_configuration_asks_for_them() -> None:
    made = planned(fleet(smoke=("database", "queue")), migrations=NEW)
    smoke = do(made, "smoke")
    assert [step.name for step in made.steps][-4:] == ["restart", "verify", "smoke", "retain"]
    assert smoke.call == Call("smoke", {"release": GREEN, "checks": ("database", "queue"), "seconds": 30})
    assert (smoke.hosts, smoke.timeout, smoke.must) == (("app1",), 90, True)
    assert smoke.title == "Check the database and the queue workers of v1.2"


def test_migrations_run_on_one_host_after_all_are_staged_and_are_never_retried_by_themselves() -> None:
    made = planned(migrations=NEW)
    migrate = do(made, "migrate")
    assert migrate.hosts == ("app1",)
    assert migrate.again is Again.ASK
    assert migrate.undo == Irreversible("The database keeps m3 and m4.")
    assert migrate.title == "Run 2 migrations"
    assert made.facts["migrations"] == ("m3", "m4")
    assert [(seen.name, seen.pending) for seen in made.hosts] == [("app1", ("m3", "m4")), ("app2", ())]
    assert do(made, "stage").hosts == ("app1", "app2")
    assert all(s.again is Again.SAFE for s in made.steps if isinstance(s, Do) and s.name != "migrate")


def test_migrations_run_where_configuration_says() -> None:
    made = planned(fleet(host("app1"), host("app2"), migrate_on="app2"), migrations=NEW)
    assert do(made, "migrate").hosts == ("app2",)


def test_without_pending_migrations_there_is_no_migrate_step() -> None:
    made = planned()
    assert "migrate" not in [step.name for step in made.steps]
    assert made.facts["migrations"] == ()


def test_what_one_host_knows_to_be_applied_is_applied_in_the_shared_database() -> None:
    on = fleet(host("app1", migrations=("m1",)), host("app2", migrations=("m1", "m2", "m3")))
    assert planned(on, migrations=NEW).facts["migrations"] == ("m4",)


def test_a_deploy_of_an_older_version_says_what_is_live_and_which_migrations_stay() -> None:
    on = fleet(host("app1", migrations=("m1", "m2")), host("app2", migrations=("m1", "m2", "m3")))
    back = plan(request(), on, artifact("v1.0", migrations=("m1",)))
    assert (back.facts["older_than"], back.facts["migrations_left"]) == ("v1.1", ("m2", "m3"))
    assert "older_than" not in plan(request(), on, artifact("v1.2", migrations=("m1",))).facts
    assert "older_than" not in plan(request(), on, artifact("feature", migrations=("m1",))).facts, "no order is known"


def test_the_probes_ask_for_the_new_version() -> None:
    verify = planned().step("verify")
    assert isinstance(verify, Watch)
    assert verify.probes == (Probe("https://shop.example/health", 200, '"version":"v1.2"'),)
    assert verify.need == 3


def test_services_are_reloaded_only_where_configuration_names_them() -> None:
    made = planned(fleet(reload=("php8.2-fpm", "nginx")))
    assert do(made, "restart").call.args == {"services": ("php8.2-fpm", "nginx")}
    assert do(made, "restart").title == "Restart the queue workers and reload php8.2-fpm and nginx"


def test_a_mixed_fleet_goes_back_to_what_each_host_served() -> None:
    made = planned(fleet(host("app1"), host("app2", current=OLD), host("app3")))
    one, two = do(made, "switch"), do(made, "switch-2")
    assert (one.hosts, two.hosts) == (("app1", "app3"), ("app2",))
    assert isinstance(one.undo, Back)
    assert isinstance(two.undo, Back)
    assert (one.undo.call.args["release"], two.undo.call.args["release"]) == (BLUE, OLD)
    assert two.title == "Switch app2 from v1.0.1 to v1.2"
    assert do(made, "retain").call.args["protect"] == (GREEN, BLUE, OLD)
    assert made.facts["replaces"] == "v1.1 and v1.0.1"
    assert made.facts["version_step"] == "unknown"


@pytest.mark.parametrize(
    ("on", "keep", "title", "removed"),
    [
        (fleet(), 4, "Keep the newest 4 releases", ""),
        (fleet(keep=3), 3, "Remove v1.0", "v1.0 is"),
        (fleet(keep=2), 2, "Remove v1.0 and v1.0.1", "v1.0 and v1.0.1 are"),
        (fleet(host(current=OLD), keep=2), 2, "Remove v1.0", "v1.0 is"),
        (
            fleet(host("app1"), host("app2", releases=(V11,)), keep=3),
            3,
            "Remove v1.0",
            "v1.0 is",
        ),
    ],
)
def test_what_will_be_removed_is_named_and_nothing_else_is_called_irreversible(
    on: Fleet, keep: int, title: str, removed: str
) -> None:
    retain = do(planned(replace(on, environment=replace(on.environment, keep=keep))), "retain")
    assert retain.title.startswith(title)
    if removed:
        assert retain.undo == Irreversible(f"{removed} removed and cannot be rolled back to any more.")
    else:
        assert isinstance(retain.undo, Harmless)


def test_the_first_deploy_to_a_host_says_that_there_is_no_way_back() -> None:
    empty = host("app2", current="", releases=(), migrations=())
    made = planned(fleet(host("app1"), empty))
    assert [s.name for s in made.steps if isinstance(s, Do)][:2] == ["stage", "stage-2"]
    assert isinstance(do(made, "stage").undo, Back)
    assert isinstance(do(made, "stage-2").undo, Harmless), "unstage is refused for the release that is served"
    assert isinstance(do(made, "switch").undo, Back)
    assert do(made, "switch-2").undo == Irreversible(
        "app2 served nothing before, so there is nothing to go back to: v1.2 stays there."
    )
    alone = planned(fleet(empty))
    assert alone.facts["replaces"] == ""
    assert do(alone, "retain").call.args["protect"] == (GREEN,)
    assert do(alone, "switch").title == "Switch app2 to v1.2"


@pytest.mark.parametrize(
    ("on", "built", "said"),
    [
        (
            fleet(),
            artifact("v1.1", sha256=V11.sha256),
            "v1.1 is already live on production since 2026-10-14T17:46:40Z; nothing to do.",
        ),
        (
            fleet(host(releases=(replace(V11, sha256="", activated=()),))),
            artifact("v1.1"),
            "live on production; nothing",
        ),
        (
            fleet(host("app1"), host("app2", disk_free=42_000_000)),
            artifact(size=100_000_000),
            "Not enough disk for v1.2: app2 has 42 MB free, and it needs about 300 MB (3 times its 100 MB). "
            "Make room and ask again.",
        ),
        (
            fleet(host("app1"), host("app2", releases=(V11, Release(GREEN, "v1.2", "", "")))),
            artifact(),
            f"app2 already has a release {GREEN}; ask again in a second.",
        ),
        (Fleet(fleet().environment, ()), artifact(), "production has no servers in chom.toml"),
        (fleet(probes=()), artifact(), "nobody would notice a broken release"),
        (fleet(host("app1"), host("app2", agent="b" * 64)), artifact(), "app1 runs aaaaaaaa and app2 runs bbbbbbbb"),
    ],
)
def test_what_cannot_be_planned_is_said(on: Fleet, built: Artifact, said: str) -> None:
    with pytest.raises(CannotPlan) as refused:
        plan(request(), on, built)
    assert said in str(refused.value)


def test_another_build_of_the_same_version_and_a_half_deployed_version_can_be_deployed() -> None:
    assert planned(version="v1.1").facts["replaces"] == "v1.1"
    half = fleet(host("app1"), host("app2", current=OLD))
    assert do(planned(half, version="v1.1", sha256=V11.sha256), "switch").hosts == ("app1",)


def test_a_plan_needs_room_for_three_times_the_artifact_and_no_more() -> None:
    assert planned(fleet(host(disk_free=60_000_000)))
    with pytest.raises(CannotPlan, match="Not enough disk"):
        planned(fleet(host(disk_free=59_999_999)))


@pytest.mark.parametrize(
    ("old", "new", "step"),
    [
        ("v1.1", "v1.2", "minor"),
        ("v1.1", "v1.1.1", "patch"),
        ("v1.9", "v2.0", "major"),
        ("v2", "1.9.9", "major"),
        ("v1.1", "v1.1-rc1", "unknown"),
        ("release-7", "v1.2", "unknown"),
    ],
)
def test_the_kind_of_version_step(old: str, new: str, step: str) -> None:
    on = fleet(host(releases=(replace(V11, version=old),)))
    assert planned(on, version=new).facts["version_step"] == step


def test_an_adopted_release_without_a_known_version_is_called_by_its_id() -> None:
    made = planned(fleet(host(releases=())))
    assert made.facts["replaces"] == BLUE
    assert do(made, "switch").title == f"Switch app1 from {BLUE} to v1.2"


def test_the_facts_speak_of_what_people_ask() -> None:
    facts = deploy(migrations=NEW).facts
    assert facts == {
        "replaces": "v1.1",
        "migrations": ("m3", "m4"),
        "version_step": "minor",
        "hosts": ("app1", "app2"),
        "strategy": "blue-green",
        "release": GREEN,
        "log": "deployment",
    }
    assert OLDEST not in str(facts)
