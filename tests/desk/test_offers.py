"""What a form offers and what it is told: newest first, what is live where, quickly whatever the servers do."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actions.engine.fleet import Artifact, CannotPlan
from bot.desk.offers import CERTAIN, Fault, Field, Live, Offers, Wanted
from bot.desk.refusals import busy
from tests.desk.asking import asked
from tests.desk.conftest import BLUE, Room

WANTED = Wanted("v1.2", "production", "blue-green", "the new checkout")


async def listed(offers: Offers, patience: float = 1.0) -> dict[str, tuple[Live, ...]]:
    return {one.version: one.live for one in (await offers.versions(patience)).known}


def serve(room: Room, host: str, version: str, sha256: str) -> None:
    """That host serves another release."""
    release = replace(BLUE, id="20261110_100000", version=version, sha256=sha256)
    room.servers.seen[host] = replace(room.servers.seen[host], current=release.id, releases=(release, BLUE))


async def test_each_version_says_where_it_is_live_and_whether_all_of_it(room: Room) -> None:
    serve(room, "app1", "v1.1", "1" * 64)
    serve(room, "stage1", "v1.2", "other" * 8)
    assert await listed(Offers(room.desk.planning, room.desk.clock)) == {
        "v1.1": (Live("production", whole=False),),
        "v1.2": (Live("staging", same=False),),
    }
    serve(room, "app2", "v1.1", "1" * 64)
    assert (await listed(Offers(room.desk.planning, room.desk.clock)))["v1.1"] == (Live("production"),)


async def test_the_order_is_the_shelves_and_what_cannot_be_typed_is_left_out(room: Room) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    room.shelf.built = {v: Artifact(v, "c" * 40, "d" * 64, 1, (), at) for v in ("v1.3", "main-7", "V1.2", "v1.1")}
    versions = await Offers(room.desk.planning, room.desk.clock).versions()
    assert [one.version for one in versions.known] == ["v1.3", "v1.1"]
    assert versions.known[0].made == at and versions.trouble == "" and versions.unseen == ()


async def test_a_slow_server_costs_the_mark_and_not_the_list(room: Room) -> None:
    free, survey = asyncio.Event(), room.servers.survey

    async def slow(host: str) -> object:
        if host == "stage1":
            await free.wait()
        return await survey(host)

    room.servers.survey = slow  # type: ignore[method-assign]
    offers, begun = Offers(room.desk.planning, room.desk.clock), time.monotonic()
    versions = await offers.versions(0.1)
    assert time.monotonic() - begun < 0.5
    assert versions.unseen == ("staging",) and len(versions.known) == 2
    free.set()
    assert (await offers.versions(1.0)).unseen == ()


async def test_of_an_environment_with_a_dead_server_the_others_are_seen(room: Room) -> None:
    for host in ("app1", "app2"):
        serve(room, host, "v1.1", "1" * 64)
    room.servers.down.add("app1")
    versions = await Offers(room.desk.planning, room.desk.clock).versions()
    assert versions.unseen == ("app1 of production",)
    assert {one.version: one.live for one in versions.known}["v1.1"] == (Live("production", whole=False),)
    assert await room.desk.faults(replace(WANTED, version="v1.1")) == (), "it may not be live on app1"
    room.servers.down.add("app2")
    assert (await Offers(room.desk.planning, room.desk.clock).versions()).unseen == ("production",)


async def test_a_look_that_began_before_something_happened_is_not_joined(room: Room) -> None:
    free, asked, survey = asyncio.Event(), asyncio.Event(), room.servers.survey

    async def slow(host: str) -> object:
        seen, first = await survey(host), not asked.is_set()
        asked.set()
        if first:
            await free.wait()
        return seen

    room.servers.survey = slow  # type: ignore[method-assign]
    surveys = room.desk.offers.surveys
    before = asyncio.create_task(surveys.look("staging"))
    await asked.wait()
    serve(room, "stage1", "v1.2", "2" * 64)
    surveys.expire("staging")
    assert await surveys.look("staging") and surveys.live()[-1].served[0].version == "v1.2"
    free.set()
    assert not await before and surveys.live()[-1].served[0].version == "v1.2"


async def test_everything_is_asked_once_for_many_who_type_and_again_when_it_is_old(room: Room) -> None:
    looks: list[str] = []
    survey = room.servers.survey

    async def counted(host: str) -> object:
        looks.append(host)
        return await survey(host)

    room.servers.survey = counted  # type: ignore[method-assign]
    offers = Offers(room.desk.planning, room.desk.clock)
    await asyncio.gather(*(offers.versions() for _ in range(50)))
    assert sorted(looks) == ["app1", "app2", "stage1"]
    await asyncio.sleep(0.25)
    await offers.versions(fresh=0.2)
    assert len(looks) == 6


async def test_nobody_is_refused_for_what_was_true_a_moment_ago(room: Room) -> None:
    for host in ("app1", "app2"):
        serve(room, host, "v1.1", "1" * 64)
    wanted = replace(WANTED, version="v1.1")
    assert len(await room.desk.faults(wanted)) == 1
    serve(room, "app1", "v1.0", "b" * 64)
    await asyncio.sleep(CERTAIN + 0.1)
    assert await room.desk.faults(wanted) == ()


async def test_no_list_is_a_sentence(room: Room) -> None:
    async def none() -> object:
        raise CannotPlan("The list of versions cannot be had: no answer.")

    room.shelf.versions = none  # type: ignore[method-assign]
    versions = await Offers(room.desk.planning, room.desk.clock).versions()
    assert versions.known == () and versions.trouble == "The list of versions cannot be had: no answer."
    room.shelf.versions = asyncio.Event().wait  # type: ignore[method-assign]
    assert "takes long" in (await Offers(room.desk.planning, room.desk.clock).versions(0.05)).trouble


async def test_what_bursts_is_asked_again(room: Room) -> None:
    versions, room.shelf.versions = room.shelf.versions, None  # type: ignore[method-assign]
    offers = Offers(room.desk.planning, room.desk.clock)
    with pytest.raises(TypeError):
        await offers.versions()
    room.shelf.versions = versions  # type: ignore[method-assign]
    assert len((await offers.versions()).known) == 2


async def test_what_is_right_has_no_fault_and_nothing_is_asked_for(room: Room) -> None:
    assert await room.desk.faults(WANTED) == ()
    assert await room.store.recent() == []


@pytest.mark.parametrize(
    ("wanted", "field", "words"),
    [
        (replace(WANTED, version=""), Field.VERSION, "Choose a version"),
        (replace(WANTED, version="<!channel>"), Field.VERSION, "Choose a version"),
        (replace(WANTED, version="v9.9"), Field.VERSION, "There is no version v9.9 any more"),
        (replace(WANTED, version="v1.0"), Field.VERSION, "There is no version v1.0 any more"),
        (replace(WANTED, environment="moon"), Field.ENVIRONMENT, "no such environment"),
        (replace(WANTED, strategy="yolo"), Field.STRATEGY, "not offered"),
        (replace(WANTED, reason="x" * 501), Field.REASON, "501 characters long; it has at most 500"),
    ],
)
async def test_each_fault_is_said_at_its_field(room: Room, wanted: Wanted, field: Field, words: str) -> None:
    (fault,) = await room.desk.faults(wanted)
    assert fault.field is field and words in fault.said


async def test_all_faults_are_said_at_once(room: Room) -> None:
    faults = await room.desk.faults(Wanted("", "", "x", "y" * 10_000))
    assert [fault.field for fault in faults] == [Field.VERSION, Field.ENVIRONMENT, Field.STRATEGY, Field.REASON]


async def test_what_is_live_everywhere_already_is_said_at_the_version(room: Room) -> None:
    for host in ("app1", "app2"):
        serve(room, host, "v1.1", "1" * 64)
    (fault,) = await room.desk.faults(replace(WANTED, version="v1.1"))
    assert fault == Fault(Field.VERSION, "v1.1 is live on production already.")


async def test_a_busy_environment_is_said_at_the_environment(room: Room) -> None:
    view = await asked(room, "deploy v1.2 to staging")
    (fault,) = await room.desk.faults(replace(WANTED, environment="staging"))
    assert fault == Fault(Field.ENVIRONMENT, busy(view).said) and "staging has been running since" in fault.said


REASONS = (
    "plain",
    "two words",
    'she said "now"',
    "it's Dana's",
    "\"both\" it's 'both' \"",
    "“typographic” and ‘single’ ",
    '"',
    "' \" ' \"",
    "reason=other to staging",
    "several\nlines\n\nof it",
    "a\u202eb\x00c",
    "<!channel> `x` *y*",
)


async def test_a_form_that_raises_the_category_says_it_as_it_is_typed(room: Room) -> None:
    assert room.desk.planning.match(replace(WANTED, category="3").text).category == 3
    assert room.desk.planning.match(WANTED.text).category == 0


@pytest.mark.parametrize("reason", REASONS)
async def test_what_a_form_holds_reads_as_if_it_had_been_typed(room: Room, reason: str) -> None:
    matched = room.desk.planning.match(replace(WANTED, environment="staging", reason=reason).text)
    assert matched.action.name == "deploy" and matched.environment == "staging"
    assert matched.arguments == {"version": "v1.2"}
    seen = " ".join(reason.replace("\x00", "").replace("\u202e", "").split())
    assert re.sub("[\"'“”‘’]", "", matched.reason) == re.sub("[\"'“”‘’]", "", seen)


async def test_a_reason_keeps_its_quotation_marks_where_it_can(room: Room) -> None:
    for reason in ('she said "now"', "it's Dana's", "say “hello” to Dana's team"):
        assert room.desk.planning.match(replace(WANTED, reason=reason).text).reason == reason


async def test_rejecting_twice_is_rejecting_once_and_the_first_reason_stands(room: Room) -> None:
    view = await asked(room)
    change, digest, lead = view.change.id, view.change.digest, room.who("lead")
    both = await asyncio.gather(*(room.desk.reject(change, digest, lead, "unix:lead", "not today") for _ in range(5)))
    assert {one.verdict.said for one in both} == {"Lena rejected it: not today."}
    again = await room.desk.reject(change, digest, lead, "unix:lead", "another reason")
    assert [said.reason for said in again.approvals] == ["not today"]


async def test_what_goes_on_is_known_without_asking_a_server(room: Room) -> None:
    waiting = await asked(room)
    running = await asked(room, "deploy v1.2 to staging")
    room.servers.down |= {"app1", "app2", "stage1"}
    assert [view.change.id for view in await room.desk.going_on()] == [running.change.id, waiting.change.id]
    await room.desk.stop(waiting.change.id, room.who("dev"))
    assert [view.change.id for view in await room.desk.going_on()] == [running.change.id]
