"""Somebody opens their Home, through the real Bolt over both transports: acked at once, told to the tail once."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.sandbox.slack import payloads, people
from bot.sandbox.slack.carrier import Kind, Outcome
from tests.slack.changes import PEOPLE
from tests.slack.conftest import Faced
from tests.slack.support import until
from tests.slack.test_home import WAITS, home, seen

READER = "T0CHOM:U0LEAD"


async def publish(faced: Faced, who: str = "lead") -> str:
    """Put a Home before a person, as the tail does; its hash."""
    made = home(seen([WAITS]), PEOPLE[who]).view()
    answer = await faced.face.client.views_publish(user_id=f"U0{who.upper()}", view=made)
    return answer["view"]["hash"]


async def test_an_opened_home_is_told_with_what_was_shown(both: Faced) -> None:
    await both.slack.stand_in.open_home("lead")
    await until(lambda: both.memory.opened)
    hash_ = await publish(both)
    await both.slack.stand_in.open_home("lead")
    await until(lambda: len(both.memory.opened) == 2)
    assert both.memory.opened == [(READER, "", True), (READER, hash_, True)]


async def test_the_same_event_twice_is_told_once(both: Faced) -> None:
    await both.slack.stand_in.fault({"deliver": "twice"})
    await both.slack.stand_in.open_home("lead")
    await until(lambda: both.memory.opened)
    await asyncio.sleep(0.2)
    assert len(both.memory.opened) == 1


async def test_the_ack_does_not_wait_for_the_store(both: Faced) -> None:
    """An event that is not acked within three seconds would come again."""
    free, told = asyncio.Event(), both.memory.home_opened

    async def slow(reader: str, hash_: str, keep: bool) -> None:
        await free.wait()
        await told(reader, hash_, keep)

    both.memory.home_opened = slow  # type: ignore[method-assign]
    payload = payloads.home_opened(both.slack.stand_in.workspace, people.person("lead"), None)
    begun = time.monotonic()
    assert (await both.slack.stand_in.carrier.deliver(Kind.EVENT, payload)).outcome is Outcome.ACKED
    assert time.monotonic() - begun < 1 and both.memory.opened == []
    free.set()
    await until(lambda: both.memory.opened)


async def test_a_stranger_is_told_of_but_not_kept(bot: Faced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(PEOPLE, "lead")
    await bot.slack.stand_in.open_home("lead")
    await until(lambda: bot.memory.opened)
    assert bot.memory.opened == [(READER, "", False)]


@pytest.mark.parametrize("other", [{"tab": "messages"}, {"user": ""}, {"team_id": "T0OTHER"}])
async def test_what_is_no_home_of_ours_is_acked_and_left_alone(bot: Faced, other: dict[str, str]) -> None:
    payload = payloads.home_opened(bot.slack.stand_in.workspace, people.person("lead"), None)
    changed = payload | other if "team_id" in other else payload | {"event": payload["event"] | other}
    assert (await bot.slack.stand_in.carrier.deliver(Kind.EVENT, changed)).outcome is Outcome.ACKED
    await asyncio.sleep(0.1)
    assert bot.memory.opened == []


async def test_the_button_to_a_card_is_acked_and_asks_the_desk_for_nothing(both: Faced) -> None:
    await publish(both)
    (view,) = both.slack.stand_in.memory.views.values()
    assert await both.slack.stand_in.acts.click_view("lead", view["id"], "chom_open_card", None, {}) == "acked"
    await asyncio.sleep(0.1)
    assert both.desk.asked == [] and both.slack.whispers("lead") == [] and "errors" not in view


async def test_the_button_of_the_home_opens_the_form_for_a_deploy(both: Faced) -> None:
    await publish(both)
    (view,) = both.slack.stand_in.memory.views.values()
    assert await both.slack.stand_in.acts.click_view("lead", view["id"], "chom_open_deploy", None, {}) == "acked"
    await until(lambda: [v["type"] for v in both.slack.stand_in.memory.views.values()] == ["home", "modal"])
    (modal,) = [v for v in both.slack.stand_in.memory.views.values() if v["type"] == "modal"]
    assert "production" in str(modal["blocks"]) and both.slack.whispers("lead") == []
