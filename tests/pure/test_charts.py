"""A canary's pictures: what is counted into them, what their words say, and what can be seen on them."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from PIL import Image

from actions import canary
from actions.engine.analysis.counters import Counts
from actions.engine.journal import Wish, Wished
from actions.engine.plan import Plan
from actions.engine.telemetry import Sample
from bot.charts import drawing, shares
from bot.charts.canvas import fitting, width_of, wrapped
from bot.charts.drawing import BODY, CANARY, FAINT, INK, PAPER, STABLE, WIDTH, picture
from bot.charts.latency import P95, lines, question, times
from bot.charts.story import End, Story, Stretch, Tick, moments, story
from bot.charts.words import alt, counts, headline, percent
from tests.pure.making import POOLS, artifact, fleet, host, request
from tests.support.canaries import shift

AT = datetime(2026, 11, 24, 15, tzinfo=UTC)
ARGUMENTS = {"every": 60, "stages": ("10", "50", "100")}
PLAN: Plan = canary.plan(request("canary", ARGUMENTS), fleet(host("app1", pools=POOLS)), artifact())


def told(which: int = -1, **more: object) -> Story:
    entries = shift(AT, **more)  # type: ignore[arg-type]
    return story(PLAN, entries, moments(PLAN, entries)[which])


# --- what is counted ---------------------------------------------------------


def test_a_picture_is_due_at_the_end_of_each_stage_and_at_its_own() -> None:
    entries = shift(AT)
    due = moments(PLAN, entries)
    assert [story(PLAN, entries, number).end for number in due] == [End.ON, End.ON, End.LIVE]
    assert [story(PLAN, entries, number).stages[-1].weight for number in due] == [10, 50, 100]
    assert [moments(PLAN, entries[:n]) for n in (0, 2, due[0] - 1)] == [(), (), ()]


@pytest.mark.parametrize(("by", "end"), [("", End.BACK), ("devops", End.STOPPED)])
def test_a_way_back_is_the_last_picture(by: str, end: End) -> None:
    last = told(weights=(10, 50), back=2, by=by)
    assert last.end is end and [stage.weight for stage in last.stages] == [10, 50]
    assert (last.seconds, last.stages[-1].began) == (90, 60)


def test_every_request_of_the_journal_is_in_the_picture_once() -> None:
    last = told(failed=0.05, slow=0.1)
    assert [stage.canary for stage in last.stages] == [Counts(80, 4, 8), Counts(400, 20, 40), Counts(800, 40, 80)]
    assert [stage.stable.requests for stage in last.stages] == [720, 400, 0]
    assert [len(stage.ticks) for stage in last.stages] == [4, 4, 4]
    assert [stage.began for stage in last.stages] == [0, 60, 120]


def test_a_picture_does_not_know_what_came_after_it() -> None:
    entries = shift(AT, failed=0.02)
    number = moments(PLAN, entries)[0]
    assert story(PLAN, entries, number) == story(PLAN, entries[:number], number)


def test_a_plan_without_a_shift_has_no_pictures() -> None:
    plan = replace(PLAN, steps=tuple(step for step in PLAN.steps if step.name != "shift"))
    assert moments(plan, shift(AT)) == ()


# --- the lines ---------------------------------------------------------------


def stretch(*requests: int, failed: int = 0) -> Story:
    ticks = tuple(Tick(n * 15.0, n * 15.0 + 15, Counts(r, failed, 0), Counts()) for n, r in enumerate(requests))
    whole = Stretch(10, 0, 15.0 * len(requests), ticks)
    return replace(told(), stages=(whole,))


def failures(one: Story) -> list[list[tuple[float, float]]]:
    return shares.canary(one, lambda some: some.failed)


@pytest.mark.parametrize(
    ("requests", "points"),
    [
        ((30, 30, 30), [(7.5, 10), (22.5, 10), (37.5, 10)]),
        ((10, 10, 30), [(15, 30), (37.5, 10)]),
        ((30, 30, 5), [(7.5, 10), (30, 100 * 6 / 35)]),
        ((5, 5), [(0, 60), (30, 60)]),
        ((0, 0, 0), []),
    ],
)
def test_a_point_is_of_enough_requests_and_none_is_left_out(
    requests: tuple[int, ...], points: list[tuple[float, float]]
) -> None:
    (line,) = failures(stretch(*requests, failed=3))
    assert line == [pytest.approx(point) for point in points]


def test_a_long_canary_has_no_more_points_than_can_be_told_apart() -> None:
    (line,) = failures(stretch(*[100] * 400))
    assert len(line) <= shares.MOST


# --- the words ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (told(0), "v1.2 kept its limits with 10 % of users"),
        (told(), "v1.2 kept its limits, up to 100 % of users"),
        (told(0, failed=0.2), "v1.2 was above its limits with 10 % of users"),
        (told(0, requests=0), "v1.2 got no request with 10 % of users"),
        (told(weights=(10, 50), back=2, failed=0.25), "v1.2 went back at 50 %: 25 % failed"),
        (told(weights=(10,), back=2, slow=0.9), "v1.2 went back at 10 %: 90 % slower than 2 s"),
        (told(weights=(10,), back=2), "v1.2 went back at 10 %"),
        (told(weights=(10,), back=2, by="devops", failed=0.5), "v1.2 was stopped at 10 %"),
    ],
)
def test_the_headline_is_the_finding(one: Story, said: str) -> None:
    assert headline(one) == said


@pytest.mark.parametrize(
    ("which", "more", "said"),
    [
        (0, {"requests": 50}, "v1.2 was promoted from 10 % by Omar Haddad before it could be told"),
        (0, {"requests": 800}, "v1.2 was promoted from 10 % by Omar Haddad"),
        (0, {"requests": 800, "failed": 0.1}, "v1.2 was promoted from 10 % by Omar Haddad, above its limits"),
        (1, {}, "v1.2 was made live by Omar Haddad"),
    ],
)
def test_a_stage_that_a_person_ended_is_not_praised(which: int, more: dict[str, Any], said: str) -> None:
    entries = shift(AT, weights=(10, 100), **more)
    due = moments(PLAN, entries)[which]
    weight, at = ((10, due - 1), (100, due - 2))[which]  # the last decision of a shift is a Measured before its Done
    entries.insert(at, Wished(AT, "shift", weight, Wish.PROMOTE, "omar"))
    names = {"omar": "Omar Haddad"}
    one = story(PLAN, entries, due + 1, names.__getitem__)
    assert (headline(one), one.promoter_id) == (said, "omar")
    others = [other for other in moments(PLAN, entries) if other != due + 1]
    assert not any(story(PLAN, entries, other).promoter for other in others)


@pytest.mark.parametrize(
    "wish", [Wished(AT, "shift", 50, Wish.PROMOTE, "omar"), Wished(AT, "shift", 10, Wish.HOLD, "omar")]
)
def test_another_wish_promotes_nothing(wish: Wished) -> None:
    entries = shift(AT)
    due = moments(PLAN, entries)[0]
    entries.insert(due - 1, wish)
    assert headline(story(PLAN, entries, due + 1)) == "v1.2 kept its limits with 10 % of users"


def test_the_alt_text_says_the_finding_the_limits_and_every_stage() -> None:
    said = alt(told(weights=(10, 50), back=2, failed=0.25))
    assert said == (
        "v1.2 went back at 50 %: 25 % failed. "
        "Limits: at most 5 % of requests may fail, and at most 5 % may take longer than 2 s. "
        "10 % of users for 1 min: 25 % failed and 0 % were slow of 80 requests to v1.2, "
        "0 % failed and 0 % were slow of 720 to v1.1. "
        "50 % of users for 30 s: 25 % failed and 0 % were slow of 200 requests to v1.2, "
        "0 % failed and 0 % were slow of 200 to v1.1."
    )


def test_the_alt_text_of_many_stages_is_one_that_slack_takes() -> None:
    said = alt(told(weights=tuple(range(1, 101))))
    assert len(said) <= 1000 and said.startswith("v1.2 kept its limits") and said.endswith("…")


def test_what_is_counted_is_said_of_both() -> None:
    assert counts(told(0, failed=0.05)) == "4 of 80 requests failed, 0 slow; v1.1: 0 of 720, 0 slow"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 10, "0 %"), (0, 0, "0 %"), (3, 412, "0.7 %"), (26, 114, "23 %"), (1, 5000, "under 0.1 %"), (1, 1, "100 %")],
)
def test_a_share_is_never_said_to_be_nothing_where_it_is_not(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


# --- p95 ---------------------------------------------------------------------


def pool(name: str, value: float) -> Sample:
    return Sample({"pool": name}, value)


def test_p95_is_asked_for_over_the_servers_of_the_canary_up_to_each_stages_end() -> None:
    one = replace(told(), hosts=("app1", "app2.example"))
    series = 'chom_seconds_bucket{host=~"app1|app2\\\\.example"}'
    assert question(one) == f"histogram_quantile(0.95, sum by (le, pool) (increase({series}[30s])))"
    assert times(one) == [30, 60, 90, 120, 150, 180]
    assert times(told(every=1.0)) == [4, 8, 12], "a short stage is asked for at its end"
    assert len(times(told(every=300.0))) <= shares.MOST


def test_where_nobody_was_served_there_is_no_p95() -> None:
    assert lines({1.0: (), 2.0: (pool("canary", math.nan), pool("stable", 0.4))}) is None
    found = lines({2.0: (pool("canary", 0.5),), 1.0: (pool("canary", -0.1), pool("stable", 0.3), pool("other", 1))})
    assert found == P95([(1.0, 0.0), (2.0, 0.5)], [(1.0, 0.3)])


def test_p95_is_drawn_against_its_limit_and_said() -> None:
    one = told(weights=(10,), back=4, by="devops", requests=400)
    slow = P95([(30, 3.1), (60, 3.5)], [(30, 0.3), (60, 0.34)])
    assert "p95 of v1.2 at the end 3.5 s, of v1.1 0.34 s." in alt(one, slow)
    seen = Image.open(io.BytesIO(picture(one, slow))).convert("RGB")
    lower = {y for y in rows(seen, CANARY, range(500, 600)) if 500 < y < 900}
    others = {y for y in rows(seen, STABLE, range(500, 600)) if 500 < y < 900}
    limit = max(y for y in rows(seen, INK, range(700, 800)) if 500 < y < 900)
    assert max(lower) < limit < min(others)


# --- what can be seen --------------------------------------------------------


def image(one: Story) -> Image.Image:
    return Image.open(io.BytesIO(picture(one))).convert("RGB")


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def rows(seen: Image.Image, colour: str, x: range) -> set[int]:
    """The rows that have that colour, or one that cannot be told from it, anywhere in those columns."""
    want, found = rgb(colour), set[int]()
    for at in x:
        for y in range(seen.height):
            pixel = seen.getpixel((at, y))
            assert isinstance(pixel, tuple)
            if all(abs(a - b) < 16 for a, b in zip(pixel, want, strict=True)):
                found.add(y)
    return found


def luminance(colour: str) -> float:
    """WCAG 2.2, "relative luminance"."""
    linear = [(c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4) for c in rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [INK, FAINT, CANARY, STABLE])
def test_all_words_have_the_contrast_that_wcag_asks_for(colour: str) -> None:
    assert (luminance(PAPER) + 0.05) / (luminance(colour) + 0.05) >= 4.5


def test_the_smallest_type_is_eleven_points_on_a_phone() -> None:
    assert BODY * 360 / WIDTH >= 11


def test_the_same_story_is_the_same_bytes_and_small_enough_for_a_phone() -> None:
    one = told(failed=0.02)
    png = picture(one)
    assert png == picture(one) and png.startswith(b"\x89PNG") and len(png) < 120_000
    seen = image(one)
    assert seen.width == WIDTH and WIDTH * 0.8 < seen.height < WIDTH * 1.4


def test_a_line_stands_where_its_share_is() -> None:
    """In the upper plot a canary of which a quarter fails is above the limit, stable at the bottom."""
    bad = image(told(weights=(10,), back=4, failed=0.25, requests=400))
    columns = range(400, 600)
    upper = {y for y in rows(bad, CANARY, columns) if y < 450}
    others = {y for y in rows(bad, STABLE, columns) if y < 520}
    limit = max(y for y in rows(bad, INK, range(700, 800)) if y < 480)
    assert max(upper) < limit < min(others)
    good = image(told(weights=(10,), back=4, by="devops", requests=400))
    assert min(y for y in rows(good, CANARY, columns) if y < 520) > limit - 120


@pytest.mark.parametrize(("which", "share", "requests"), [(0, 0.0, 0), (0, 1.0, 7), (-1, 0.3, 100_000)])
def test_anything_can_be_drawn(which: int, share: float, requests: int) -> None:
    assert image(told(which, failed=share, slow=1 - share, requests=requests)).width == WIDTH


def test_long_names_and_strange_signs_stay_on_the_picture() -> None:
    long = replace(told(weights=(10,), back=2, failed=0.5), version="v2026.11.24-rc.1-with-a-long-name", old="v1.1→é")
    seen = image(long)
    for colour in (CANARY, STABLE, INK):
        assert not rows(seen, colour, range(WIDTH - 6, WIDTH)), "nothing is cut off at the edge"
    room = WIDTH - drawing.RIGHT - 24
    assert width_of(fitting(long.version, BODY, room), BODY) <= room
    assert all(width_of(line, BODY) <= 500 for line in wrapped("a " * 60 + "w" * 200, BODY, 500))
