"""What is written down of who decided what, and the ways around the desk that do not work, on a real Redis."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.engine.fleet import Release
from actions.engine.journal import Ended, Outcome
from bot.desk.desk import Refusal
from bot.desk.roster import Roster
from bot.desk.view import ChangeView
from bot.store.decisions import MOST_REFUSED, Act, Decision
from policies.change import Account, ChangeType, Person, Refused, Role, Waiting, Why
from policies.explain import lines
from tests.desk.asking import approved, asked, refused
from tests.desk.conftest import BLUE, OLD, Room


async def acts(room: Room, view: ChangeView | None = None) -> list[tuple[Act, str]]:
    return [(one.act, one.person) for one in await room.store.decisions(view.change.id if view else "")]


def known(room: Room, *people: Person) -> None:
    """As if chom.toml said so from now on."""
    roster = Roster({**room.desk.people, **{person.id: person for person in people}})
    room.desk.roster = roster
    room.desk.looking = replace(room.desk.looking, roster=roster)
    room.desk.__post_init__()


# --- written down --------------------------------------------------------


async def test_every_decision_is_written_with_who_when_of_what_and_under_which_rules(room: Room) -> None:
    view = await asked(room)
    room.clock.later(minutes=3)
    await refused(approved(room, view, "devops"))
    await approved(room, view)
    asked_, refused_, given, started = await room.store.decisions(view.change.id)
    assert [one.act for one in (asked_, refused_, given, started)] == [
        Act.ASKED,
        Act.REFUSED,
        Act.APPROVED,
        Act.STARTED,
    ]
    assert (given.person, given.account, given.at) == ("lead", "unix:lead", room.clock.now())
    assert {one.digest for one in (asked_, refused_, given, started)} == {view.change.digest}
    assert {one.rules for one in (asked_, refused_, given, started)} == {room.desk.rules.sha256}
    assert refused_.said.startswith("approve: Only a Tech Lead can decide this.")
    assert asked_.said == "deploy v1.2"


async def test_rejected_withdrawn_and_void_are_written(room: Room) -> None:
    rejected = await asked(room)
    await room.desk.reject(rejected.change.id, rejected.change.digest, room.who("lead"), "unix:lead", "not today")
    withdrawn = await asked(room)
    await room.desk.stop(withdrawn.change.id, room.who("dev"), "unix:dev")
    void = await asked(room)
    room.servers.seen["app2"] = replace(room.servers.seen["app2"], current=OLD.id)
    await refused(approved(room, void))
    assert (await acts(room, rejected))[1:] == [(Act.REJECTED, "lead")]
    assert (await acts(room, withdrawn))[1:] == [(Act.WITHDRAWN, "dev")]
    assert [act for act, _ in await acts(room, void)] == [Act.ASKED, Act.APPROVED, Act.VOID, Act.REFUSED]


async def test_what_never_became_a_change_is_written_too_and_no_secret_is(room: Room) -> None:
    await refused(asked(room, 'deploy v9.9 reason="token=hunter2hunter2"'))
    (one,) = await room.store.decisions("")
    assert one.act is Act.REFUSED and one.person == "dev" and "There is no version v9.9" in one.said
    assert "hunter2" not in one.said and "[secret]" in one.said


async def test_a_thousand_refused_clicks_are_not_kept_and_a_decision_after_them_is(room: Room) -> None:
    view = await asked(room)
    filler = Decision(Act.REFUSED, view.change.id, "dev", "", room.clock.now(), "", "", "no")
    for n in range(MOST_REFUSED + 20):
        await room.store.decide(replace(filler, token=str(n)))
    await approved(room, view)
    told = await acts(room, view)
    assert len(told) == MOST_REFUSED + 2 and told[-2:] == [(Act.APPROVED, "lead"), (Act.STARTED, "lead")]


async def test_a_decision_whose_answer_was_lost_is_written_once(room: Room) -> None:
    one = Decision(Act.REFUSED, "", "dev", "", room.clock.now(), "", "", "no", "t1")
    for _ in range(3):
        await room.store.decide(one)
    assert await room.store.decisions("") == (one,)


# --- the same twice, and again -------------------------------------------


async def test_the_same_request_twice_points_to_the_first(room: Room) -> None:
    view = await asked(room)
    for who, text in (("dev", 'deploy v1.2 reason="now, please"'), ("tom", "deploy v1.2 to production")):
        with pytest.raises(Refusal) as twice:
            await asked(room, text, who)
        assert twice.value.change == view.change.id
        assert twice.value.said.startswith("Dana asked for the same ") and "second time" in twice.value.said
    assert await room.store.waiting() == [view.change.id]
    assert (await asked(room, "deploy v1.1")).change.id != view.change.id


async def test_of_two_who_ask_for_the_same_at_once_one_does(room: Room) -> None:
    tries = await asyncio.gather(*(asked(room, who=who) for who in ("dev", "tom")), return_exceptions=True)
    (view,) = [one for one in tries if isinstance(one, ChangeView)]
    assert await room.store.waiting() == [view.change.id]


async def test_what_is_over_does_not_stand_in_the_way(room: Room) -> None:
    lapsed = await asked(room)
    room.clock.later(hours=5)
    again = await asked(room)
    assert await room.store.waiting() == [again.change.id] != [lapsed.change.id]


async def test_what_is_void_is_asked_for_again_once(room: Room) -> None:
    view = await asked(room)
    room.servers.seen.update({n: replace(room.servers.seen[n], current=OLD.id) for n in ("app1", "app2")})
    assert "serves v0.9 now" in await refused(approved(room, view))
    again = [room.desk.again(view.change.id, room.who(who), f"unix:{who}") for who in ("lead", "tom", "dev")]
    tries = await asyncio.gather(*again, return_exceptions=True)
    (new,) = [one for one in tries if isinstance(one, ChangeView)]
    said = [str(one) for one in tries if isinstance(one, Refusal)]
    assert len(said) == 2 and all("asked for" in one for one in said)
    assert new.change.text == view.change.text and new.change.digest != view.change.digest
    assert new.change.requester in ("lead", "tom", "dev")
    later = await refused(room.desk.again(view.change.id, room.who("devops"), ""))
    assert "has asked for it again already" in later


async def test_only_what_is_over_can_be_asked_for_again(room: Room) -> None:
    view = await asked(room)
    assert "is not over" in await refused(room.desk.again(view.change.id, room.who("lead"), ""))


# --- attacks -------------------------------------------------------------


async def test_the_requesters_second_account_approves_nothing(room: Room) -> None:
    lead = room.desk.person(Account("T0CHOM", "U0LEADTWO"))
    view = await asked(room, who="lead")
    job = room.desk.approve(view.change.id, view.change.digest, lead, "T0CHOM:U0LEADTWO")
    assert "You asked for this yourself" in await refused(job)
    assert (await acts(room, view))[-1] == (Act.REFUSED, "lead")


async def test_a_display_name_twin_is_another_person(room: Room) -> None:
    twin = Person("twin", "Lena", frozenset(), (Account("T0CHOM", "U0TWIN"),), ("twin",))
    known(room, twin)
    view = await asked(room)
    assert "Only a Tech Lead can decide this." in await refused(approved(room, view, "twin"))
    assert room.work.runs == []


async def test_a_role_lost_while_the_servers_are_looked_at_starts_nothing(room: Room) -> None:
    view = await asked(room)
    survey, lost = room.servers.survey, replace(room.who("lead"), roles=frozenset({Role.TEAM}))

    async def slow(host: str) -> object:
        known(room, lost)
        return await survey(host)

    room.servers.survey = slow  # type: ignore[method-assign,assignment]
    now = await approved(room, view)
    assert isinstance(now.verdict, Waiting) and not now.run.opened
    assert room.work.runs == [] and await room.store.open_runs() == []


async def test_a_tag_that_was_moved_after_the_approval_starts_nothing(room: Room) -> None:
    view = await asked(room)
    room.shelf.built["v1.2"] = replace(room.shelf.built["v1.2"], commit="9" * 40, sha256="9" * 64)
    assert "v1.2 was built again since this was asked" in await refused(approved(room, view))
    dead = await room.desk.view(view.change.id)
    assert isinstance(dead.verdict, Refused) and dead.verdict.why is Why.VOID
    assert "Nothing was started." in await refused(approved(room, view, "tom"))


async def test_a_click_on_an_old_plan_or_a_replayed_one_changes_nothing(room: Room) -> None:
    view = await asked(room)
    job = room.desk.approve(view.change.id, "0" * 64, room.who("lead"), "unix:lead")
    assert "another plan" in await refused(job)
    await approved(room, view)
    assert "was approved already" in await refused(approved(room, view))
    assert room.work.runs == [view.change.id]


async def test_two_clicks_in_the_same_millisecond_start_it_once(room: Room) -> None:
    view = await asked(room)
    clicks = [approved(room, view, who) for who in ("lead", "tom", "lead", "tom")]
    await asyncio.gather(*clicks, return_exceptions=True)
    assert room.work.runs == [view.change.id]
    started = [act for act, _ in await acts(room, view) if act is Act.STARTED]
    assert started == [Act.STARTED]


async def test_a_clock_that_is_set_back_does_not_make_an_approval_last(room: Room) -> None:
    view = await asked(room)
    room.servers.down = {"app1"}
    await refused(approved(room, view))
    room.clock.later(hours=3)
    assert (await room.desk.view(view.change.id)).verdict.kind == "allowed"
    room.clock.later(hours=2)
    await room.desk.lapse(view.change.id)
    room.clock.later(hours=-4)
    assert isinstance((await room.desk.view(view.change.id)).verdict, Refused)


# --- standard changes and emergencies ------------------------------------


async def test_a_rollback_by_somebody_with_a_role_takes_one_person(room: Room) -> None:
    view = await asked(room, "rollback", "devops")
    assert view.change.requirement.type is ChangeType.STANDARD and room.work.runs == []
    assert (await approved(room, view, "devops")).run.opened


async def test_a_rollback_from_the_button_is_request_and_approval_at_once(room: Room) -> None:
    view = await room.desk.at_once("rollback on production", room.who("devops"), "unix:devops")
    assert view.run.opened and [a.person for a in view.approvals] == ["devops"]
    assert [act for act, _ in await acts(room, view)] == [Act.ASKED, Act.APPROVED, Act.STARTED]


async def test_who_may_not_let_it_through_only_asks_for_it(room: Room) -> None:
    view = await room.desk.at_once("rollback on production", room.who("dev"), "unix:dev")
    assert isinstance(view.verdict, Waiting) and not view.approvals


async def test_a_rollback_that_leaves_a_migration_behind_is_no_standard_change(room: Room) -> None:
    newer = Release("20261110_100000", "v1.2", "e" * 40, "e" * 64, (1_794_000_000,), ("m1",))
    for name in ("app1", "app2"):
        seen = room.servers.seen[name]
        room.servers.seen[name] = replace(seen, current=newer.id, releases=(newer, BLUE), migrations=("m1",))
    view = await room.desk.at_once("rollback on production", room.who("lead"), "unix:lead")
    assert view.change.requirement.type is ChangeType.NORMAL and isinstance(view.verdict, Waiting)


async def test_an_emergency_is_let_through_by_one_and_written_as_an_override(room: Room) -> None:
    view = await asked(room, 'deploy v1.2 emergency="The checkout is down"', "devops")
    assert view.change.emergency == "The checkout is down"
    assert "Emergency: The checkout is down." in view.verdict.said
    started = await approved(room, view, "devops")
    assert started.run.opened
    one = (await room.store.decisions(view.change.id))[-1]
    assert one.act is Act.OVERRIDDEN and one.said == "Emergency: The checkout is down. Nothing is bypassed."


async def test_what_is_over_says_so_and_how_and_speaks_of_no_lapse(room: Room) -> None:
    rejected, withdrawn = await asked(room), await asked(room, "deploy v1.1")
    await room.desk.reject(rejected.change.id, rejected.change.digest, room.who("lead"), "unix:lead", "not today")
    await room.desk.stop(withdrawn.change.id, room.who("dev"))
    run = await asked(room)
    await approved(room, run)

    async def who(view: ChangeView) -> str:
        tree = (await room.desk.view(view.change.id)).tree
        told = "\n".join(lines(tree))
        assert "lapses" not in told and "can approve" not in told and "Still needs" not in told
        return told

    assert (await who(rejected)).startswith("✗ It is over. Lena rejected it: not today.")
    assert (await who(withdrawn)).startswith("✗ It is over. Dana withdrew the request before it started")
    assert (await who(run)).startswith("· It has been under way since ")
    await room.store.append(run.change.id, 1, [Ended(room.clock.now(), Outcome.DONE, "v1.2 is live.")], None)
    room.clock.later(hours=9)
    over = await who(run)
    assert over.startswith("· It is over. v1.2 is live.") and "· Lena approved it " in over


async def test_who_may_not_decide_hears_once_who_may(room: Room) -> None:
    view = await asked(room)
    for who in ("dev", "devops"):
        said = await refused(approved(room, view, who))
        assert said.count("Lena") == 1 and "Waiting for a Tech Lead: Lena or Tom." in said


async def test_an_emergency_lapses_after_half_an_hour(room: Room) -> None:
    view = await asked(room, 'deploy v1.2 emergency="The checkout is down"')
    room.clock.later(minutes=31)
    assert "within 30 minutes" in await refused(approved(room, view))


async def test_there_is_no_emergency_where_nobody_approves(room: Room) -> None:
    said = await refused(asked(room, 'deploy v1.2 to staging emergency="why"'))
    assert said == "Staging needs no approval. So it is no emergency: leave emergency= out. Nothing was asked for."
