"""After an emergency: its review is open from its start, and a second person closes it with a sentence, once."""

from __future__ import annotations

import asyncio

import pytest

from actions.engine.journal import Ended, Outcome
from bot.desk.late import LateStarts
from bot.desk.planning import Unlisted
from bot.desk.view import ChangeView
from bot.shell import printed
from bot.store.decisions import Act
from policies.change import Account, Waiting
from policies.people import Standing
from tests.desk.asking import approved, asked, refused
from tests.desk.conftest import Room

URGENT = 'deploy v1.2 emergency="The checkout is down"'


async def over(room: Room, who: str = "devops") -> ChangeView:
    """Asked for and let through by the same person, and ended."""
    view = await asked(room, URGENT, who)
    await approved(room, view, who)
    ended = Ended(room.clock.now(), Outcome.DONE, "v1.2 is live.")
    await room.store.append(view.change.id, 1, [ended], None)
    return await room.desk.view(view.change.id)


async def reviewed(room: Room, view: ChangeView, who: str = "lead", said: str = "An index was missing.") -> ChangeView:
    return await room.desk.reviewing.review(view.change.id, room.who(who), f"unix:{who}", said)


async def test_it_is_open_from_the_very_start_of_the_run_and_not_before(room: Room) -> None:
    view = await asked(room, URGENT, "devops")
    assert await room.store.open_reviews() == []
    await approved(room, view, "devops")
    assert await room.store.open_reviews() == [view.change.id]
    assert "still running" in await refused(reviewed(room, view))


async def test_what_is_no_emergency_owes_none(room: Room) -> None:
    view = await asked(room)
    await approved(room, view)
    assert await room.store.open_reviews() == []
    assert "was no emergency" in await refused(reviewed(room, view))


async def test_a_second_person_closes_it_and_that_is_a_decision(room: Room) -> None:
    view = await over(room)
    assert view.owes_review and (await room.desk.status("production"))[0].reviews == (view,)
    room.clock.later(days=3)
    closed = await reviewed(room, view)
    assert closed.reviewed and (closed.reviewed.by, closed.reviewed.said) == ("lead", "An index was missing.")
    assert not closed.owes_review and await room.store.open_reviews() == []
    one = (await room.store.decisions(view.change.id))[-1]
    assert (one.act, one.person, one.account, one.said) == (Act.REVIEWED, "lead", "unix:lead", "An index was missing.")
    assert one.digest == view.change.digest and one.rules == room.desk.rules.sha256
    assert (await room.desk.status("production"))[0].reviews == ()


async def test_nobody_who_had_a_hand_in_it_closes_it(room: Room) -> None:
    view = await asked(room, URGENT, "dev")
    await approved(room, view, "lead")
    await room.store.append(view.change.id, 1, [Ended(room.clock.now(), Outcome.TURNED_BACK, "back")], None)
    for who in ("dev", "lead"):
        assert "somebody else has to review it. Omar or Tom can." in await refused(reviewed(room, view, who))
    lead = room.desk.person(Account("T0CHOM", "U0LEADTWO"))
    said = await refused(room.desk.reviewing.review(view.change.id, lead, "T0CHOM:U0LEADTWO", "fine"))
    assert "somebody else" in said and await room.store.open_reviews() == [view.change.id]
    assert (await room.store.decisions(view.change.id))[-1].act is Act.REFUSED


async def test_somebody_without_a_role_does_not_close_it(room: Room) -> None:
    view = await over(room)
    assert "Only somebody with a role" in await refused(reviewed(room, view, "dev"))


async def test_without_a_sentence_it_is_no_review(room: Room) -> None:
    view = await over(room)
    for said in ("", "  ", "\u200b", "x", "all well", "x - . !", "one\u200btwo three"):
        assert "Say in a sentence of at least 3 words what came of it" in await refused(reviewed(room, view, said=said))
    assert f"{view.title} ({view.change.id})" in await refused(
        room.desk.reviewing.review("", room.who("lead"), "unix:lead", "x")
    )


async def test_of_two_who_review_at_once_one_does_and_the_same_twice_is_once(room: Room) -> None:
    view = await over(room)
    tries = await asyncio.gather(
        reviewed(room, view, "lead", "Lena says so."),
        reviewed(room, view, "tom", "Tom says so."),
        return_exceptions=True,
    )
    (closed,) = [one for one in tries if isinstance(one, ChangeView)]
    (said,) = [str(one) for one in tries if not isinstance(one, ChangeView)]
    assert closed.reviewed and "has reviewed it already" in said and closed.reviewed.said in said
    again = await reviewed(room, view, closed.reviewed.by, closed.reviewed.said)
    assert again.reviewed == closed.reviewed
    assert [one.act for one in await room.store.decisions(view.change.id)].count(Act.REVIEWED) == 1


async def test_a_shell_says_emergency_its_reason_and_what_is_owed(room: Room) -> None:
    view = await over(room)
    (past,) = await room.desk.history(requests=True)
    lines = "\n".join(printed.past(past))
    assert "EMERGENCY: Deploy v1.2" in lines and "The checkout is down" in lines
    assert f"waits for its review: chom-bot review {view.change.id}" in lines
    (seen,) = await room.desk.status("production")
    assert "waits for its review: EMERGENCY: Deploy v1.2" in "\n".join(printed.status(seen))
    await reviewed(room, view)
    (past,) = await room.desk.history(requests=True)
    assert "reviewed by Lena: “An index was missing.”" in "\n".join(printed.past(past))


async def test_history_lists_what_came_to_nothing_too(room: Room) -> None:
    rejected = await asked(room)
    await room.desk.reject(rejected.change.id, rejected.change.digest, room.who("lead"), "unix:lead", "no")
    withdrawn = await asked(room)
    await room.desk.stop(withdrawn.change.id, room.who("dev"), "unix:dev")
    lapsed = await asked(room)
    room.clock.later(hours=5)
    seen = await room.desk.history(requests=True)
    assert {one.view.change.id for one in seen} == {v.change.id for v in (rejected, withdrawn, lapsed)}
    told = "\n".join(line for one in seen for line in printed.past(one))
    assert all(word in told for word in (": rejected; asked", ": withdrawn; asked", ": expired; asked"))
    assert "\n    Lena rejected it: no." in told and "\n    Dana withdrew the request" in told
    assert len(told.splitlines()) == 6 and await room.desk.history() == ()


async def test_a_word_from_a_guests_account_counts_for_nothing(room: Room) -> None:
    """Slack says after the click that the account is a guest's: what came from it starts nothing."""
    view = await asked(room)
    room.servers.down = {"app1"}
    lead, account = room.who("lead"), Account("T0CHOM", "U0LEAD")
    await refused(room.desk.approve(view.change.id, view.change.digest, lead, "T0CHOM:U0LEAD"))
    assert (await room.desk.view(view.change.id)).verdict.kind == "allowed"
    await room.desk.roster.learn_account(account, Standing.GUEST, room.clock.now())
    room.servers.down = set()
    await LateStarts(room.desk).look()
    now = await room.desk.view(view.change.id)
    assert isinstance(now.verdict, Waiting) and not now.run.opened and room.work.runs == []
    with pytest.raises(Unlisted):
        room.desk.person(account)
