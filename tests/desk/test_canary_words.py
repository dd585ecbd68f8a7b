"""Words to a canary that is on: who may say them, and that there is one canary at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.engine.fleet import Pools
from actions.engine.journal import Took, Wish, Wished
from bot.desk.desk import Refusal
from bot.desk.view import ChangeView
from tests.desk.conftest import Room
from tests.support.canaries import shift

POOLS = Pools("", False, 0, None, 8 * 10**9, 10**9)


async def walking(room: Room, who: str) -> ChangeView:
    """A canary of v1.1 that this person asked for and Lena approved, with 10 % of the users."""
    room.servers.seen = {name: replace(host, pools=POOLS) for name, host in room.servers.seen.items()}
    asked = await room.desk.propose("deploy v1.1 canary", room.who(who))
    view = await room.desk.approve(asked.change.id, asked.change.digest, room.who("lead"), "unix:lead")
    fence, now = await room.store.take_fence("production", 0), room.clock.now()
    first = shift(now, (10, 100))[:2]
    await room.store.append(view.change.id, 1, [Took(now, fence, "bot"), *first], fence)
    return await room.desk.view(view.change.id)


async def says(room: Room, view: ChangeView, who: str, word: str, weight: str = "10") -> None:
    await room.desk.answer(view.change.id, "shift", weight, word, room.who(who), f"unix:{who}")


async def test_promote_now_is_for_those_who_may_approve_it_and_hold_for_all_who_may_answer(room: Room) -> None:
    view = await walking(room, "tom")
    with pytest.raises(Refusal, match="A Tech Lead, DevOps, the CTO or whoever is on call has to answer this"):
        await says(room, view, "dev", "promote now")
    with pytest.raises(Refusal, match=r"You asked for this yourself, so somebody else has to promote it.* Lena can\."):
        await says(room, view, "tom", "promote now")
    with pytest.raises(Refusal, match="That stage is over"):
        await says(room, view, "lead", "promote now", "100")
    await says(room, view, "tom", "hold")
    await says(room, view, "lead", "promote now")
    wished = [entry for entry in await room.store.read(view.change.id) if isinstance(entry, Wished)]
    assert [(entry.by, entry.wish) for entry in wished] == [("tom", Wish.HOLD), ("lead", Wish.PROMOTE)]


async def test_a_second_canary_waits_until_the_first_has_ended(room: Room) -> None:
    view = await walking(room, "dev")
    with pytest.raises(Refusal) as refused:
        await room.desk.propose("deploy v1.1 canary", room.who("tom"))
    assert refused.value.change == view.change.id
    assert refused.value.said.startswith("Deploy v1.1 to production, canary has been running since ")
    assert refused.value.said.endswith(
        "for Dana. One change at a time: ask again when it has ended, or stop it with `stop`."
    )
