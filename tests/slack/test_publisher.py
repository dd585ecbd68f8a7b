"""The pace of Homes: everybody's turn comes, those with news first, and never more in a minute than Slack takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.slack.connection.web import new_client, new_session
from bot.slack.messages.home import Home
from bot.store.homes import Opening
from bot.tails.homes.publisher import Again, Drawn, HomeShown, Publisher
from tests.slack.lobby import SWIFT
from tests.slack.support import Slack, start_slack

READER, OTHER = "T0CHOM:U0LEAD", "T0CHOM:U0DEV"


@dataclass
class Notes:
    """What is noted of Homes."""

    kept: dict[str, str] = field(default_factory=dict)
    uses: list[float] = field(default_factory=list)

    async def home_shown(self, reader: str) -> str:
        return self.kept.get(reader, "")

    async def set_home_shown(self, reader: str, note: str) -> None:
        self.kept[reader] = note

    async def spend(self, what: str, seconds: float) -> None:
        self.uses.append(time.monotonic())

    async def spent(self, what: str) -> list[float]:
        return [time.monotonic() - at for at in self.uses]


def a_home(words: str) -> Drawn:
    return Drawn.of(Home(({"type": "section", "text": {"type": "plain_text", "text": words}},), words))


@pytest.fixture
async def slack() -> Any:
    made = await start_slack()
    yield made
    await made.server.close()


@pytest.fixture
async def client(slack: Slack) -> Any:
    session = new_session()
    yield new_client(slack.settings(), session, token="xoxb-sandbox", retrying=False)
    await session.close()


async def test_the_reserve_is_kept_for_news_and_nothing_meets_a_429(client: Any) -> None:
    pace = replace(SWIFT, view=0.0, turn=0.0)
    publisher, sent = Publisher(client, Notes(), pace, lambda: True), 0
    with pytest.raises(Again):
        for sent in range(200):
            await publisher.publish(READER, a_home(f"step {sent}"), urgent=False)
    assert sent == 70
    with pytest.raises(Again) as full:
        for sent in range(200):
            await publisher.publish(OTHER, a_home(f"news {sent}"), urgent=True)
    assert sent == 20 and full.value.when > 0


async def test_what_the_bot_before_has_sent_counts_in_the_same_minute(client: Any) -> None:
    notes, pace, sent = Notes(), replace(SWIFT, view=0.0, turn=0.0), 0
    before = Publisher(client, notes, pace, lambda: True)
    for number in range(30):
        await before.publish(READER, a_home(f"step {number}"), urgent=True)
    after = Publisher(client, notes, pace, lambda: True)
    with pytest.raises(Again):
        for sent in range(200):
            await after.publish(OTHER, a_home(f"step {sent}"), urgent=True)
    assert sent == 60


async def test_one_person_is_not_sent_one_after_the_other(client: Any) -> None:
    publisher = Publisher(client, Notes(), replace(SWIFT, view=60.0, turn=0.0), lambda: True)
    await publisher.publish(READER, a_home("one"), urgent=False)
    with pytest.raises(Again):
        await publisher.publish(READER, a_home("two"), urgent=False)
    await publisher.publish(OTHER, a_home("two"), urgent=False)
    await publisher.publish(READER, a_home("a decision"), urgent=True)


async def test_a_bot_without_the_lease_sends_nothing(client: Any, slack: Slack) -> None:
    publisher = Publisher(client, Notes(), SWIFT, lambda: False)
    with pytest.raises(Again):
        await publisher.publish(READER, a_home("one"), urgent=True)
    assert slack.stand_in.memory.views == {}


async def test_an_opening_from_before_the_last_view_says_nothing_of_it(client: Any) -> None:
    notes = Notes()
    first = Publisher(client, notes, SWIFT, lambda: True)
    await first.opened(Opening(READER, "", 5))
    await first.publish(READER, a_home("one"), urgent=True)
    again = Publisher(client, notes, SWIFT, lambda: True)
    await again.opened(Opening(READER, "", 5))
    assert (await again.shown(READER)).face == a_home("one").face
    await again.opened(Opening(READER, "1.other", 6))
    assert await again.shown(READER) == HomeShown("1.other", opening=6)


async def test_what_another_version_noted_is_not_believed(client: Any) -> None:
    publisher = Publisher(client, Notes({READER: '{"hash": 3, "more": []}'}), SWIFT, lambda: True)
    assert await publisher.shown(READER) == HomeShown()


async def test_who_looks_no_longer_is_forgotten(client: Any) -> None:
    notes = Notes()
    publisher = Publisher(client, notes, replace(SWIFT, turn=60.0), lambda: True)
    await publisher.publish(READER, a_home("one"), urgent=True)
    notes.kept.clear()
    publisher.only({OTHER})
    assert await publisher.shown(READER) == HomeShown()
    assert publisher.last(READER) == float("-inf")
