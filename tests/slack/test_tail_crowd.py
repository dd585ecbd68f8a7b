"""Twenty deploys at once before a strict Slack, by the real tail; its clock and Slack's run six times as fast."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.tails.pace import Pace
from tests.slack.room import Room
from tests.support.ages import changes
from tests.support.crowd import Strict, crowd

SPEED = 6.0
REAL = Pace()
FAST = replace(
    REAL,
    card=REAL.card / SPEED,
    turn=REAL.turn / SPEED,
    thread=REAL.thread / SPEED,
    post=REAL.post / SPEED,
    oldest=REAL.oldest / SPEED,
    patience=REAL.patience / SPEED,
    minute=REAL.minute / SPEED,
)


def strict(room: Room) -> Strict:
    """Slack's limits, at that speed."""
    limits = Strict(lambda: time.monotonic() * SPEED)
    room.slack.stand_in.workspace.limits = limits
    return limits


async def test_twenty_at_once_meet_no_429_and_all_cards_end_true(room: Room) -> None:
    limits = strict(room)
    async with room.tail("a", FAST):
        ages = await crowd(room.store, room.slack.messages, 20, (30, 60), speed=SPEED)
    cards = room.cards()
    assert limits.refused == 0 and len(cards) == 20
    for change in changes(20):
        (card,) = [one for one in cards if one["metadata"]["event_payload"]["change"] == change.id]
        revision = f"{await room.store.length(change.id)}.1"
        assert card["metadata"]["event_payload"]["revision"] == revision and "chom_stop" not in str(card)
    # by design 30 and 3; what this machine takes for a call counts six times here
    assert ages.progress <= 45 and ages.news <= 20, ages


async def test_one_deploys_card_is_fresh_with_the_real_pace_of_one(room: Room) -> None:
    limits = strict(room)
    async with room.tail("a", FAST):
        ages = await crowd(room.store, room.slack.messages, 1, (24, 24), speed=SPEED)
    assert limits.refused == 0
    assert ages.progress <= 9 and ages.news <= 8, ages
