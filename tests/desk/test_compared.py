"""What a version changes against what is served is in its plan, or it is said why that is not known."""

from __future__ import annotations

from dataclasses import replace

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact
from tests.desk.asking import approved, asked
from tests.desk.conftest import BLUE, OLD, Room


async def test_what_a_version_changes_against_what_is_served_is_in_its_plan(room: Room) -> None:
    new, live = {"app/a.php": ("1", 3), "config/app.php": ("1", 3)}, {"app/a.php": ("1", 3)}
    room.shelf.kept = {"2" * 64: Contents(new), BLUE.sha256: Contents(live)}
    facts = (await asked(room)).change.plan.facts
    assert (facts["unknown"], facts["changed"]) == ("", ("config/app.php",))
    assert facts["destructive"] == ("2026_10_01_000000_add_orders",), "its file is not among the contents"


async def test_what_is_served_and_cannot_be_looked_into_is_said(room: Room) -> None:
    room.shelf.kept = {"2" * 64: Contents(), "1" * 64: Contents()}
    facts = (await asked(room)).change.plan.facts
    assert facts["unknown"] == (
        "what it changes is not known (v1.0: its artifact (bbbbbbbbbbbb…) is no longer there: put it back)"
    )


async def test_what_was_there_before_the_bot_is_known_by_the_artifact_of_its_commit(room: Room) -> None:
    """As `host adopt` leaves it; where there is none, what can be done is said."""
    room.shelf.kept = {"2" * 64: Contents({"app/a.php": ("1", 3)}), BLUE.sha256: Contents()}
    not_known = "what it changes is not known: v1.0 was there before the bot and has no artifact"
    once = "have it approved so this once, and the next is compared with it"
    for commit, said in (
        ("0" * 40, f"{not_known}, nor is its commit known; {once}"),
        (BLUE.commit, f"{not_known}; pack its commit {BLUE.commit[:10]} and ask again, or {once}"),
    ):
        for name, seen in room.servers.seen.items():
            room.servers.seen[name] = replace(seen, releases=(replace(BLUE, sha256="", commit=commit), OLD))
        assert (await room.desk.preview("deploy v1.2", room.who("dev"))).change.plan.facts["unknown"] == said
    room.shelf.built["v1.0"] = Artifact("v1.0", BLUE.commit, BLUE.sha256, 1_000_000, ())
    facts = (await asked(room)).change.plan.facts
    assert (facts["unknown"], facts["changed"], facts["by_commit"]) == ("", ("app/a.php",), ("v1.0",))


async def test_a_server_that_serves_what_it_does_not_list_is_no_server_without_a_release(room: Room) -> None:
    room.shelf.kept = {"2" * 64: Contents()}
    for name, seen in room.servers.seen.items():
        room.servers.seen[name] = replace(seen, releases=(OLD,))
    facts = (await room.desk.preview("deploy v1.2", room.who("dev"))).change.plan.facts
    assert "a server serves what it does not list" in str(facts["unknown"])


async def test_what_is_compared_is_no_part_of_what_is_approved(room: Room) -> None:
    view = await asked(room)
    room.shelf.kept = {"2" * 64: Contents(), BLUE.sha256: Contents()}
    assert (await approved(room, view)).run.opened is not None
