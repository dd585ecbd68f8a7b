"""Many deploys at once against Slack's limits as the stand-in keeps them, on a clock that does not wait."""

from __future__ import annotations

import random

import pytest

from bot.tails.cards.turns import Life, Turn, Turns, Want
from bot.tails.pace import Bucket, Minute, Pace
from tests.pure.crowd import Crowd, Deploy, deploy, restless

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_deploys_card_is_at_most_4_s_old(seed: int) -> None:
    seen = Crowd([deploy("one", asked=0, decided=6, lasts=70, seed=seed)]).play()
    assert seen.refused == 0 and seen.progress <= 4 and seen.news <= 3 and seen.posted <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_one_deploy_that_never_stands_still_is_at_most_4_s_old(seed: int) -> None:
    seen = Crowd([restless("one", begins=1, ends=120, every=0.3)], seed=seed).play()
    assert seen.refused == 0 and seen.progress <= 4 and seen.news <= 3


@pytest.mark.parametrize("seed", SEEDS)
def test_20_that_begin_at_once_are_at_most_30_s_old_and_their_ends_3(seed: int) -> None:
    dice = random.Random(seed)
    crowd = [deploy(f"c{n:02}", asked=0.1, decided=0.1, lasts=dice.uniform(30, 60), seed=n) for n in range(20)]
    seen = Crowd(crowd, seed=seed).play()
    assert seen.refused == 0 and seen.progress <= 30 and seen.news <= 3
    assert seen.posted <= 22, "one message a second for the channel"


@pytest.mark.parametrize("seed", SEEDS)
def test_20_long_ones_too(seed: int) -> None:
    dice = random.Random(seed)
    crowd = [deploy(f"c{n:02}", asked=0.1, decided=0.1, lasts=dice.uniform(90, 240), seed=n) for n in range(20)]
    seen = Crowd(crowd, seed=seed).play()
    assert seen.refused == 0 and seen.progress <= 30 and seen.news <= 3


@pytest.mark.parametrize("every", [0.3, 2, 8])
def test_20_that_never_stand_still_take_turns_and_leave_room_for_three_decisions_at_once(every: float) -> None:
    """The arithmetic: 20 cards every 28.5 s are 42 updates a minute, and 45 are shared."""
    crowd = [restless(f"c{n:02}", begins=0.1, ends=300 if n < 3 else 600 + 6 * n, every=every) for n in range(20)]
    seen = Crowd(crowd).play(until=595)
    assert seen.refused == 0 and seen.progress <= 30 and seen.news <= 3


@pytest.mark.parametrize(("waits", "within", "lasts"), [(25, 3, 25), (25, 3, 75), (0, 0, 75), (25, 60, 75)])
def test_more_than_slack_allows_meets_no_429_and_what_people_wait_for_goes_first(
    waits: float, within: float, lasts: float
) -> None:
    """20 decisions and 20 ends within a minute, and cards that move: more than 45. It is late, and never refused."""
    dice = random.Random(7)
    crowd = [
        deploy(f"c{n:02}", 0.1, waits + n * within / 20 + 0.1, lasts * dice.uniform(0.9, 1.1), seed=n)
        for n in range(20)
    ]
    seen = Crowd(crowd).play()
    assert seen.refused == 0 and seen.news <= 40 and seen.progress <= 60


@pytest.mark.parametrize("latency", [0.05, 1.0, 2.5])
def test_a_slow_slack_is_called_for_several_cards_at_once(latency: float) -> None:
    crowd = [restless(f"c{n:02}", begins=0.1, ends=100 + 4 * n, every=3) for n in range(10)]
    seen = Crowd(crowd, latency=latency).play()
    assert seen.refused == 0 and seen.news <= 3 + latency


# --- one rule at a time ------------------------------------------------------


def looked(turns: Turns, id_: str, want: Want, at: float, life: Life = Life.GOES_ON) -> None:
    turns.touch([id_], at)
    since = turns.looking(id_)
    turns.looked(id_, {want}, life, since)


def order(turns: Turns, now: float) -> list[str]:
    picked: list[str] = []
    while turn := turns.pick(now):
        picked.append(turn.id)
    return picked


def test_an_end_goes_before_progress_and_the_oldest_first_among_their_kind() -> None:
    turns = Turns(Pace())
    for id_, want, at in (("b", Want.PROGRESS, 1), ("a", Want.PROGRESS, 2), ("z", Want.NEWS, 4), ("y", Want.NEWS, 3)):
        looked(turns, id_, want, at)
    assert order(turns, 10) == ["y", "z", "b", "a"]


def test_a_failure_goes_before_a_new_card_and_a_message_in_a_thread_leaves_room_for_both() -> None:
    turns = Turns(Pace())
    turns.pick(0)
    for id_, want in (("t", Want.THREAD), ("c", Want.CARD), ("f", Want.ALARM)):
        looked(turns, id_, want, 1)
    assert order(turns, 10) == ["f", "c"]
    assert turns.pick(11.1) is None, "one is kept for what people wait for"
    assert turns.pick(12.2) == Turn("t", Want.THREAD)


def test_a_card_is_served_once_at_a_time_and_looked_at_again_after_it() -> None:
    turns = Turns(Pace())
    looked(turns, "a", Want.NEWS, 1)
    turn = turns.pick(1)
    assert turn is not None
    turns.touch(["a"], 2)
    assert turns.unseen(2) == [] and turns.pick(2) is None
    turns.done(turn, 3)
    assert turns.unseen(3) == ["a"] and turns.looking("a") == 2


def test_what_is_shut_is_not_called_and_the_rest_is() -> None:
    turns = Turns(Pace())
    looked(turns, "a", Want.NEWS, 1)
    looked(turns, "b", Want.CARD, 1)
    turns.shut(30, Want.NEWS)
    assert order(turns, 10) == ["b"] and turns.ready(10) == 30
    assert order(turns, 30) == ["a"]


def test_an_end_that_comes_just_after_progress_waits_a_second_and_progress_three() -> None:
    turns = Turns(Pace())
    looked(turns, "a", Want.PROGRESS, 1)
    turn = turns.pick(1)
    assert turn is not None
    turns.done(turn, 1.2)
    since = turns.looking("a")
    turns.looked("a", {Want.PROGRESS}, Life.GOES_ON, since)
    assert turns.ready(1.3) == 4.0
    turns.looked("a", {Want.NEWS}, Life.GOES_ON, since)
    assert turns.ready(1.3) == 2.0


def test_what_a_bot_before_this_one_has_spent_is_not_spent_again() -> None:
    turns = Turns(Pace())
    turns.remember([100 - ago for ago in range(1, 46)])
    looked(turns, "a", Want.NEWS, 100)
    assert turns.pick(100) is None and turns.ready(100) == 115


def test_nothing_is_remembered_of_what_is_over_and_shown() -> None:
    turns = Turns(Pace())
    turns.touch(["a"], 1)
    turns.looked("a", frozenset(), Life.OVER, turns.looking("a"))
    assert turns.idle and turns.ready(2) == float("inf") and turns.unseen(99) == []


def test_a_minute_keeps_its_reserve() -> None:
    minute = Minute(5)
    for second in range(3):
        assert minute.ready(second, 2) == second
        minute.count(second)
    assert minute.ready(3, 2) == 60.0
    assert minute.ready(3, 0) == 3
    minute.count(3)
    minute.count(3)
    assert minute.ready(4, 0) == 60.0
    assert minute.ready(60.5, 0) == 60.5


def test_a_bucket_fills_slowly_and_no_further_than_it_holds() -> None:
    bucket = Bucket(2, 1.0)
    assert bucket.ready(10, 0) == 10 and bucket.ready(10, 1) == 11
    bucket.take(10)
    assert bucket.ready(10, 0) == 11
    assert bucket.ready(100, 1) == 100
    bucket.take(100)
    bucket.take(100)
    assert bucket.ready(100, 0) == 101


def test_a_deploy_of_the_crowd_is_one_that_could_be() -> None:
    made = deploy("x", 0, 5, 60, seed=1)
    made.plan(random.Random(1))
    assert isinstance(made, Deploy) and len(made.moves) > 20 and made.moves[-1] == (made.ended, True)
    assert made.moves == sorted(made.moves)
