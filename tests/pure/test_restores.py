"""What older code meets in the database: it goes on, may break and needs a restore, or is not known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from actions.blue_green import plan as deployed
from actions.canary import plan as canary
from actions.engine.across import told
from actions.engine.fleet import Artifact, CannotPlan, Fleet, Request
from actions.engine.migrations import UNSEEN, Effect, Finding, Migration
from actions.engine.plan import Plan
from actions.rollback import ACTION
from actions.rolling import plan as rolling
from tests.pure.going_back import back
from tests.pure.making import (
    ADDS,
    BLUE,
    BREAKS,
    LOSES,
    V10,
    V11,
    V101,
    artifact,
    fleet,
    host,
    reading,
    request,
)


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
