"""What a person may ask and decide, on a real Redis: each refusal is a sentence, and one change starts once."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from actions.engine.contents import Contents
from actions.engine.fleet import Artifact, Release
from actions.engine.journal import Asked, Done, Ended, Outcome, Started, StopAsked, Took, Way
from actions.engine.plan import Do
from bot.desk.desk import Refusal
from bot.desk.view import ChangeView
from policies.change import Account, Refused, Role, Waiting, Why
from policies.rules import parse_rules
from tests.desk.conftest import BLUE, OLD, Room
from tests.support.rules import ONE_LEAD_RULE, SHIPPED_TEXT, without_rules


async def asked(room: Room, text: str = "deploy v1.2", who: str = "dev") -> ChangeView:
    return await room.desk.propose(text, room.who(who))


async def approved(room: Room, view: ChangeView, who: str = "lead") -> ChangeView:
    return await room.desk.approve(view.change.id, view.change.digest, room.who(who), f"unix:{who}")


def other_rules(room: Room) -> None:
    rules = replace(room.desk.rules, sha256="0" * 64)
    room.desk.asking = replace(room.desk.asking, rules=rules)


async def refused(job: object) -> str:
    with pytest.raises(Refusal) as caught:
        await job  # type: ignore[misc]
    return caught.value.said


async def test_a_request_waits_for_a_tech_lead_and_starts_on_the_approval(room: Room) -> None:
    view = await asked(room)
    assert isinstance(view.verdict, Waiting)
    assert "Lena" in view.verdict.said and "Tom" in view.verdict.said and "Dana" not in view.verdict.said
    assert room.work.runs == []
    started = await approved(room, view)
    assert started.run.opened is not None
    assert started.run.opened.by == "lead"
    assert room.work.runs == [view.change.id]


async def test_staging_needs_nobody(room: Room) -> None:
    view = await asked(room, "deploy v1.2 to staging")
    assert view.run.opened is not None
    assert room.work.runs == [view.change.id]


async def left_waiting(room: Room) -> ChangeView:
    """Asked for by Dana together with another one, which was first, runs, and is turned back."""
    texts = ("deploy v1.2 to staging", "deploy v1.1 to staging")
    await asyncio.gather(*(asked(room, text) for text in texts), return_exceptions=True)
    (runs,), (waits,) = await room.store.open_runs(), await room.store.waiting("staging")
    fence = await room.store.take_fence("staging", 0)
    ended = Ended(room.clock.now(), Outcome.TURNED_BACK, "It was turned back.")
    await room.store.append(runs, 1, [ended], fence)
    return await room.desk.view(waits)


@pytest.mark.parametrize("who", ["dev", "lead", "devops"])
async def test_what_nobody_has_to_approve_and_was_second_is_started_by_hand(room: Room, who: str) -> None:
    view = await left_waiting(room)
    started = await approved(room, view, who)
    assert started.run.opened and started.run.opened.by == who
    assert started.approvals == ()
    assert "has started and is under way" in await refused(approved(room, view, who))
    assert await room.store.open_runs() == [view.change.id]


@pytest.mark.parametrize("who", ["dev", "lead", "devops"])
async def test_what_nobody_has_to_approve_and_was_second_is_rejected(room: Room, who: str) -> None:
    view = await left_waiting(room)
    for _ in range(2):
        now = await room.desk.reject(view.change.id, view.change.digest, room.who(who), f"unix:{who}", "not today.")
        assert now.verdict == Refused(f"{room.who(who).name} rejected it: not today.", Why.REJECTED)
    assert "rejected it: not today." in await refused(approved(room, view))
    assert await room.store.waiting() == [] == await room.store.open_runs()


async def test_what_nobody_has_to_approve_and_nobody_started_lapses(room: Room) -> None:
    view = await left_waiting(room)
    room.clock.later(hours=5)
    assert (await room.desk.view(view.change.id)).verdict.said == "It was not started within 4 hours."


async def test_what_nobody_has_to_approve_is_not_for_everybody_to_start_or_reject(room: Room) -> None:
    view = await left_waiting(room)
    tom = replace(room.who("tom"), roles=frozenset())
    digest, said = view.change.digest, "Only Dana or somebody with a role, such as a Tech Lead, can start or reject"
    assert said in await refused(room.desk.approve(view.change.id, digest, tom, "unix:tom"))
    assert said in await refused(room.desk.reject(view.change.id, digest, tom, "unix:tom"))
    assert await room.store.waiting("staging") == [view.change.id]


async def test_preview_stores_and_starts_nothing(room: Room) -> None:
    view = await room.desk.preview("deploy v1.2", room.who("dev"))
    assert view.change.plan.version == "v1.2"
    assert await room.store.waiting("production") == []
    assert "There is no change" in await refused(room.desk.view(view.change.id))


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


@pytest.mark.parametrize(("given", "kept"), [("   ", ""), ("\n\u200b ", ""), (" not today \n", "not today")])
async def test_a_reason_of_nothing_that_can_be_seen_is_none(room: Room, given: str, kept: str) -> None:
    view = await asked(room)
    rejected = await room.desk.reject(view.change.id, view.change.digest, room.who("lead"), "unix:lead", given)
    assert [said.reason for said in rejected.approvals] == [kept]


async def test_a_reject_ends_it_and_says_who(room: Room) -> None:
    view = await asked(room)
    room_view = await room.desk.reject(view.change.id, view.change.digest, room.who("lead"), "unix:lead", "not today")
    assert isinstance(room_view.verdict, Refused)
    assert "Lena" in room_view.verdict.said and "not today" in room_view.verdict.said
    assert "Lena" in await refused(approved(room, view, "tom"))


async def test_a_request_nobody_answers_expires(room: Room) -> None:
    view = await asked(room)
    room.clock.later(hours=4, seconds=1)
    assert "within 4 hours" in await refused(approved(room, view))
    assert room.work.runs == []


async def test_stop_withdraws_what_waits_and_turns_back_what_runs(room: Room) -> None:
    waiting = await asked(room)
    withdrawn = await room.desk.stop("", room.who("dev"))
    assert withdrawn.change.id == waiting.change.id
    assert isinstance(withdrawn.verdict, Refused) and "withdrew" in withdrawn.verdict.said
    running = await approved(room, await asked(room))
    await room.desk.stop("", room.who("devops"))
    for who in ("devops", "lead"):
        assert "Omar has pressed Stop (2026-11-23T12:00:00Z), and it is stopping." in await refused(
            room.desk.stop("", room.who(who))
        )
    entries = await room.store.read(running.change.id)
    assert [type(entry) for entry in entries[1:]] == [StopAsked]


async def test_somebody_elses_request_is_withdrawn_only_by_its_id(room: Room) -> None:
    waiting = await asked(room)
    said = await refused(room.desk.stop("", room.who("lead")))
    assert "asked for by Dana" in said and f"`stop {waiting.change.id}`" in said
    assert await room.store.waiting("production") == [waiting.change.id]
    withdrawn = await room.desk.stop(waiting.change.id, room.who("lead"))
    assert withdrawn.verdict.said == "Lena withdrew Dana's request before it started (2026-11-23T12:00:00Z)."


async def test_a_stop_that_comes_too_late_says_so_at_once(room: Room) -> None:
    view = await approved(room, await asked(room))
    id_, now = view.change.id, room.clock.now()
    fence = await room.store.take_fence("production", 0)
    await room.store.append(id_, 1, [Took(now, fence, "w")], fence)
    must = [step for step in view.change.plan.steps if step.name != "retain"]
    for step in must:
        for host in step.hosts if isinstance(step, Do) else ("",):
            marks = [Started(now, step.name, host, Way.FORWARD), Done(now, step.name, host, Way.FORWARD)]
            await room.store.append(id_, await room.store.length(id_), marks, fence)
    length = await room.store.length(id_)
    said = await refused(room.desk.stop("", room.who("lead")))
    assert said == "v1.2 is already live and checked, so stop cannot turn it back. Use `rollback`."
    assert await room.store.length(id_) == length


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


async def test_stop_with_nothing_going_on_says_so(room: Room) -> None:
    assert "Nothing is running" in await refused(room.desk.stop("", room.who("dev")))


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


async def test_an_old_button_says_what_is_true_now(room: Room) -> None:
    view = await asked(room)
    await approved(room, view)
    assert "under way" in await refused(approved(room, view, "tom"))
    fence = await room.store.take_fence("production", 0)
    ended = Ended(room.clock.now(), Outcome.DONE, "v1.2 is live on production.")
    await room.store.append(view.change.id, 1, [Took(room.clock.now(), fence, "w"), ended], fence)
    assert "v1.2 is live" in await refused(approved(room, view, "tom"))
    assert "has ended" in await refused(room.desk.stop(view.change.id, room.who("lead")))


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


async def test_a_raised_category_asks_for_more_and_says_who_raised_it(room: Room) -> None:
    view = await asked(room, "deploy v1.2 category=3")
    assert view.change.requirement.category == 3 and view.change.text == "deploy v1.2 category=3"
    assert view.change.requirement.because.startswith("Category 3 because that was asked for; the rules say 1 because")
    assert {need.role for need in view.change.requirement.needs} == {Role.CTO, Role.TEAM}


async def test_a_way_that_the_rules_do_not_allow_is_refused_and_kept_nowhere(room: Room) -> None:
    calm = parse_rules(SHIPPED_TEXT.replace('strategies_destructive = ["rolling", "blue-green"]', "", 1))
    room.desk.asking = replace(room.desk.asking, rules=calm)
    with pytest.raises(
        Refusal, match=r"^A change of category 3 has to go out as canary, not as blue-green\..*asked for\.$"
    ):
        await asked(room, "deploy v1.2 category=3")
    assert await room.desk.history(requests=True) == () and await room.desk.going_on() == ()


async def test_a_category_below_the_one_of_the_rules_is_refused(room: Room) -> None:
    rules = parse_rules(without_rules() + ONE_LEAD_RULE.replace("category = 1", "category = 2"))
    room.desk.asking = replace(room.desk.asking, rules=rules)
    with pytest.raises(Refusal, match=r"^Category 2 because every .* category=1 would lower that"):
        await asked(room, "deploy v1.2 category=1")
    assert (await asked(room, "deploy v1.2 category=2")).change.requirement.category == 2


async def test_where_nobody_has_to_approve_no_category_can_be_raised(room: Room) -> None:
    with pytest.raises(Refusal, match=r"^Staging needs no approval\. So there is no category to raise"):
        await asked(room, "deploy v1.2 to staging category=2")
    assert await room.store.open_run_of("staging") is None


@pytest.mark.parametrize("value", ["0", "4", "high", "33"])
async def test_what_is_no_category_is_said_with_an_example(room: Room, value: str) -> None:
    with pytest.raises(Refusal, match="is not a category from 1 to 3; write for example category=3"):
        await asked(room, f"deploy v1.2 category={value}")


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
