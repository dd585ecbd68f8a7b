"""Rollback as a plan: by activation and not by directory name, to what every host keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.blue_green import plan as deployed
from actions.canary import plan as canary
from actions.engine.across import told
from actions.engine.fleet import Artifact, CannotPlan, Fleet, Release, Request
from actions.engine.migrations import UNSEEN, Effect, Finding, Migration
from actions.engine.plan import Back, Call, Do, Plan, Watch
from actions.rollback import ACTION, plan
from actions.rolling import plan as rolling
from tests.pure.making import (
    ADDS,
    BLUE,
    BREAKS,
    LOSES,
    OLD,
    OLDEST,
    V10,
    V11,
    V101,
    artifact,
    fleet,
    host,
    reading,
    request,
)


def back(on: Fleet | None = None, **arguments: Any) -> Plan:
    return plan(request("rollback", arguments), on or fleet(), None)


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


def test_before_means_activated_before_and_not_the_older_directory() -> None:
    """v1.0 was served again after v1.0.1, and then v1.1: v1.1 replaced v1.0, and v1.0.1 was left by a rollback."""
    again = replace(V10, activated=(1_790_000_000, 1_791_500_000))
    on = fleet(host(releases=(again, V101, V11)))
    assert back(on).facts["release"] == OLDEST
    with pytest.raises(
        CannotPlan, match=r"keeps 1 release before v1\.1, so it cannot go back 2\. .* v1\.0 or v1\.0\.1"
    ):
        back(on, steps=2)
    assert back(on, version="v1.0.1").facts["release"] == OLD


def went(*ids: str, dropped: tuple[str, ...] = (), current: str = "") -> Fleet:
    """A server that served these releases, one after the other."""
    kept = [id_ for id_ in dict.fromkeys(ids) if id_ not in dropped]
    times = {id_: tuple(at for at, one in enumerate(ids, 1_790_000_000) if one == id_) for id_ in kept}
    releases = tuple(Release(id_, f"v{id_}", "0" * 40, "", times[id_], ()) for id_ in kept)
    return fleet(host(releases=releases, current=current or ids[-1]))


@pytest.mark.parametrize(
    ("activations", "way"),
    [
        ("0", ""),
        ("0 1", "0"),
        ("0 1 2", "1 0"),
        ("0 2 0", ""),
        ("0 1 2 1", "0"),
        ("0 1 2 0", ""),
        ("0 1 0 2", "0"),
        ("0 1 0 2 0", ""),
        ("0 1 0 2 3", "2 0"),
        ("0 2 0 2", "0"),
        ("0 1 2 1 0", ""),
        ("0 1 2 1 3 1", "0"),
    ],
)
def test_the_way_back_leads_past_what_was_left_by_a_rollback(activations: str, way: str) -> None:
    on = went(*activations.split())
    assert [release.id for release in on.hosts[0].way_back()] == way.split()
    for steps, release in enumerate(way.split(), 1):
        assert back(on, steps=steps).facts["release"] == release


@given(st.lists(st.sampled_from(["roll back", "deploy"]), max_size=30))
def test_rolling_back_again_and_again_never_comes_back_to_what_was_left(acts: list[str]) -> None:
    """The model: a deploy goes on top, a rollback takes the top away, and where there is one only it is refused."""
    served, path = ["0"], ["0"]
    for number, act in enumerate(acts, 1):
        if act == "deploy":
            path.append(str(number))
        elif len(path) == 1:
            with pytest.raises(CannotPlan):
                back(went(*served))
            continue
        else:
            path.pop()
            assert back(went(*served)).facts["release"] == path[-1]
        served.append(path[-1])
    assert [release.id for release in went(*served).hosts[0].way_back()] == path[-2::-1]


@given(st.lists(st.sampled_from("01234"), min_size=1, max_size=20), st.sets(st.sampled_from("01234")))
def test_whatever_was_served_and_removed_the_way_back_is_kept_older_and_without_the_served(
    ids: list[str], dropped: set[str]
) -> None:
    seen = went(*ids, dropped=tuple(dropped - {ids[-1]})).hosts[0]
    way = seen.way_back()
    assert seen.current not in [release.id for release in way]
    first = [seen.releases.index(release) for release in way]
    assert len(set(first)) == len(first) and set(way) <= set(seen.releases)


def test_a_served_release_that_nobody_recorded_stands_after_the_recorded_ones() -> None:
    adopted = replace(V11, activated=())
    assert [r.id for r in host(releases=(V10, V101, adopted)).way_back()] == [OLD, OLDEST]
    assert [r.id for r in host(releases=(V10, V101), current="").way_back()] == [OLD, OLDEST]
    by_hand = host(releases=(V10, V101, V11), current=OLD)
    assert [r.id for r in by_hand.way_back()] == [OLDEST]


def test_the_same_version_again_is_told_apart_by_its_time() -> None:
    older = replace(V101, version="v1.1")
    made = back(fleet(host(releases=(V10, older, V11))))
    assert made.title == "Roll back production: v1.1 → the v1.1 of 3 October 2026, 04:00 UTC"


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


def test_a_host_that_does_not_list_its_migrations_is_not_guessed_at() -> None:
    silent = tuple(replace(release, migrations=None) for release in (V10, V101, V11))
    made = back(fleet(host(releases=silent)))
    assert (made.facts["migrations_left"], made.facts["migrations_left_known"]) == ((), False)


def test_nothing_is_said_of_migrations_where_none_lie_between() -> None:
    same = (replace(V101, migrations=("m1", "m2")), V11)
    facts = back(fleet(host(releases=same))).facts
    assert (facts["migrations_left"], facts["migrations_left_known"]) == ((), True)
    assert facts["way_back"] == "reversible"


def left(**reads: Migration) -> Fleet:
    """Between v1.0 and v1.1 lie m2, which the deploy of v1.1 ran, and m3, of which nobody knows who ran it."""
    releases = (V10, replace(V11, migrations=("m1", "m2", "m3")))
    seen: dict[str, Any] = {"releases": releases, "migrations": ("m1", "m2", "m3"), "ran": {"m2": BLUE}}
    return reading(fleet(host("app1", **seen), host("app2", **seen)), **reads)


UNDONE = replace(ADDS, down=(Finding(14, Effect.LOSES, "drops the table wishes"),))


@pytest.mark.parametrize(
    ("m2", "m3", "way", "said"),
    [
        (
            UNDONE,
            UNDONE,
            "reversible",
            "2 migrations that v1.0 lacks stay in the database; they only add, so v1.0 goes on, and down",
        ),
        (
            UNDONE,
            ADDS,
            "forward-only",
            "2 migrations that v1.0 lacks stay in the database for good; they only add, so v1.0 goes on.",
        ),
    ],
)
def test_what_only_adds_stays_and_the_older_code_goes_on(m2: Migration, m3: Migration, way: str, said: str) -> None:
    made = back(left(m2=m2, m3=m3))
    assert (made.facts["way_back"], made.facts["migrations_left"]) == (way, ("m2", "m3"))
    kind, sentence = told(made)
    assert kind.lower() == way and sentence.startswith(said)


@pytest.mark.parametrize(
    ("on", "said"),
    [
        (
            left(m2=LOSES),
            "v1.0 may break on what is in the database: m2 (line 9: it drops the column email of wishes) ran since. It "
            "needs a restore: in maintenance mode, `zcat /var/backups/chom/database/*_20261101_100000.sql.gz | mariadb "
            "DATABASE` on app1, the backup that was made before (kept for 7 days); what was written since is lost. "
            "That is an operator's work, and no part of a rollback. Afterwards, or to try v1.0 on the database as it "
            "is: `deploy v1.0 to production`.",
        ),
        (left(m3=LOSES), "It needs a restore of a backup from before, and this bot made none then."),
        (left(m2=UNSEEN), "m2 (line 1: it cannot be seen"),
        (left(m2=BREAKS), "Nothing is lost: `php artisan migrate:rollback` on app1 would undo it, and may break"),
        (left(m2=BREAKS, m3=LOSES), "m2 (line 7: it renames the table shops) and m3 (line 9: it drops the column"),
        (
            replace(left(m2=LOSES), environment=replace(left().environment, backup_days=0)),
            "It needs a restore of a backup from before, and this bot made none then.",
        ),
    ],
)
def test_what_the_older_code_may_break_on_is_refused_with_what_a_restore_takes(on: Fleet, said: str) -> None:
    with pytest.raises(CannotPlan) as refused:
        back(on)
    assert said in str(refused.value)


def test_where_an_artifact_is_away_it_is_not_known_and_said() -> None:
    blind = replace(left(), reads={"m2": ADDS})
    made = back(blind)
    assert made.facts["way_back"] == ""
    assert told(made) == (
        "Not known",
        "2 migrations that v1.0 lacks stay in the database, and whether v1.0 goes on with that is not known.",
    )
    with pytest.raises(CannotPlan):
        back(replace(blind, reads={"m2": LOSES}))


def test_what_is_served_lacks_too_needs_no_restore_and_is_not_known() -> None:
    """A deploy that ran m3 was turned back, or a newer version was left: what is served goes on with it as it is."""
    on = fleet(host(migrations=("m1", "m2", "m3"), ran={"m3": "20261120_100000"}))
    made = back(reading(on, m3=LOSES))
    assert (made.facts["way_back"], made.facts["migrations_left"]) == ("", ("m2", "m3"))
    with pytest.raises(CannotPlan, match=r"m2 \(line 9: it drops the column email of wishes\) ran since"):
        back(reading(on, m2=LOSES, m3=LOSES))


def test_of_the_kept_releases_those_are_read_that_have_what_the_target_lacks() -> None:
    assert ACTION.reads(request("rollback", {}), left()) == (V11.sha256,)
    same = (replace(V101, migrations=("m1", "m2")), V11)
    assert ACTION.reads(request("rollback", {}), fleet(host(releases=same))) == ()
    later, past = ("m1", "m2", "m3"), (1_791_500_000,)
    newer = replace(V11, id="20261120_100000", sha256="9" * 64, migrations=later, activated=past)
    gone_back = fleet(host(releases=(V10, V11, newer), migrations=later))
    assert ACTION.reads(request("rollback", {"version": "v1.0"}), gone_back) == (V11.sha256, "9" * 64)


def test_a_deploy_of_an_older_version_says_the_same_and_is_the_way_after_a_restore() -> None:
    older = artifact("v1.0", migrations=("m1",), sha256="0" * 64)
    made = deployed(request(), left(m2=LOSES), older)
    assert (made.facts["older_than"], made.facts["way_back"]) == ("v1.1", "needs a restore")
    kind, sentence = told(made)
    assert kind == "Needs a restore"
    assert sentence == "2 migrations that v1.0 lacks stay in the database, and v1.0 may break on it."
    assert "migrate" not in [step.name for step in made.steps]
    assert rolling(request("rolling", {"by": 100}), left(m2=LOSES), older).facts["batches"] == 1


@pytest.mark.parametrize(
    ("planned", "arguments", "how"), [(canary, {}, "as a canary"), (rolling, {"by": 50}, "in 2 batches")]
)
def test_users_are_not_sent_little_by_little_to_older_code_that_may_break(
    planned: Callable[[Request, Fleet, Artifact | None], Plan], arguments: dict[str, Any], how: str
) -> None:
    older, asked = artifact("v1.0", migrations=("m1",), sha256="0" * 64), request("deploy", arguments)
    with pytest.raises(CannotPlan) as refused:
        planned(asked, left(m2=LOSES), older)
    assert str(refused.value) == (
        f"v1.0 cannot go out {how}: it may break on what is in the database, with users on it: m2 (line 9: it drops "
        "the column email of wishes) ran since. It needs a restore: in maintenance mode, `zcat /var/backups/chom/"
        "database/*_20261101_100000.sql.gz | mariadb DATABASE` on app1, the backup that was made before (kept for 7 "
        "days); what was written since is lost. That is an operator's work, and no part of a deploy. Afterwards, or to "
        "try v1.0 on the database as it is: `deploy v1.0 to production`."
    )
    assert planned(asked, left(m2=ADDS), older).facts["way_back"] == "forward-only"
    assert planned(asked, replace(left(), reads={}), older).facts["way_back"] == "", "not known is said, not refused"
