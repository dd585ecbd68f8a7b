"""Words to a canary that is on: who may say them, and that there is one canary at a time."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest

from actions.engine.fleet import Pools
from actions.engine.journal import Measured, Took, Weighed, Wish, Wished
from bot.desk.desk import Refusal
from bot.desk.view import ChangeView
from tests.desk.conftest import Room
from tests.support.canaries import shift

POOLS = Pools("", False, 0, None, 8 * 10**9, 10**9)
TO_ALL = "promote to 100 %"


async def walking(room: Room, who: str, weights: tuple[int, ...] = (10, 100)) -> ChangeView:
    """A canary of v1.1 that this person asked for and Lena approved, with 10 % of the users."""
    stages = ",".join(map(str, weights))
    room.servers.seen = {name: replace(host, pools=POOLS) for name, host in room.servers.seen.items()}
    asked = await room.desk.propose(f"deploy v1.1 canary stages={stages}", room.who(who))
    view = await room.desk.approve(asked.change.id, asked.change.digest, room.who("lead"), "unix:lead")
    fence, now = await room.store.take_fence("production", 0), room.clock.now()
    first = shift(now, weights)[:2]
    await room.store.append(view.change.id, 1, [Took(now, fence, "bot"), *first], fence)
    return await room.desk.view(view.change.id)


async def says(room: Room, view: ChangeView, who: str, word: str, weight: str = "10") -> None:
    await room.desk.answer(view.change.id, "shift", weight, word, room.who(who), f"unix:{who}")


async def wished(room: Room, view: ChangeView) -> list[tuple[str, int, Wish]]:
    entries = await room.store.read(view.change.id)
    return [(entry.by, entry.weight, entry.wish) for entry in entries if isinstance(entry, Wished)]


async def test_to_promote_is_for_those_who_may_approve_it_and_to_hold_for_all_who_may_answer(room: Room) -> None:
    view = await walking(room, "tom")
    with pytest.raises(Refusal, match="A Tech Lead, DevOps, the CTO or whoever is on call has to answer this"):
        await says(room, view, "dev", TO_ALL)
    with pytest.raises(Refusal, match=r"You asked for this yourself, so somebody else has to promote it.* Lena can\."):
        await says(room, view, "tom", TO_ALL)
    await says(room, view, "tom", "hold")
    await says(room, view, "lead", "promote to 100")
    assert await wished(room, view) == [("tom", 10, Wish.HOLD), ("lead", 10, Wish.PROMOTE)]


@pytest.mark.parametrize("said", ["promote to 50 %", "hold"])
async def test_a_button_of_a_stage_that_is_over_sends_nobody_further(room: Room, said: str) -> None:
    """Somebody reads "Promote to 50 %", and as they press it the bot does just that."""
    view = await walking(room, "dev", (10, 50, 100))
    *_, on = shift(room.clock.now(), (10, 50, 100))[:6]
    assert isinstance(on, Weighed) and on.weight == 50
    await room.store.append(view.change.id, view.run.seq, [on], view.run.fence)
    refused = f"50 % of users have v1.1 by now, so “{said}” changed nothing. Its card has the buttons of this stage."
    with pytest.raises(Refusal, match=f"^{re.escape(refused)}$"):
        await says(room, view, "lead", said, "10")
    assert await wished(room, view) == []
    assert (await room.desk.view(view.change.id)).run.shifts["shift"].weight == 50


async def test_two_who_press_promote_at_once_send_users_one_stage_on(room: Room) -> None:
    view = await walking(room, "dev", (10, 50, 100))
    await asyncio.gather(*(says(room, view, who, "promote to 50 %") for who in ("lead", "tom")))
    on = shift(room.clock.now(), (10, 50, 100))[5]
    now = (await room.desk.view(view.change.id)).run
    await room.store.append(view.change.id, now.seq, [on], now.fence)
    assert (await room.desk.view(view.change.id)).run.shifts["shift"].wish is None, "both were of the stage before"


@pytest.mark.parametrize("said", ["promote", "promote now", "promote to 50 %", "make v1.1 live", "go on"])
async def test_to_say_something_else_than_the_next_stage_says_what_to_type(room: Room, said: str) -> None:
    view = await walking(room, "dev")
    typed = " or ".join(f"`answer {view.change.id} {known}`" for known in (TO_ALL, "hold"))
    refused = f"10 % of users have v1.1, and “{said}” is no answer to that. Type {typed}."
    with pytest.raises(Refusal, match=f"^{re.escape(refused)}$"):
        await says(room, view, "lead", said)
    assert await wished(room, view) == []


async def test_a_canary_that_is_held_cannot_be_held_and_one_that_ends_cannot_be_promoted(room: Room) -> None:
    view = await walking(room, "dev")
    watched = view.run.shifts["shift"].watched
    held = Measured(room.clock.now(), "shift", "", watched.holding(room.clock.now().timestamp()))
    await room.store.append(view.change.id, view.run.seq, [held], view.run.fence)
    with pytest.raises(Refusal, match=r"^It is held already\.$"):
        await says(room, view, "lead", "hold")
    await room.desk.stop(view.change.id, room.who("lead"))
    with pytest.raises(Refusal, match=f"^This canary's stages are over, so “{TO_ALL}” changed nothing"):
        await says(room, view, "lead", TO_ALL)


async def test_a_second_canary_waits_until_the_first_has_ended(room: Room) -> None:
    view = await walking(room, "dev")
    with pytest.raises(Refusal) as refused:
        await room.desk.propose("deploy v1.1 canary", room.who("tom"))
    assert refused.value.change == view.change.id
    assert refused.value.said.startswith("Deploy v1.1 to production, canary has been running since ")
    assert refused.value.said.endswith(
        "for Dana. One change at a time: ask again when it has ended, or stop it with `stop`."
    )
