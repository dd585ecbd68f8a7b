"""A category that was asked for: it may be raised above the rules' own, never lowered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.desk.desk import Refusal
from policies.change import Role
from policies.rules import parse_rules
from tests.desk.asking import asked
from tests.desk.conftest import Room
from tests.support.rules import ONE_LEAD_RULE, SHIPPED_TEXT, without_rules


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
