"""What a person may ask and decide, on a real Redis: each refusal is a sentence, and one change starts once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.engine.fleet import Release
from actions.engine.journal import Asked, Ended, Outcome, Took
from bot.desk.desk import Refusal
from policies.change import Account, Refused, Waiting, Why
from tests.desk.asking import approved, asked, refused
from tests.desk.conftest import BLUE, OLD, Room


def other_rules(room: Room) -> None:
    rules = replace(room.desk.rules, sha256="0" * 64)
    room.desk.asking = replace(room.desk.asking, rules=rules)


async def test_a_request_waits_for_a_tech_lead_and_starts_on_the_approval(room: Room) -> None:
    view = await asked(room)
    assert isinstance(view.verdict, Waiting)
    assert "Lena" in view.verdict.said and "Tom" in view.verdict.said and "Dana" not in view.verdict.said
    assert room.work.runs == []
    started = await approved(room, view)
    assert started.run.opened is not None
    assert started.run.opened.by == "lead"
    assert room.work.runs == [view.change.id]


async def test_preview_stores_and_starts_nothing(room: Room) -> None:
    view = await room.desk.preview("deploy v1.2", room.who("dev"))
    assert view.change.plan.version == "v1.2" and room.servers.ready == set()
    assert await room.store.waiting("production") == []
    assert "There is no change" in await refused(room.desk.view(view.change.id))


async def test_servers_are_ready_for_what_was_asked_for(room: Room) -> None:
    down, ready = room.desk.planning.environments["production"].hosts
    await asked(room, "rollback")
    assert room.servers.ready == set(), "it uploads nothing"
    room.servers.unready.add(down)
    await asked(room)
    assert room.servers.ready == {ready}, "nobody is told of one that cannot be"


async def test_the_requester_never_approves_not_even_with_the_role(room: Room) -> None:
    view = await asked(room, who="lead")
    assert "you asked" in (await refused(approved(room, view))).lower()
    assert (await approved(room, view, "tom")).run.opened


async def test_who_has_no_role_does_not_count(room: Room) -> None:
    view = await asked(room)
    assert "Tech Lead" in await refused(approved(room, view, "devops"))
    assert room.work.runs == []


async def test_an_unknown_account_is_told_so(room: Room) -> None:
    assert room.desk.person(Account("T0CHOM", "U0LEADTWO")).id == "lead"
    with pytest.raises(Refusal, match=r"T9:U1"):
        room.desk.person(Account("T9", "U1"))


async def test_a_stale_digest_is_refused(room: Room) -> None:
    view = await asked(room)
    job = room.desk.approve(view.change.id, "0" * 64, room.who("lead"), "unix:lead")
    assert "another plan" in await refused(job)


@pytest.mark.parametrize(
    ("move", "said"),
    [
        (lambda room: room.shelf.built.update({"v1.2": replace(room.shelf.built["v1.2"], sha256="9" * 64)}), "built"),
        (lambda room: room.servers.seen.update(app2=replace(room.servers.seen["app2"], current="")), "app2 serves"),
        (lambda room: room.servers.seen.update(app1=replace(room.servers.seen["app1"], key="SHA256:x")), "host key"),
        (lambda room: other_rules(room), "rules changed"),
    ],
    ids=["artifact", "release", "host key", "rules"],
)
async def test_what_moved_between_request_and_start_voids_the_approval(room: Room, move: object, said: str) -> None:
    view = await asked(room)
    move(room)  # type: ignore[operator]
    assert said in await refused(approved(room, view))
    now = await room.desk.view(view.change.id)
    assert isinstance(now.verdict, Refused) and now.verdict.why is Why.VOID
    assert now.run.opened is None and room.work.runs == []
    assert await room.store.waiting("production") == []


async def test_disk_load_and_fence_void_nothing(room: Room) -> None:
    view = await asked(room)
    room.servers.seen["app1"] = replace(room.servers.seen["app1"], disk_free=10**11, fence=99)
    assert (await approved(room, view)).run.opened


async def test_a_thousand_clicks_and_two_people_at_once_are_one_start(room: Room) -> None:
    view = await asked(room)
    clicks = [approved(room, view, "lead" if n % 2 else "tom") for n in range(1000)]
    await asyncio.gather(*clicks, return_exceptions=True)
    assert room.work.runs == [view.change.id]
    assert len(await room.store.read(view.change.id)) == 1
    approvals, _ = await room.store.approvals(view.change.id)
    assert sorted({a.person for a in approvals}) in (["lead"], ["tom"], ["lead", "tom"])
    assert len(approvals) == len({a.person for a in approvals})


async def test_a_second_change_is_told_who_has_the_environment(room: Room) -> None:
    first = await asked(room)
    second = await asked(room, "deploy v1.1", who="tom")
    await approved(room, first)
    said = await refused(asked(room, "deploy v1.1"))
    assert "Dana" in said and "v1.2" in said
    assert "Dana" in await refused(approved(room, second))
    with pytest.raises(Refusal) as caught:
        await asked(room, "rollback")
    assert caught.value.change == first.change.id


THREE = (("deploy v1.2", "dev"), ("deploy v1.2 category=1", "tom"), ("deploy v1.1", "devops"))


async def test_requests_of_one_second_have_a_second_each_and_wait_for_their_turn(room: Room) -> None:
    first, *others = await asyncio.gather(*(asked(room, text, who) for text, who in THREE))
    releases = {str(view.change.plan.facts["release"]) for view in (first, *others)}
    assert releases == {"20261123_120000", "20261123_120001", "20261123_120002"}
    await approved(room, first)
    said = await refused(approved(room, others[0]))
    assert "Deploy v1.2 to production" in said and "is running, for Dana. This one stays ready: press Start now" in said
    assert not isinstance((await room.desk.view(others[0].change.id)).verdict, Refused)
    fence = await room.store.take_fence("production", 0)
    ended = Ended(room.clock.now(), Outcome.DONE, "v1.2 is live on production.")
    await room.store.append(first.change.id, 1, [Took(room.clock.now(), fence, "w"), ended], fence)
    live = Release("20261123_120000", "v1.2", "2" * 40, "2" * 64, (1_795_435_200,), ())
    for name, seen in room.servers.seen.items():
        room.servers.seen[name] = replace(seen, current=live.id, releases=(live, *seen.releases))
    assert "v1.2 is already live on production" in await refused(approved(room, others[0]))
    now = await room.desk.view(others[0].change.id)
    assert isinstance(now.verdict, Refused) and now.verdict.why is Why.VOID


async def test_a_server_that_does_not_answer_at_the_start_voids_nothing(room: Room) -> None:
    view = await asked(room)
    room.servers.down.add("app2")
    assert "app2" in await refused(approved(room, view))
    room.servers.down.clear()
    assert (await approved(room, view)).run.opened


async def test_a_rollback_whose_turn_is_over_is_told_what_is_served_now(room: Room) -> None:
    older = Release("20260901_100000", "v0.8", "a" * 40, "e" * 64, (1_780_000_000,), ())
    for name, seen in room.servers.seen.items():
        room.servers.seen[name] = replace(seen, releases=(*seen.releases, older))
    view = await asked(room, "rollback")
    for name, seen in room.servers.seen.items():
        back = replace(OLD, activated=(*OLD.activated, 1_794_000_000))
        room.servers.seen[name] = replace(seen, current=OLD.id, releases=(BLUE, back, older))
    said = await refused(approved(room, view))
    assert said.startswith("production serves v0.9 now, which it did not when this was asked, so this plan no longer")


async def test_an_answer_counts_once_and_only_while_it_is_asked(room: Room) -> None:
    id_ = (await approved(room, await asked(room))).change.id
    fence = await room.store.take_fence("production", 0)
    took = Took(room.clock.now(), fence, "w")
    question = Asked(room.clock.now(), "migrate", "app1", "The host lost it. What now?", ("try again", "turn back"))
    await room.store.append(id_, 1, [took, question], fence)
    assert "none of them" in await refused(room.desk.answer(id_, "migrate", "app1", "perhaps", room.who("lead")))
    assert "has to answer" in await refused(room.desk.answer(id_, "migrate", "app1", "turn back", room.who("dev")))
    view = await room.desk.answer(id_, "migrate", "app1", "turn back", room.who("lead"))
    assert view.run.question is None
    late = await refused(room.desk.answer(id_, "migrate", "app1", "try again", room.who("tom")))
    assert late.startswith("Lena has answered it already: “turn back” (")


async def test_a_host_that_is_down_is_named_with_what_was_tried(room: Room) -> None:
    room.servers.down.add("app2")
    said = await refused(asked(room))
    assert "app2" in said and "ssh ops@10.0.0.1:22" in said and "Nothing was changed" in said
    (status,) = await room.desk.status("production")
    assert status.fleet and [host.name for host in status.fleet.hosts] == ["app1"] and "app2" in status.trouble


async def test_a_version_that_does_not_exist_names_those_that_do(room: Room) -> None:
    said = await refused(asked(room, "deploy v7"))
    assert "v1.1" in said and "v1.2" in said


@pytest.mark.parametrize(
    "text", ["deploy v1.2; rm -rf /", "deploy --flag", "deploy ../x", "deploy $(x)", "x" * 10_000, "deploy \u202ev1.2x",
             "deploy <!channel>", "<!channel>", "deploy v1.2 reason=", "", "deplyo v1.2"],
)  # fmt: skip
async def test_hostile_and_mistyped_text_is_a_sentence_and_nothing_else(room: Room, text: str) -> None:
    said = await refused(asked(room, text))
    assert 10 < len(said) < 1000
    assert "<!channel>" not in said and "\u202e" not in said
    assert await room.store.recent("", 10) == []


async def test_rollback_goes_to_the_release_before(room: Room) -> None:
    view = await asked(room, "rollback")
    assert view.change.plan.version == "v0.9"
    assert BLUE.version in view.change.plan.title


async def test_history_lists_what_was_started_newest_first(room: Room) -> None:
    first = await approved(room, await asked(room))
    fence = await room.store.take_fence("production", 0)
    ended = Ended(room.clock.now(), Outcome.TURNED_BACK, "v1.2 is not live.")
    await room.store.append(first.change.id, 1, [ended], fence)
    room.clock.later(minutes=1)
    await asked(room, "deploy v1.1")
    room.clock.later(minutes=1)
    second = await asked(room, "deploy v1.1 to staging")
    past = await room.desk.history()
    assert [one.view.change.id for one in past] == [second.change.id, first.change.id]
    assert "no environment" in await refused(room.desk.history("moon"))
